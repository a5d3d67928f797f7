# Everything that is done with this tree more than once. CI runs nothing else: see .ci/run.

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
GO      ?= go
TOOL     = $(GO) tool -modfile=tools/go.mod
FUZZTIME ?= 20s
KILLS    ?= 200
RACETEST ?= ./...
SOAK_SECONDS ?= 1800
SIM_TIME ?= 110s
SQL_PAIRS ?= 20000
SQL_SEED ?= 92
SQL_ANSWERS ?= $(CURDIR)/core/filter/testdata/sql92.txt

# The last line of a run is that of what was run.
MAKEFLAGS += --no-print-directory

.PHONY: help run build test race lint check tidy fuzz conformance conformance-ci sql-oracle kafka simulate simulate-deliveries crash crash-ci exhaustive soak bench generate netns clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /\1\t/' | expand -t 18

run: build ## build and serve, with the data in ./data
	./bin/gantry serve

build: ## the static binary, at bin/gantry
	CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -ldflags '-s -w -X main.version=$(VERSION)' -o bin/gantry ./cmd/gantry

test: ## the tests: minutes at most, no network, nothing installed
	$(GO) test -short ./...

race: ## the tests under the race detector
	$(GO) test -race -short -timeout 15m $(RACETEST)

lint: ## what the tools say: format, vet, staticcheck
	@out="$$($(TOOL) gofumpt -l .)"; \
	  if [ -n "$$out" ]; then echo "not formatted with gofumpt:"; echo "$$out"; exit 1; fi
	$(GO) vet ./...
	$(TOOL) staticcheck ./...

tidy: ## whether go.mod holds what is needed and no more
	$(GO) mod tidy -diff

check: lint tidy ## what must hold before a change is merged, beside the tests
	@git diff --quiet -- docs/protocols 2>/dev/null || { echo "docs/protocols has changes that are not committed"; exit 1; }
	$(MAKE) generate
	@git diff --exit-code -- docs/protocols || { echo "make generate changes the tree: commit what it writes"; exit 1; }

generate: ## docs/protocols/remoting.md, from the table of request codes; the gRPC stubs, where protoc is installed
	$(GO) generate ./...

fuzz: ## every decoder, FUZZTIME each
	@$(GO) list ./... | while read -r pkg; do \
	  $(GO) test -list '^Fuzz' "$$pkg" 2>/dev/null | grep '^Fuzz' | while read -r f; do \
	    echo "== $$pkg $$f"; \
	    $(GO) test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) "$$pkg" </dev/null || exit 1; \
	  done || exit 1; \
	done

simulate: ## the engine under simulated crashes and power cuts for SIM_TIME; and a mutant that must be caught
	SIM_BUDGET=$(SIM_TIME) $(GO) test -count=1 -timeout 10m -v -run 'TestSeeds|TestEachCall' ./core/internal/sim
	$(GO) test -count=1 -tags mutant -v -run TestCanary ./core/internal/sim

simulate-deliveries: ## the same with receives, settlements, delayed messages and transactions, and owners of a log on Kafka: not clean yet
	SIM_BUDGET=$(SIM_TIME) $(GO) test -count=1 -timeout 10m -v -run 'TestSeeds|TestKafkaSeeds' ./core/internal/sim -deliveries

conformance: build ## all official clients against the binary (needs Java, Maven and Node)
	$(MAKE) -C conformance conformance

conformance-ci: build ## the subset that CI runs
	$(MAKE) -C conformance conformance-ci

sql-oracle: ## what Apache's own SQL92 filter answers to SQL_PAIRS generated questions, and whether ours does too (needs Java and Maven)
	$(MAKE) -C conformance sql-oracle SQL_PAIRS=$(SQL_PAIRS) SQL_SEED=$(SQL_SEED) SQL_ANSWERS=$(SQL_ANSWERS)
	GANTRY_SQL_ANSWERS=$(SQL_ANSWERS) $(GO) test -count=1 -v -run TestSQL92Answers ./core/filter

kafka: build ## the log on a real Apache Kafka from Maven: a client's cases, kills, take-overs; KAFKA_NODES=3 loses brokers too (needs Java and Maven)
	$(MAKE) -C conformance kafka

crash: exhaustive build ## every call that fails, every damaged byte; kill -9 under load, KILLS times in each flush mode, against an external ledger
	$(MAKE) -C conformance crash KILLS=$(KILLS)

crash-ci: build ## ten kills
	$(MAKE) -C conformance crash KILLS=10

exhaustive: ## one scenario, with a crash, a power cut and an error at each call of the file system; every byte of a snapshot damaged
	$(GO) test -count=1 -timeout 60m -v -run 'TestEachCall|TestEveryByte' ./core/internal/sim -exhaustive

soak: build ## produce, consume, expire, restart for SOAK_SECONDS: nothing lost; memory, files and disk stay flat
	$(GO) run ./bench/soak -binary bin/gantry -seconds $(SOAK_SECONDS)

bench: build ## Gantry and Apache RocketMQ in turn on this machine
	bench/run.sh

netns: ## advertised addresses across network namespaces (needs root and ip)
	$(GO) test -count=1 -tags netns -run Netns -v ./internal/server

clean: ## remove what building leaves
	rm -rf bin
