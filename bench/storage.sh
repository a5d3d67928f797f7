# The rows about what a server holds; sourced by run.sh. Each has a fresh server, and Gantry alone where the peer has no such row.

storage_groups() {
	wants restart && group shared row_restart
	wants topics && group pinned row_topics
	wants queues && ours row_queues
	wants pause && { ours row_pause_few; ours row_pause_many; }
	wants cold && ours row_cold
}

# ours: group without the peer.
ours() {
	local SERVERS=gantry
	group shared "$1"
}

# kill -9 with 5 GB of log (and what was read last still in the page cache), then the time to the first stored message.
row_restart() {
	"$WORK/load" fill -namesrv "$namesrv" -topic BenchFill -size 1024 -messages "${RESTART_MESSAGES:-4500000}" || { failed=1; return; }
	du -sm "$WORK/$server" | sed 's/^/MB on disk: /' >&2
	sync
	restart_server restart || failed=1
}

# 1 topic and 10,000 topics with 8 queues each, in turn, in one server.
row_topics() {
	local i out=$OUT
	warm_up pinned
	for i in 1 2 3; do
		# Only the last pair counts as this round's: the pairs before it let both settings see the same server.
		[ $i = 3 ] || local OUT=$WORK/warm
		[ $i = 3 ] && OUT=$out
		load send topics-1 -topic BenchOne -connections 8 -inflight 64
		load send topics-10000 -topic BenchMany -topics 10000 -connections 8 -inflight 64
	done
}

# 1,000,000 queues with a message each: start after a stop, start after kill -9, and the memory after each.
row_queues() {
	pin_client= warm=0
	million_queues || return
	restart_server queues-killed || { failed=1; return; }
	load idle queues-killed-memory -hiccup 0 -duration 1s
	kill "$pids"
	while kill -0 "$pids" 2>/dev/null; do sleep 0.01; done
	local restart=queues
	start_gantry shared || { failed=1; return; }
	load idle queues-memory -hiccup 0 -duration 1s
}

million_queues() {
	"$WORK/load" fill -namesrv "$namesrv" -topic BenchQueues -topics 1000 -queues 1000 || { failed=1; return 1; }
}

# A send a ms, one at a time, beside 20 MB/s that make a snapshot due every few seconds: with 1,000,000 queues and with few.
row_pause() { :; } # two servers: see storage_groups
row_pause_few() { pause pause-few; }
row_pause_many() { million_queues && pause pause-many; }

pause() { # row
	pin_client= warm=5
	"$WORK/load" rate -namesrv "$namesrv" -topic BenchBeside -connections 1 -rate 1000 -size 20000 -hiccup 0 \
		-warmup 0s -duration "$((seconds * 3 + warm + 5))s" >/dev/null &
	local beside=$!
	seconds=$((seconds * 3)) load rate "$1" -topic BenchPing -connections 1 -rate 1000
	wait $beside || failed=1
}

# Sends at 5,000/s, alone and while a group reads 2 GB of a topic that has left the server's memory (not the page cache).
row_cold() {
	pin_client= warm=${WARM:-5}
	"$WORK/load" fill -namesrv "$namesrv" -topic BenchCold -size 1024 -messages 2000000 || { failed=1; return; }
	"$WORK/load" fill -namesrv "$namesrv" -topic BenchCold2 -size 1024 -messages 300000 || { failed=1; return; } # the last segment is cold too
	awk '/^Cached/ {printf "page cache: %.0f MB\n", $2 / 1024}' /proc/meminfo >&2
	load rate cold-without -topic BenchHot -connections 8 -rate 5000
	"$WORK/load" pull -namesrv "$namesrv" -topic BenchCold -messages 1 -connections 2 -inflight 4 -hiccup 0 \
		-warmup 0s -duration "$((seconds + warm + 3))s" >&2 &
	local reader=$!
	load rate cold-with -topic BenchHot -connections 8 -rate 5000
	wait $reader || failed=1
}
