#!/bin/sh
# The command of the npm package: the executable where there is one for this machine, else the same code in Node.js.
package=$(dirname -- "$(dirname -- "$(readlink -f -- "$0")")")
case $(uname -m) in
x86_64) arch=x64 ;;
aarch64) arch=arm64 ;;
*) arch=none ;;
esac
for program in "$package/dist/tsrun" "$package/prebuilds/linux-$arch/tsrun"; do
  [ ! -x "$program" ] || exec "$program" "$@"
done
exec node "$package/dist/package/cli/main.js" "$@"
