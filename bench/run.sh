#!/bin/bash
# Measures Apache RocketMQ and Gantry in turn on this machine and prints the table of docs/benchmarks.md.
#
#   bench/run.sh                     every row
#   bench/run.sh sends batch         some of: start idle memory sends pull sync producer batch e2e
#   bench/run.sh storage             those of bench/storage.sh: restart topics queues pause cold
#   bench/run.sh grpc                those of bench/v5.sh, over the v5 gRPC protocol: v5load v5wait v5hold
#   ROUNDS=5 SECONDS=20 bench/run.sh rounds (default 3) and length of each measured window in seconds (default 10)
#   SERVERS=gantry bench/run.sh      one server only
#
# Both servers take part in every round, one after the other, so that a change of the machine's mood meets both. Every
# group of rows gets a fresh server on an empty folder. Results: bench/out/*.json; work files: ${TMPDIR:-/tmp}/gantry-bench.
seconds=$SECONDS # bash counts this variable up by itself: take what the environment gave before that
[ "$seconds" -gt 0 ] || seconds=10
set -u
cd "$(dirname "$0")/.." || exit 1

ROUNDS=${ROUNDS:-3}
SERVERS=${SERVERS:-apache gantry}
OUT=${OUT:-bench/out}
WORK=${TMPDIR:-/tmp}/gantry-bench
FIRST_PORT=${FIRST_PORT:-22100}
failed=0
client= # pid of the official benchmark program that runs now

. bench/servers.sh
. bench/rows.sh
. bench/storage.sh
. bench/v5.sh

wanted=" ${*:-start idle memory sends pull sync producer batch e2e} "
wanted=${wanted/ storage / restart topics queues pause cold }
wanted=${wanted/ grpc / v5load v5wait v5hold }
wants() { [[ $wanted == *" $1 "* ]]; }
for row in $wanted; do
	[ "$(type -t "row_$row")" = function ] || { echo "no row $row" >&2; exit 2; }
done

prepare() {
	mkdir -p "$WORK" "$OUT"
	for row in $wanted; do rm -f "$OUT/$row".*.json "$OUT/$row"-*.json; done
	[[ $wanted != *" v5"* ]] || rm -f "$OUT"/v5-*.json
	go build -o "$WORK/load" ./bench/load && go build -o "$WORK/table" ./bench/table || exit 1
	(cd bench/e2e && go build -o "$WORK/e2e" .) || exit 1
	(cd bench/v5 && go build -o "$WORK/v5" .) || exit 1
	[[ $SERVERS != *gantry* ]] || [ -x bin/gantry ] || { echo "bin/gantry is missing: make build" >&2; exit 1; }
	# The official benchmark programs are needed even when the peer itself is not.
	HOME_DIR=$WORK bench/peer/fetch.sh || exit 1
	about >"$OUT/about.md"
}

about() {
	echo "- date: $(date -u '+%Y-%m-%d %H:%M') UTC; commit $(git rev-parse --short HEAD); \`ROUNDS=$ROUNDS SECONDS=$seconds bench/run.sh${wanted% }\`"
	echo "- machine: $(nproc) cores, $(sed -n 's/^model name\s*: //p' /proc/cpuinfo | head -1), $(awk '/MemTotal/ {printf "%.0f GiB", $2 / 1048576}' /proc/meminfo), Linux $(uname -r), data on $(df --output=fstype "$WORK" | tail -1)"
	echo "- peer: Apache RocketMQ ${VERSION:-5.5.0}, heap ${HEAP:-1g}, $(java -version 2>&1 | sed -n 2p); Gantry built with $(go version | cut -d' ' -f3)"
}

# group: setting, function that measures its rows. The setting names how the server is started: shared, pinned or sync.
group() {
	local setting=$1 rows=$2 server
	for server in $SERVERS; do
		echo "--- round $round, $setting, $server" >&2
		if start_server "$server" "$setting"; then
			"$rows"
		else
			failed=1
		fi
		stop_server
	done
}

fresh_rows() { for row in idle memory; do wants $row && row_$row; done; }
pinned_rows() { warm_up pinned; for row in sends pull; do wants $row && row_$row; done; }
sync_rows() { warm_up pinned; row_sync; }
shared_rows() { warm_up shared; for row in producer batch e2e; do wants $row && row_$row; done; }

prepare
trap 'kill $client 2>/dev/null; stop_server; exit 130' INT TERM
for ((round = 1; round <= ROUNDS; round++)); do
	{ wants start || wants idle || wants memory; } && group shared fresh_rows
	{ wants sends || wants pull; } && group pinned pinned_rows
	wants sync && group sync sync_rows
	{ wants producer || wants batch || wants e2e; } && group shared shared_rows
	storage_groups
	v5_groups
done
"$WORK/table" "$OUT"
exit $failed
