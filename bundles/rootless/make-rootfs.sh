#!/bin/sh
# Makes rootfs/ beside this file.
set -eu
here=$(CDPATH='' cd "$(dirname "$0")" && pwd)
exec "$here/../busybox-rootfs.sh" "$here/rootfs"
