# The commands for people and CI. "make" alone lists the targets.

GOARCH  ?= arm64
VERSION ?= $(shell cat VERSION)
PORT    ?= 8089
EVENT   ?=
VERBOSE ?=
WRITE   ?=
FUZZTIME ?= 30s
SEEDS   ?= 20000
# The race detector needs a C compiler; go env reports whether there is one.
RACE    ?= $(if $(filter 1,$(shell go env CGO_ENABLED)),-race)

# Linters are pinned here and built by Go, so no installation is needed. They analyse what the
# tests compile, with the same flags, so nothing is compiled twice.
GOLANGCI_LINT = go run -exec "env GOFLAGS=$(RACE)" github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

BUILD_FLAGS := -tags lambda.norpc -trimpath -ldflags "-s -w -X main.version=$(VERSION)"

.DEFAULT_GOAL := help
.PHONY: help run status serve simulator test simulate soak burst fuzz bench lint build build-SSOIntegrationFunction build-IdPConnectorFunction clean

help: ## List the targets and the variables
	@grep -hE '^[a-zA-Z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'
	@echo
	@echo "Variables, as in: make run EVENT=events/direct.json"
	@echo "  EVENT=file     run: process this event and show the result"
	@echo "  VERBOSE=1      run: show every result; demo, run and serve: show the function's log"
	@echo "  WRITE=1        verify-live: also create a test integration, and delete it"
	@echo "  PORT=8089      serve, simulator: the port to listen on"
	@echo "  SEEDS=20000    simulate: the number of schedules"
	@echo "  FUZZTIME=30s   fuzz: the time for each target"
	@echo "  GOARCH=arm64   build: or amd64"

.PHONY: demo screenshot ci
demo: ## Demonstrate what the function does, and check it (a second)
	@go run ./cmd/local demo $(if $(VERBOSE),-v)

run: ## Process the sample events in one process, against a simulated SendGrid
	@go run ./cmd/local run $(if $(VERBOSE),-v) $(EVENT)

status: ## Show the status report of the function, for a simulated SendGrid
	@go run ./cmd/local status

.PHONY: verify-live
verify-live: ## Compare the responses of your SendGrid account with what the function expects (WRITE=1 also writes)
	@go run ./cmd/local verify-live $(if $(WRITE),-write)

serve: ## Serve the HTTP API on localhost, and a page that shows the contents of SendGrid
	@go run ./cmd/local serve $(if $(VERBOSE),-v) -port $(PORT)

simulator: ## Serve a simulated SendGrid and Secrets Manager for "sam local"
	@go run ./cmd/local simulator -port $(PORT)

screenshot: ## Save the page of "make serve" as docs/serve.png (needs Chromium)
	SCREENSHOT="$(CURDIR)/docs/serve.png" go test -run '^TestPageInBrowser$$' -count=1 ./cmd/local

# The race detector may crash in a test that uses testing/synctest (https://go.dev/issue/78156).
# The tests then run once more; the results of all other packages are cached.
test: node-servers ## Run all tests, with the race detector if there is a C compiler
	@echo "Building and running the tests of all packages. This takes a few minutes, longer the first time."
	@log=$$(mktemp); \
	run() { { echo "go test $(RACE) ./..."; go test $(RACE) ./... 2>&1; echo $$? > "$$log.status"; } | tee "$$log"; return $$(cat "$$log.status"); }; \
	run || { grep -q 'ThreadSanitizer: CHECK failed' "$$log" && run; }; \
	status=$$?; rm -f "$$log" "$$log.status"; exit $$status

# The tests of the ledger run against dynalite, a DynamoDB for Node.js, and those of Okta's access
# tokens against oidc-provider, an OAuth server. Without Node.js they are skipped, except in CI,
# where they fail.
NODE_SERVERS := internal/ledger/testdata/dynalite internal/okta/testdata/oidc-provider
.PHONY: node-servers
node-servers:
	@if command -v npm >/dev/null; then for server in $(NODE_SERVERS); do \
		test $$server/node_modules -nt $$server/package-lock.json || npm ci --prefix $$server --no-audit --no-fund --loglevel error || exit 1; \
	done; else echo "npm is not installed, so the tests that need dynalite or oidc-provider are skipped" >&2; fi

