package main

import (
	"context"

	"github.com/gantrymq/gantry/internal/server"
)

// configFlags are the keys of the configuration that have a flag, and the file.
type configFlags struct {
	Config              string  `help:"Configuration file." placeholder:"FILE"`
	Data                *string `help:"Folder of the log (./data)." placeholder:"DIR"`
	Listen              *string `help:"Host to listen on (127.0.0.1)." placeholder:"HOST"`
	Auth                *string `help:"Who may connect: loopback or off." placeholder:"WHO"`
	LogLevel            *string `help:"debug, info, warn or error." placeholder:"LEVEL"`
	RemotingAddr        *string `help:"Address of the RocketMQ broker role (:10911)." placeholder:"ADDR"`
	RemotingNamesrvAddr *string `help:"Address of the RocketMQ name-server role (:9876)." placeholder:"ADDR"`
	RemotingAdvertise   *string `help:"Host that clients are told to dial (auto)." placeholder:"HOST"`
	GRPCAddr            *string `name:"grpc-addr" help:"Address for RocketMQ's v5 clients (:8081)." placeholder:"ADDR"`
	GRPCAdvertise       *string `name:"grpc-advertise" help:"Host that v5 clients are told to dial (auto)." placeholder:"HOST"`
	OpsAddr             *string `help:"Address of the admin port (127.0.0.1:8082)." placeholder:"ADDR"`
}

// given returns the flags that were given, by key.
func (f *configFlags) given() map[string]string {
	all := map[string]*string{
		"data":                  f.Data,
		"listen":                f.Listen,
		"auth":                  f.Auth,
		"log.level":             f.LogLevel,
		"remoting.addr":         f.RemotingAddr,
		"remoting.namesrv_addr": f.RemotingNamesrvAddr,
		"remoting.advertise":    f.RemotingAdvertise,
		"grpc.addr":             f.GRPCAddr,
		"grpc.advertise":        f.GRPCAdvertise,
		"ops.addr":              f.OpsAddr,
	}
	given := make(map[string]string)
	for key, value := range all {
		if value != nil {
			given[key] = *value
		}
	}
	return given
}

func (f *configFlags) load(around *surroundings) (server.Config, error) {
	file := f.Config
	if file == "" {
		file, _ = around.getenv("GANTRY_CONFIG")
	}
	return server.Load(server.Sources{File: file, Getenv: around.getenv, Flags: f.given()})
}

type serveCommand struct {
	configFlags
}

// Run serves until a signal comes.
func (c *serveCommand) Run(ctx context.Context, around *surroundings) error {
	cfg, err := c.load(around)
	if err != nil {
		return err
	}
	return server.Run(ctx, cfg, server.Options{Version: version, Stderr: around.stderr})
}

type checkConfigCommand struct {
	configFlags
	Explain bool `help:"Say what each key does."`
}

// Run prints the configuration that serve would run with.
func (c *checkConfigCommand) Run(around *surroundings) error {
	cfg, err := c.load(around)
	if err != nil {
		return err
	}
	return cfg.Print(around.stdout, c.Explain)
}
