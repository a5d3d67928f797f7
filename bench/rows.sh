# The rows of the table; sourced by run.sh. Each function measures the running server and leaves JSON files in $OUT.

# load: mode, row, flags... With $pin_client set the generator has core 1 for itself, as a pinned server has core 0.
load() {
	local mode=$1 row=$2
	shift 2
	sync # what the row before left to be written must not be written during this one
	${pin_client:+taskset -c 1} "$WORK/load" "$mode" -row "$row" -server "$server" -round "$round" -out "$OUT" \
		-namesrv "$namesrv" -pids "$pids" ${metrics:+-metrics "$metrics"} -warmup "${warm}s" -duration "${seconds}s" "$@" || failed=1
}

# warm_up: lets the JVM compile what it will run. warm is the load before each measured window after that.
warm_up() { # pinned|shared
	pin_client= warm=${WARM:-5}
	[ "$1" = pinned ] && pin_client=1
	local before=5
	[ "$server" = apache ] && before=${JVM_WARM:-30}
	${pin_client:+taskset -c 1} "$WORK/load" send -namesrv "$namesrv" -topic BenchWarm -hiccup 0 -warmup 0s -duration "${before}s" >/dev/null || failed=1
}

row_start() { :; } # measured where the server is started

row_idle() {
	pin_client= warm=10
	load idle idle -duration 30s -hiccup 10s
}

row_sends() {
	load send sends-8x64 -topic BenchSend -connections 8 -inflight 64
	load send sends-1x64 -topic BenchSend -connections 1 -inflight 64
	load send sends-64x1 -topic BenchSend -connections 64 -inflight 1
}

row_pull() {
	load pull pull -topic BenchPull -connections 4 -inflight 4 -messages 1000000
}

row_sync() {
	load send sync -topic BenchSync -connections 64 -inflight 1
}

row_producer() { program producer Producer -w 64 -s 128; }

row_batch() { program batch BatchProducer -w 64 -s 128 -b 32; }

# program: row, official benchmark program, flags... The program loads, and load counts what arrives.
program() {
	local row=$1 name=$2
	shift 2
	"$WORK/load" topic -namesrv "$namesrv" -topic "Bench$name" || { failed=1; return; }
	sync
	NAMESRV=$namesrv HOME_DIR=$WORK bench/peer/program.sh "$name" -t "Bench$name" "$@" >"$WORK/$name.out" 2>&1 &
	client=$!
	local warm=${CLIENT_WARM:-20}
	load watch "$row" -topic "Bench$name"
	kill $client 2>/dev/null
	wait $client 2>/dev/null
	client=
}

row_e2e() {
	"$WORK/load" topic -namesrv "$namesrv" -topic BenchE2E || { failed=1; return; }
	sync
	"$WORK/e2e" -row e2e -server "$server" -round "$round" -out "$OUT" -namesrv "$namesrv" -pids "$pids" \
		-topic BenchE2E -rate 2000 -warmup "${warm}s" -duration "${seconds}s" || failed=1
}

# The server is fresh, so that what it holds afterwards is from this load alone; only a JVM is warmed up first, since it could not keep the rate.
row_memory() {
	pin_client= warm=${WARM:-5}
	[ "$server" = apache ] && warm_up shared
	load push memory -topic BenchMemory -connections 8 -rate 20000 -duration "${MEMORY_SECONDS:-60}s"
}
