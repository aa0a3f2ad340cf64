# Everything that people and CI do with this repository. "make" alone lists the targets.

GOARCH  ?= arm64
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
PORT    ?= 8089
EVENT   ?=
FUZZTIME ?= 30s
# The race detector needs a C compiler; Go says whether there is one.
RACE    ?= $(if $(filter 1,$(shell go env CGO_ENABLED)),-race)

# Linters are pinned here and built by Go itself, so that a bare machine has them.
GOLANGCI_LINT := go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

BUILD_FLAGS := -tags lambda.norpc -trimpath -ldflags "-s -w -X main.version=$(VERSION)"

.DEFAULT_GOAL := help
.PHONY: help run serve simulator test soak burst fuzz bench lint build build-SSOIntegrationFunction clean

help: ## List the targets
	@grep -hE '^[a-zA-Z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

run: ## Answer the sample events in process, against the simulator (EVENT=file for one)
	@go run ./cmd/local run $(EVENT)

serve: ## Open the HTTP door on localhost, and print a curl line for it (PORT=8089)
	@go run ./cmd/local serve -port $(PORT)

simulator: ## Serve SendGrid and Secrets Manager for "sam local" (PORT=8089)
	@go run ./cmd/local simulator -port $(PORT)

test: dynalite ## Run all tests, with the race detector where there is a C compiler
	go test $(RACE) ./...

# The tests of the ledger run against dynalite, a DynamoDB for Node.js. Without Node.js they
# are skipped, except in CI, where they fail.
DYNALITE := internal/ledger/testdata/dynalite
.PHONY: dynalite
dynalite:
	@if command -v npm >/dev/null; then \
		test $(DYNALITE)/node_modules -nt $(DYNALITE)/package-lock.json || npm ci --prefix $(DYNALITE) --no-audit --no-fund --loglevel error; \
	else echo "there is no npm here, so the tests that need dynalite do not run" >&2; fi

soak: ## Send 10,000 events at a rate limit through four processes, with faults (some minutes)
	go test -tags soak -run '^TestSoak$$' -count=1 -timeout 30m -v ./cmd/sso-integration

burst: ## Send 200 events at a rate limit, through one, two and four processes (a minute)
	go test -tags burst -run '^TestBurst$$' -count=1 -timeout 10m -v ./cmd/sso-integration

fuzz: ## Run every fuzz target (FUZZTIME=30s each)
	@go list ./... | while read -r pkg; do \
		go test -list '^Fuzz' "$$pkg" | grep '^Fuzz' | while read -r target; do \
			go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 20x "$$pkg" || exit 1; \
		done || exit 1; \
	done

bench: ## Run the benchmarks
	go test -run '^$$' -bench . -benchmem ./...

lint: ## Check the format, go vet and golangci-lint
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { echo "not formatted: $$unformatted"; exit 1; }
	go vet ./...
	$(GOLANGCI_LINT) run --allow-parallel-runners ./...

build: ## Build the function's binary "bootstrap" (GOARCH=amd64 for x86)
	CGO_ENABLED=0 GOOS=linux GOARCH=$(GOARCH) go build $(BUILD_FLAGS) -o bootstrap ./cmd/sso-integration

# "sam build" calls this one, and says where the binary goes.
build-SSOIntegrationFunction:
	CGO_ENABLED=0 GOOS=linux GOARCH=$(GOARCH) go build $(BUILD_FLAGS) -o "$(ARTIFACTS_DIR)/bootstrap" ./cmd/sso-integration

clean: ## Remove what was built
	rm -rf bootstrap .aws-sam
