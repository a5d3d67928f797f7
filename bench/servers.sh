# Starting and stopping the two servers; sourced by run.sh. Each is started by "load start", which waits for its first stored message.

# The server that runs now: its name, processes, name server, address of /metrics if it has one, and of its gRPC listener.
server= pids= namesrv= metrics= grpc=

start_server() { # apache|gantry, shared|pinned|sync
	server=$1
	local setting=$2
	rm -rf "${WORK:?}/apache" "${WORK:?}/gantry"
	sync
	start_"$server" "$setting"
}

# restart_server: row. Ends the server (of the peer: the broker) with kill -9, starts it on what it has, and keeps the time
# until it has stored a message.
restart_server() {
	local setting=shared restart=$1 broker=${pids%%,*}
	kill -KILL "$broker"
	while kill -0 "$broker" 2>/dev/null; do sleep 0.01; done
	start_"$server" "$setting"
}

start_apache() {
	export VERSION=${VERSION:-5.5.0} HEAP=${HEAP:-1g} HOME_DIR=$WORK DATA=$WORK/apache FLUSH=ASYNC_FLUSH PIN=
	export NAMESRV_PORT=$FIRST_PORT BROKER_PORT=$((FIRST_PORT + 11))
	[ "$1" = sync ] && FLUSH=SYNC_FLUSH
	[ "$1" != shared ] && PIN=0
	[ -n "${v5:-}" ] && export GRPC_PORT=$((FIRST_PORT + 20)) && grpc=127.0.0.1:$GRPC_PORT
	namesrv=127.0.0.1:$NAMESRV_PORT metrics=
	ONLY=${restart:+broker} load_start bench/peer/start.sh >/dev/null || return 1
	pids=$(cat "$DATA/broker.pid"),$(cat "$DATA/namesrv.pid")
}

start_gantry() {
	local flush=async pin=
	[ "$1" = sync ] && flush=sync
	[ "$1" != shared ] && pin="taskset -c 0"
	grpc=127.0.0.1:$((FIRST_PORT + 54))
	namesrv=127.0.0.1:$((FIRST_PORT + 50)) metrics=127.0.0.1:$((FIRST_PORT + 52))
	# pin and env replace themselves, so the pid is the server's.
	pids=$(load_start $pin env GANTRY_REMOTING_NAMESRV_ADDR="$namesrv" GANTRY_REMOTING_ADDR=127.0.0.1:$((FIRST_PORT + 51)) \
		GANTRY_GRPC_ADDR=127.0.0.1:$((FIRST_PORT + 53)) GANTRY_OPS_ADDR="$metrics" GANTRY_GRPC_ADDR="$grpc" GANTRY_WAL_FLUSH=$flush \
		bin/gantry serve --data "$WORK/gantry") && return
	echo "$pids" >&2 # not a pid but what went wrong
	tail -3 "$WORK/gantry.log" >&2
	pids=
	return 1
}

# load_start prints the pid of the command. The time is kept only where it is asked for and nothing pins the server.
load_start() {
	local keep= row=${restart:-start}
	{ [ -n "${restart:-}" ] || { wants start && [ "$setting" = shared ]; }; } && keep="-out $OUT"
	"$WORK/load" start $keep -row "$row" -server "$server" -round "$round" -namesrv "$namesrv" -log "$WORK/$server.log" "$@" 2>&1 >&3
}

stop_server() {
	case $server in
	apache) bench/peer/stop.sh ;;
	gantry)
		kill $pids 2>/dev/null
		for ((i = 0; i < 100; i++)); do
			kill -0 $pids 2>/dev/null || break
			sleep 0.1
		done
		kill -KILL $pids 2>/dev/null
		;;
	esac
	server= pids=
	return 0
}
exec 3>&2 # where load_start's readable line goes, since its output is the pid
