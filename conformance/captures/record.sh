#!/bin/sh
# Records captures anew: each client, by its conformance program, through cmd/record against a server of the protocol.
#   captures/record.sh NAMESRV BROKER LISTEN_NAMESRV LISTEN_BROKER CLIENT SERIALIZATION < commands
# CLIENT is java-4.9.8, java-5.3.3, or go-2.1.2; BROKER and LISTEN_BROKER must be of one length. The commands are the JSON
# lines that the client programs read, for example
#   {"id":1,"op":"send","topic":"Orders","size":20,"tag":"TagA","keys":"order-1"}
#   {"id":2,"op":"push","topic":"Orders","group":"GID_orders"}
# and the client runs until they end: keep the input open for as long as it is to go on.
set -eu
cd "$(dirname "$0")/.."
namesrv=$1 broker=$2 listen_namesrv=$3 listen_broker=$4 client=$5 serialization=$6
work=$(mktemp -d)
go build -o "$work/record" ./cmd/record
mkfifo "$work/ready"
"$work/record" -namesrv "$namesrv" -broker "$broker" -listen-namesrv "$listen_namesrv" -listen-broker "$listen_broker" \
	-client "$client" -serialization "$serialization" ${LABEL:+-label "$LABEL"} ${CODES:+-codes "$CODES"} -out captures >"$work/ready" &
recorder=$!
read -r _ <"$work/ready"
upper=$(echo "$serialization" | tr a-z A-Z)
case $client in
java-*)
	target=java/target/${client#java-}
	java -Duser.home="$work" -Drocketmq.serialize.type="$upper" -cp "$target/conformance-client-1.jar:$target/lib/*" \
		gantry.conformance.Main "$listen_namesrv" ;;
go-2.1.2)
	go build -o "$work/client" ./clients/go
	HOME=$work ROCKETMQ_SERIALIZE_TYPE=$upper "$work/client" "$listen_namesrv" ;;
*) echo "no client $client" >&2 ;;
esac
kill "$recorder"
wait "$recorder" || true
rm -rf "$work"
