#!/bin/bash
# Runs one of the official benchmark programs against the name server $NAMESRV: program.sh Producer -w 64 -s 128 -t TOPIC
# (also BatchProducer, Consumer). JVM flags as in the distribution's benchmark scripts, but for the heap. exec, so that its pid is this one's.
. "$(dirname "$0")/env.sh"
NAMESRV=${NAMESRV:-127.0.0.1:$NAMESRV_PORT}
program=$1
shift
exec java -server -Xms512m -Xmx512m -XX:+UseG1GC -XX:-UseBiasedLocking -XX:+IgnoreUnrecognizedVMOptions \
	-Djava.net.preferIPv4Stack=true -Duser.home="$HOME_DIR/client" -cp "$HOME_DIR/rocketmq-5.5.0/lib/*" \
	"org.apache.rocketmq.example.benchmark.$program" -n "$NAMESRV" "$@"
