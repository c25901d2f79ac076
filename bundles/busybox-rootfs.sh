#!/bin/sh
# Makes a rootfs of one static busybox. usage: busybox-rootfs.sh ROOTFS   (BUSYBOX=path for another one)
set -eu
rootfs=$1
busybox=${BUSYBOX:-$(PATH=$PATH:/usr/sbin:/sbin command -v busybox || command -v busybox.static || true)}
if [ -z "$busybox" ] || ldd "$busybox" >/dev/null 2>&1; then
  echo "a static busybox is needed (Debian, Ubuntu, Alpine: package busybox-static)" >&2
  exit 1
fi
mkdir -p "$rootfs/bin" "$rootfs/etc" "$rootfs/root" "$rootfs/tmp"
chmod 1777 "$rootfs/tmp"
cp "$busybox" "$rootfs/bin/busybox"
# Hard links: symlinks made by --install would hold the path on the host.
"$rootfs/bin/busybox" --install "$rootfs/bin"
echo 'root:x:0:0:root:/root:/bin/sh' >"$rootfs/etc/passwd"
echo 'root:x:0:' >"$rootfs/etc/group"
