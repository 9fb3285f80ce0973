# Every target works on a fresh machine with Go; nothing else is needed for
# build, run, demo and test.
SHELL       := /bin/bash
BIN         := bin/loanscorer
VERSION     ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS     := -s -w -X main.version=$(VERSION)
TOOLS       := -modfile=go.tools.mod
FUZZTIME    ?= 20s
CRASHROUNDS ?= 5
export CGO_ENABLED ?= 0

.DEFAULT_GOAL := help
.PHONY: help build run demo test race cover fuzz fuzz-seeds bench bench-smoke bench-compare crash lint fmt generate cross bootstrap check clean \
        deploy-check deploy deploy-image image

help: ## show this help
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build bin/loanscorer, a static binary
	go build -trimpath -ldflags '$(LDFLAGS)' -o $(BIN) ./cmd/loanscorer

run: build ## run the whole service on this machine (loanscorer serve)
	@$(BIN) serve

demo: build ## run the main job once on sample data and stop
	@$(BIN) demo

test: ## run all tests
	go test ./...

race: ## run all tests with the race detector (needs a C compiler)
	CGO_ENABLED=1 go test -race ./...

cover: ## write coverage.out and print the total
	go test -coverprofile=coverage.out -coverpkg=./... ./...
	go tool cover -func=coverage.out | tail -n 1

fuzz: ## fuzz every decoder for FUZZTIME each
	@set -e; for pkg in $$(go list ./...); do \
	  for f in $$(go test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
	    echo "$$pkg $$f"; go test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $$pkg; \
	  done; done

fuzz-seeds: ## run the committed seeds of every fuzz target
	go test -run '^Fuzz' ./...

bench: ## run the benchmarks
	go test -run '^$$' -bench . -benchmem ./...

bench-smoke: ## run every benchmark once
	go test -run '^$$' -bench . -benchtime 1x ./...

bench-compare: build ## time score beside DuckDB, pyarrow and scikit-learn in one run (installs them into .cache with pip)
	@test -x .cache/bench/bin/python || python3 -m venv .cache/bench
	@.cache/bench/bin/pip install -q numpy pandas scikit-learn pyarrow duckdb==1.5.6
	@.cache/bench/bin/python internal/bench/compare.py

crash: ## kill -9 the server CRASHROUNDS times while it scores, and check that nothing is lost or doubled
	go test ./cmd/loanscorer -run '^TestCrash$$' -count 1 -v -timeout 60m -crash.rounds $(CRASHROUNDS)

lint: ## run the linters (builds them the first time)
	go vet ./...
	@test -z "$$(go fix -diff ./... | tee /dev/stderr)" || { echo "run 'go fix ./...'"; exit 1; }
	go tool $(TOOLS) golangci-lint run ./...
	go mod tidy -diff

fmt: ## format everything
	go tool $(TOOLS) golangci-lint fmt

generate: ## write generated and golden files anew
	go test ./api ./cmd/loanscorer ./internal/status ./model/card -update

cross: ## build for linux on amd64 and arm64
	GOOS=linux GOARCH=amd64 go build -trimpath -ldflags '$(LDFLAGS)' -o dist/loanscorer-linux-amd64 ./cmd/loanscorer
	GOOS=linux GOARCH=arm64 go build -trimpath -ldflags '$(LDFLAGS)' -o dist/loanscorer-linux-arm64 ./cmd/loanscorer

VENV := .venv-deploy
$(VENV)/done: deploy/requirements.txt
	@python3 -c 'import importlib.metadata as m; [m.version(l.split("==")[0]) == l.strip().split("==")[1] or exit(1) for l in open("$<")]' 2>/dev/null \
	  && python3 -m venv --system-site-packages $(VENV) || { python3 -m venv $(VENV) && $(VENV)/bin/pip install -q -r $<; }
	@touch $@

deploy-check: $(VENV)/done ## lint template.yaml, translate it as AWS does, check the outcome (needs python3; no AWS account)
	deploy/check.sh $(VENV)/bin/python

bootstrap: ## build the Lambda function for arm64 and amd64, and a reproducible zip of each
	@set -e; for arch in arm64 amd64; do \
	  GOOS=linux GOARCH=$$arch go build -trimpath -buildvcs=false -tags lambda.norpc -ldflags '$(LDFLAGS)' \
	    -o dist/bootstrap-$$arch/bootstrap ./cmd/bootstrap; \
	  go run ./cmd/bootstrap/lambdazip dist/bootstrap-$$arch/bootstrap dist/bootstrap-$$arch.zip; \
	done

ARCH      ?= arm64
SAM_FLAGS ?=
deploy: bootstrap ## deploy to AWS with the SAM CLI, asking what it needs (ARCH=amd64 for x86_64; docs/deploy.md)
	deploy/deploy.sh zip $(ARCH) $(SAM_FLAGS)

deploy-image: ## the same as a container image in the ECR repository REPOSITORY
	deploy/deploy.sh image $(ARCH) $(SAM_FLAGS)

image: ## build the container images with docker, podman or buildah
	deploy/image.sh $(VERSION)

check: ## everything that CI runs
	.ci/run

clean: ## remove what was built, not the data
	rm -rf bin dist coverage.out .venv-deploy
