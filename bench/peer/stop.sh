#!/bin/bash
# Stops what start.sh started in $DATA, by its pid files, and waits for the end.
. "$(dirname "$0")/env.sh"
for name in broker namesrv; do
	[ -e "$DATA/$name.pid" ] || continue
	pid=$(cat "$DATA/$name.pid")
	kill "$pid" 2>/dev/null
	for ((i = 0; i < 300; i++)); do
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.1
	done
	kill -KILL "$pid" 2>/dev/null
	rm -f "$DATA/$name.pid"
done
exit 0
