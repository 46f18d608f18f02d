# Cookie Lab. Every target does its own set-up; Go is all that has to be there.

export CGO_ENABLED ?= 0

TOOLS := ./.ci/notices ./.ci/vulnerable # which ./... passes over

.DEFAULT_GOAL := help
.PHONY: help run test screenshots race bench lint build dist

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## start the lab; settings as environment variables, or: go run . --help
	go run .

test: ## run every test, in Chromium and Firefox too; installs what is missing (root on Debian)
	@.ci/setup
	@.ci/test ./... $(TOOLS)

screenshots: ## take README's pictures; with ALL=folder every page, in every size, language and theme
	@.ci/setup
	go test -tags screenshots ./handlers -run '^TestScreenshots$$' -count 1 -timeout 20m $(if $(ALL),-args -all '$(abspath $(ALL))')

race: ## run the tests under the race detector, without browsers (needs a C compiler)
	CGO_ENABLED=1 go test -race -short -parallel 4 . ./handlers/... ./sessions/...

bench: ## measure, beside scs and gorilla/sessions, too; ratios count, the machine does not; SHORT=1 hurries
	@.ci/setup
	go run -C sessions/bench . $(if $(SHORT),-short)
	go test -run '^$$' -bench . -benchmem $(if $(SHORT),-benchtime 100ms) ./sessions/... ./handlers/...

lint: ## gofmt, go vet, staticcheck; and govulncheck, where its database can be reached
	@unformatted=$$(gofmt -l .); [ -z "$$unformatted" ] || { echo "not gofmt'ed: $$unformatted"; exit 1; }
	go vet -tags screenshots ./... $(TOOLS)
	go run honnef.co/go/tools/cmd/staticcheck@v0.8.2 -tags screenshots ./... $(TOOLS)
	cd sessions/bench && go vet . # a module of its own
	go run ./.ci/vulnerable

build: ## build ./cookielab
	go build -trimpath -ldflags '-s -w' -o cookielab .

dist: ## build for Linux, macOS and Windows, on amd64 and arm64, into dist/, with the licences
	@for os in linux darwin windows; do for arch in amd64 arm64; do \
		suffix=; [ $$os = windows ] && suffix=.exe; \
		echo "dist/cookielab-$$os-$$arch$$suffix"; \
		GOOS=$$os GOARCH=$$arch CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o "dist/cookielab-$$os-$$arch$$suffix" . || exit 1; \
	done; done
	go run ./.ci/notices dist/THIRD-PARTY-NOTICES.txt
