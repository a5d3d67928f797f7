// Command v5 loads a RocketMQ v5 gRPC server over raw stubs and measures it: what the server costs, not what an SDK does.
// Beside real servers it can be, in its mode empty, a server of grpc-go alone that answers everything from constants: the
// floor under any such server, measured in the same run.
package main
