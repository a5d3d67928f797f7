# Settings of the peer, Apache RocketMQ; sourced by the scripts beside it. Each can be set from the environment.
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
VERSION=${VERSION:-5.5.0}       # 5.3.3 works too; the benchmark programs are then those of 5.5.0
HOME_DIR=${HOME_DIR:-${TMPDIR:-/tmp}/gantry-bench}
NAMESRV_PORT=${NAMESRV_PORT:-22876}
BROKER_PORT=${BROKER_PORT:-22911} # the broker takes the ports two below and one above as well
GRPC_PORT=${GRPC_PORT:-}          # the gRPC proxy, in the broker's JVM as the official quick start has it; empty: none
HEAP=${HEAP:-1g}
FLUSH=${FLUSH:-ASYNC_FLUSH}     # or SYNC_FLUSH
PIN=${PIN:-}                    # taskset list of cores for both servers; empty: all
LIB=$HOME_DIR/rocketmq-$VERSION/lib
DATA=${DATA:-$HOME_DIR/apache}
# IPv4, so that nothing listens on [::]; user.home is where the logs go.
COMMON="-Djava.net.preferIPv4Stack=true -Duser.home=$DATA -Drocketmq.client.logUseSlf4j=false"
