#!/bin/sh
# Puts tsrun in PREFIX (default: /usr/local), below DESTDIR if that is set. "uninstall" as argument takes it away again.
set -eu
cd "$(dirname -- "$0")"
target=${DESTDIR:-}${PREFIX:-/usr/local}
files=$(cd tree && find . -type f | sort)
case ${1:-install} in
install)
  for file in $files; do
    mode=644
    [ ! -x "tree/$file" ] || mode=755
    mkdir -p "$target/$(dirname "$file")"
    # By rename: the old program may be running.
    cp "tree/$file" "$target/$file.new"
    chmod "$mode" "$target/$file.new"
    mv -f "$target/$file.new" "$target/$file"
  done
  echo "installed $("$target/bin/tsrun" --version | head -n 1) in $target" ;;
uninstall)
  for file in $files; do rm -f "$target/$file"; done
  rmdir "$target/share/doc/tsrun" 2>/dev/null || true
  echo "removed tsrun from $target" ;;
*)
  echo "usage: [PREFIX=DIR] [DESTDIR=DIR] $0 [install|uninstall]" >&2
  exit 2 ;;
esac
