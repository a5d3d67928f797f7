#!/bin/bash
# Measures the log on Kafka beside the embedded one and beside a plain producer on the same Kafka, in turn, and prints a line
# for each. Only ratios of one run mean anything. Needs Java and the jars that make kafka fetches.
#
#   bench/kafka.sh                     one node
#   NODES=3 ROUNDS=3 SECONDS=10 bench/kafka.sh
seconds=$SECONDS # bash counts this variable up by itself
[ "$seconds" -gt 0 ] || seconds=10
set -eu
cd "$(dirname "$0")/.."
export WORK=${TMPDIR:-/tmp}/gantry-bench-kafka ROUNDS=${ROUNDS:-3} FIRST_PORT=${FIRST_PORT:-22150} NODES=${NODES:-1} WINDOW=$seconds
if [ -z "${GANTRY_WAL_BROKERS:-}" ]; then
	rm -rf "$WORK" && mkdir -p "$WORK"
	go build -o "$WORK/load" ./bench/load
	(cd bench/kafka && go build -o "$WORK/plain" .)
	(cd conformance && go build -o "$WORK/withkafka" ./cmd/withkafka)
	cd conformance && exec "$WORK/withkafka" -nodes "$NODES" ../bench/kafka.sh
fi

# serve: name, environment... Starts a server, and leaves its pid in $pid.
serve() {
	local name=$1
	shift
	rm -rf "$WORK/$name"
	pid=$("$WORK/load" start -server "$name" -namesrv 127.0.0.1:$FIRST_PORT -log "$WORK/$name.log" env "$@" \
		GANTRY_REMOTING_NAMESRV_ADDR=127.0.0.1:$FIRST_PORT GANTRY_REMOTING_ADDR=127.0.0.1:$((FIRST_PORT + 5)) GANTRY_OPS_ADDR=127.0.0.1:$((FIRST_PORT + 8)) \
		bin/gantry serve --data "$WORK/$name" 2>&1 >/dev/null)
}

measure() { # name
	"$WORK/load" send -row sends-8x64 -server "$1" -namesrv 127.0.0.1:$FIRST_PORT -topic Bench -warmup 2s -duration "${WINDOW}s" -hiccup 0
	"$WORK/load" rate -row rate-2000 -server "$1" -namesrv 127.0.0.1:$FIRST_PORT -topic Bench -rate 2000 -warmup 2s -duration "${WINDOW}s" -hiccup 0
	kill "$pid"
	while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
	pid=
}

pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null' EXIT
for ((round = 1; round <= ROUNDS; round++)); do
	echo "--- round $round"
	serve file GANTRY_WAL_ENGINE=file
	measure file
	serve file-sync GANTRY_WAL_ENGINE=file GANTRY_WAL_FLUSH=sync
	measure file-sync
	serve kafka GANTRY_WAL_TOPIC="bench-$round"
	measure kafka
	"$WORK/plain" -topic "plain-$round" -replicas "$NODES" -row sends-512 -inflight 512 -warmup 2s -duration "${WINDOW}s"
	"$WORK/plain" -topic "plain-$round" -replicas "$NODES" -row rate-2000 -rate 2000 -warmup 2s -duration "${WINDOW}s"
done
