#!/bin/sh
# Makes rootfs/ beside this file: nothing but the program, which the build has made (native/hello).
set -eu
here=$(CDPATH='' cd "$(dirname "$0")" && pwd)
program=$here/../../build/Release/hello
if [ ! -x "$program" ]; then
  echo "build/Release/hello is missing: run npm run build" >&2
  exit 1
fi
mkdir -p "$here/rootfs"
# By rename: a container may be running the old one.
cp "$program" "$here/rootfs/hello.new"
mv "$here/rootfs/hello.new" "$here/rootfs/hello"
