#!/bin/sh
# Generates the stubs: protoc from the system (Debian: protobuf-compiler), its
# plugins as tools/go.mod pins them.
set -eu
if ! command -v protoc >/dev/null; then
  echo "grpcv5/apis: protoc is not installed; the stubs stay as they are" >&2
  exit 0
fi
root=$(cd ../.. && pwd)
bin=$(mktemp -d)
trap 'rm -rf "$bin"' EXIT
go build -modfile="$root/tools/go.mod" -o "$bin/" \
  google.golang.org/protobuf/cmd/protoc-gen-go google.golang.org/grpc/cmd/protoc-gen-go-grpc
PATH="$bin:$PATH" protoc -I . --go_out=. --go_opt=module=github.com/gantrymq/gantry/grpcv5/apis \
  --go-grpc_out=. --go-grpc_opt=module=github.com/gantrymq/gantry/grpcv5/apis \
  apache/rocketmq/v2/definition.proto apache/rocketmq/v2/service.proto apache/rocketmq/v2/admin.proto