soak: ## Send 10,000 events at a rate limit, with faults (SOAK_EVENTS=1000 for fewer; a few minutes)
	@echo "Building the function, and sending the events at a rate limit. This takes a few minutes; the test reports its progress."
	go test -tags soak -run '^TestSoak$$' -count=1 -timeout 30m -v ./cmd/sso-integration

simulate: ## Run the protocol through random schedules (SEEDS=100000 for more)
	go test -run '^TestSimulation(OfTeammates)?$$' -count=1 -timeout 60m ./internal/provision/simulation -seeds $(SEEDS)

burst: ## Send 200 events at a rate limit, and audit up to 10,000 connections (a few minutes)
	@echo "Building the function, sending 200 events for each number of processes, and auditing up to 10,000 connections. This takes a few minutes."
	go test -tags burst -run '^Test(Burst|AuditBurst|AuditStart)$$' -count=1 -timeout 20m -v ./cmd/sso-integration

.PHONY: compat
compat: ## Log in with third-party identity providers, installed from Debian as root (a minute)
	@internal/compat/install.sh
	@echo "Building the function, and starting the identity providers."
	go test -tags compat -run '^TestIdentityProviders$$' -count=1 -timeout 10m -v ./internal/compat

fuzz: ## Run every fuzz target
	@echo "Building all tests to find the fuzz targets."
	@list=$$(go test -list '^Fuzz' ./...) || { echo "$$list"; exit 1; }; \
	targets=$$(echo "$$list" | awk '/^Fuzz/ {names[++n] = $$1} /^ok/ {for (i = 1; i <= n; i++) print $$2, names[i]; n = 0}'); \
	count=$$(echo "$$targets" | wc -l); number=0; \
	echo "$$count fuzz targets, $(FUZZTIME) each, and a few seconds to start. FUZZTIME=5s is shorter."; \
	echo "$$targets" | while read -r pkg target; do \
		number=$$((number + 1)); \
		echo "($$number of $$count) $$target in $$pkg, $(FUZZTIME)"; \
		go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 20x "$$pkg" || exit 1; \
	done

bench: ## Run the benchmarks
	go test -run '^$$' -bench . -benchmem ./...

lint: ## Check the format, and run golangci-lint with go vet
	@echo "Checking the format, and running golangci-lint. The first run builds the linters, which takes about three minutes."
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { echo "not formatted: $$unformatted"; exit 1; }
	$(GOLANGCI_LINT) run --allow-parallel-runners ./...

.PHONY: generated
generated: ## Generate files from the code, and check that they are committed
	go generate ./...
	git diff --exit-code

ci: generated build lint test ## Run what CI runs

build: ## Build the function's binary "bootstrap" (GOARCH=amd64 for x86)
	CGO_ENABLED=0 GOOS=linux GOARCH=$(GOARCH) go build $(BUILD_FLAGS) -o bootstrap ./cmd/sso-integration

# "sam build" calls this target and sets the directory of the binary.
build-SSOIntegrationFunction:
	CGO_ENABLED=0 GOOS=linux GOARCH=$(GOARCH) go build $(BUILD_FLAGS) -o "$(ARTIFACTS_DIR)/bootstrap" ./cmd/sso-integration

# The same for the template in idp-connector/.
build-IdPConnectorFunction:
	CGO_ENABLED=0 GOOS=linux GOARCH=$(GOARCH) go build $(BUILD_FLAGS) -o "$(ARTIFACTS_DIR)/bootstrap" ./cmd/idp-connector

clean: ## Remove build artifacts
	rm -rf bootstrap .aws-sam idp-connector/.aws-sam
