// Command record stands between a client and a server of the remoting protocol
// and writes down, in hex, the first request of each code that the client sends.
// The files are seeds for decoders and golden tests: real bytes of real clients.
//
//	record -namesrv 127.0.0.1:9876 -broker 127.0.0.1:10911 -listen-namesrv 127.0.0.1:9976 -listen-broker 127.0.0.1:10811 \
//	       -client java-4.9.8 -serialization json -out captures
//
// Clients learn the broker's address from the name server, so record replaces it
// in the answers it passes on: both addresses must be of the same length.
package main

import (
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

func main() {
	var r recorder
	var namesrv, broker, listenNamesrv, listenBroker string
	flag.StringVar(&namesrv, "namesrv", "", "name server to pass on to")
	flag.StringVar(&broker, "broker", "", "broker to pass on to, as the name server tells it")
	flag.StringVar(&listenNamesrv, "listen-namesrv", "", "address the client has as its name server")
	flag.StringVar(&listenBroker, "listen-broker", "", "address the client is told instead of -broker")
	flag.StringVar(&r.client, "client", "", "client and version, the first part of file names")
	flag.StringVar(&r.serialization, "serialization", "json", "header serialization, the second part of file names")
	flag.StringVar(&r.label, "label", "", "what is special about this run, the last part of file names")
	flag.StringVar(&r.dir, "out", "captures", "folder for the files")
	flag.Func("codes", "request codes to keep, by comma; all when absent", r.setCodes)
	flag.Parse()
	if err := run(&r, namesrv, broker, listenNamesrv, listenBroker); err != nil {
		log.Fatal(err)
	}
}

func run(r *recorder, namesrv, broker, listenNamesrv, listenBroker string) error {
	if len(broker) != len(listenBroker) {
		return fmt.Errorf("%s and %s differ in length: the one replaces the other inside answers", broker, listenBroker)
	}
	if err := os.MkdirAll(r.dir, 0o755); err != nil {
		return err
	}
	replace := func(b []byte) []byte { return replaceAll(b, broker, listenBroker) }
	proxies := []*proxy{
		{listen: listenNamesrv, upstream: namesrv, request: r.frame, answer: replace},
		{listen: listenBroker, upstream: broker, request: r.frame},
	}
	var wg sync.WaitGroup
	for _, p := range proxies {
		l, err := net.Listen("tcp", p.listen)
		if err != nil {
			return err
		}
		p.listener = l
		wg.Go(func() {
			if err := p.serve(); err != nil && !errors.Is(err, net.ErrClosed) {
				log.Print(err)
			}
		})
	}
	fmt.Println("ready")
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
	<-stop
	for _, p := range proxies {
		p.close()
	}
	wg.Wait()
	return r.err()
}
