# Short names for what README.md and docs/develop.md describe.
SHELL       := bash
.SHELLFLAGS := -o pipefail -c

VERSION  ?= 0.1.0-dev
FUZZTIME ?= 4m
COUNT    ?= 10
TOOL     := go tool -modfile=tools.mod

.PHONY: build test check bench race race-tools fuzz examples clean

build:
	CGO_ENABLED=0 go build -trimpath -ldflags '-X main.version=$(VERSION)' -o ipflow ./cmd/ipflow

test:
	.ci/browser
	go test ./...

# What a change must pass, and what takes too long for every push: the race
# detector everywhere, modernised idioms, known vulnerabilities. govulncheck
# exits with 3 when it found something and with another code when it could not
# reach its database.
check:
	.ci/run
	go fix -diff ./...
	go test -race ./...
	$(TOOL) govulncheck ./... || [ $$? -ne 3 ]

# Ten runs of every benchmark, compared with the recorded ones where there are any.
bench:
	mkdir -p out
	go test -run '^$$' -bench . -benchmem -count $(COUNT) -timeout 0 ./... | tee out/bench.txt
	@if ls benchmarks/baseline/*.txt >/dev/null 2>&1; \
	then $(TOOL) benchstat benchmarks/baseline/*.txt out/bench.txt; \
	else $(TOOL) benchstat out/bench.txt; fi

# ipflow against its anchors in one run, as docs/performance.md describes. The
# first time, race-tools installs the anchors where it may; a row whose anchor is
# not there says so. ONLY=hotlist runs one row, ROUNDS=1 and QUICK=1 try it out,
# INTO=docs/performance.md writes the tables there.
race: race-tools
	mkdir -p out
	cd benchmarks/anchors && go run -mod=mod . --out ../../out/race.md $(if $(ONLY),--only $(ONLY)) $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(QUICK),--quick) $(if $(INTO),--into $(abspath $(INTO)))

race-tools:
	benchmarks/anchors/install

# Every fuzz target for FUZZTIME.
fuzz:
	@for p in $$(go list ./...); do \
		for f in $$(go test -list '^Fuzz' $$p | grep '^Fuzz'); do \
			echo "$$p $$f"; \
			go test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) $$p || exit 1; \
		done; \
	done

# The commands of README.md on the example estate.
examples: build
	mkdir -p out
	./ipflow inspect -s docs/example/estate
	./ipflow verify -s docs/example/estate --flows docs/example/flows.csv -o out/results.parquet
	./ipflow verify -s docs/example/estate --flows docs/example/flows.csv -o out/results.csv
	head -n 12 out/results.csv

clean:
	rm -rf ipflow dist out
	go clean -testcache
