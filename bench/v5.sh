# The rows about the v5 gRPC protocol; sourced by run.sh. Both servers take part, and a server of grpc-go alone that does
# nothing (the "empty" one) is measured in the same round.

v5_groups() {
	local v5=1
	wants v5load && { group shared row_v5load; v5_empty; }
	wants v5wait && group shared row_v5wait
	wants v5hold && { v5_ours row_v5hold; v5_ours row_v5pending; }
}

# v5_ours: group without the peer.
v5_ours() {
	local SERVERS=gantry
	group shared "$1"
}

# v5: mode, row, flags...
v5() {
	local mode=$1 row=$2
	shift 2
	sync
	"$WORK/v5" "$mode" -row "$row" -server "$server" -round "$round" -out "$OUT" -addr "$grpc" -pids "$pids" \
		${metrics:+-metrics "$metrics"} -warmup "${warm:-5}s" -duration "${seconds}s" "$@" || failed=1
}

# v5_topic: topic, [type]. Each topic has a group of its own.
v5_topic() {
	"$WORK/load" topic -namesrv "$namesrv" -topic "$1" -type "${2:-NORMAL}" && "$WORK/load" group -namesrv "$namesrv" -group "GID_$1" || failed=1
}

v5_on() { echo -topic "$1" -group "GID_$1"; }

row_v5load() {
	local warm=5 row
	for row in BenchV5Warm BenchV5Send BenchV5Mixed BenchV5Drain; do v5_topic $row; done
	# Lets the JVM compile what it will run.
	[ "$server" = apache ] && OUT= seconds=1 warm=${JVM_WARM:-30} v5_warm
	v5 send v5-send $(v5_on BenchV5Send) -connections 4 -inflight 32
	v5 mixed v5-mixed $(v5_on BenchV5Mixed) -connections 4 -inflight 32
	v5 drain v5-drain $(v5_on BenchV5Drain) -connections 4 -inflight 2 -messages "${DRAIN_MESSAGES:-300000}"
}

v5_warm() {
	"$WORK/v5" mixed -addr "$grpc" $(v5_on BenchV5Warm) -connections 4 -inflight 32 -hiccup 0 -warmup 0s -duration "${warm}s" >/dev/null || failed=1
}

# v5_empty: the floor. What it "stores" and "delivers" it has ready.
v5_empty() {
	local server=empty pids metrics= warm=5 grpc=127.0.0.1:$((FIRST_PORT + 58)) child
	echo "--- round $round, shared, empty" >&2
	"$WORK/v5" empty -addr "$grpc" &
	child=$! pids=$!
	v5 send v5-send -connections 4 -inflight 32
	v5 drain v5-drain -floor -connections 4 -inflight 2 -messages "${DRAIN_MESSAGES:-300000}"
	kill $child
	wait $child 2>/dev/null
}

row_v5wait() {
	local warm=5
	v5_topic BenchV5Warm
	v5_topic BenchV5Parked
	v5_topic BenchV5Delay DELAY
	[ "$server" = apache ] && warm=${JVM_WARM:-30} v5_warm
	v5 parked v5-parked $(v5_on BenchV5Parked) -connections 2 -rate 200
	v5 delay v5-delay $(v5_on BenchV5Delay) -connections 4 -rate "${DELAY_RATE:-10000}"
}

row_v5hold() {
	v5_topic BenchV5Polls
	v5 polls v5-polls $(v5_on BenchV5Polls) -connections 50 -messages 10000
}

row_v5pending() {
	v5_topic BenchV5Pending DELAY
	v5 pending v5-pending $(v5_on BenchV5Pending) -connections 4 -messages "${PENDING_MESSAGES:-1000000}"
}
