#!/bin/bash
# Starts the peer's name server and broker on 127.0.0.1 in $DATA and returns when both are up; their pids are in $DATA/*.pid.
# JVM flags and settings are those of the distribution's own start scripts, but for the heap, ports and paths.
set -eu
. "$(dirname "$0")/env.sh"
mkdir -p "$DATA/store" "$DATA/logs"

cat >"$DATA/namesrv.conf" <<X
listenPort=$NAMESRV_PORT
bindAddress=127.0.0.1
X
cat >"$DATA/broker.conf" <<X
brokerClusterName=DefaultCluster
brokerName=broker-a
brokerId=0
brokerRole=ASYNC_MASTER
flushDiskType=$FLUSH
deleteWhen=04
fileReservedTime=48
namesrvAddr=127.0.0.1:$NAMESRV_PORT
brokerIP1=127.0.0.1
brokerIP2=127.0.0.1
bindAddress=127.0.0.1
listenPort=$BROKER_PORT
haListenPort=$((BROKER_PORT + 1))
storePathRootDir=$DATA/store
storePathCommitLog=$DATA/store/commitlog
autoCreateTopicEnable=true
autoCreateSubscriptionGroup=true
X

GC="-XX:+UseG1GC -XX:G1HeapRegionSize=16m -XX:G1ReservePercent=25 -XX:InitiatingHeapOccupancyPercent=30 -XX:SoftRefLRUPolicyMSPerMB=0"
COMMON_JVM="-server $GC -XX:-OmitStackTraceInFastThrow -XX:-UseLargePages $COMMON"
BROKER_JVM="$COMMON_JVM -Xms$HEAP -Xmx$HEAP -XX:+AlwaysPreTouch -XX:MaxDirectMemorySize=15g -XX:-UseBiasedLocking -XX:+IgnoreUnrecognizedVMOptions"
NAMESRV_JVM="$COMMON_JVM -Xms256m -Xmx256m -XX:MetaspaceSize=128m -XX:MaxMetaspaceSize=320m"
export ROCKETMQ_HOME=$DATA NAMESRV_ADDR=127.0.0.1:$NAMESRV_PORT

launch() { # name, jvm flags, main class and arguments
	local name=$1 jvm=$2
	shift 2
	LD_PRELOAD=$HOME_DIR/lobind.so setsid ${PIN:+taskset -c "$PIN"} \
		java $jvm -Xlog:gc*:file="$DATA/logs/gc-$name.log":time,tags:filecount=2,filesize=30M \
		-cp "$LIB/*" "$@" >"$DATA/$name.out" 2>&1 </dev/null &
	echo $! >"$DATA/$name.pid"
}

await() { # name, text
	local i text=${2:-boot success}
	for ((i = 0; i < 1200; i++)); do
		grep -q "$text" "$DATA/$1.out" && return
		kill -0 "$(cat "$DATA/$1.pid")" 2>/dev/null || break
		sleep 0.05
	done
	echo "$1 did not start:" >&2
	tail -20 "$DATA/$1.out" >&2
	exit 1
}

if [ "${ONLY:-}" != broker ]; then # a broker that is started again finds its name server running
	launch namesrv "$NAMESRV_JVM" org.apache.rocketmq.namesrv.NamesrvStartup -c "$DATA/namesrv.conf"
fi
await namesrv # a broker that finds no name server at its start is unroutable for 30 s
if [ -z "$GRPC_PORT" ]; then
	launch broker "$BROKER_JVM" org.apache.rocketmq.broker.BrokerStartup -c "$DATA/broker.conf"
	await broker
	exit
fi
mkdir -p "$DATA/conf"
cat >"$DATA/conf/rmq-proxy.json" <<X
{"rocketMQClusterName": "DefaultCluster", "proxyMode": "local", "namesrvAddr": "127.0.0.1:$NAMESRV_PORT",
 "grpcServerPort": $GRPC_PORT, "remotingListenPort": $((GRPC_PORT + 1)), "localServeAddr": "127.0.0.1", "remotingAccessAddr": "127.0.0.1"}
X
launch broker "$BROKER_JVM" org.apache.rocketmq.proxy.ProxyStartup -pm local -pc "$DATA/conf/rmq-proxy.json" -bc "$DATA/broker.conf" -n "$NAMESRV_ADDR"
await broker 'startup successfully'
