#!/bin/bash
# Fetches the peer's jars (Maven artifacts) and builds the bind shim, once.
set -eu
. "$(dirname "$0")/env.sh"

fetch() { # version, profile switch
	local lib=$HOME_DIR/rocketmq-$1/lib
	[ -e "$lib/.complete-v5" ] && return
	mvn -q -B $2 -f "$HERE/pom.xml" -Dv="$1" -Dlib="$lib" dependency:copy-dependencies
	touch "$lib/.complete-v5"
}

case $VERSION in
5.5.0) fetch 5.5.0 '' ;;
*) fetch "$VERSION" '-P !programs'; fetch 5.5.0 '' ;;
esac
[ "$HOME_DIR/lobind.so" -nt "$HERE/lobind.c" ] || gcc -shared -fPIC -O2 -o "$HOME_DIR/lobind.so" "$HERE/lobind.c" -ldl
