# Follow-up: everything a newcomer, a developer and CI run. `make help` lists it.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
export UV_PYTHON_DOWNLOADS := never
export SAM_CLI_TELEMETRY := 0

PYTHON ?= python3
UV_VERSION := 0.13.9
# Lambda runs 3.13; the artifact is built where it is found, everything else runs on 3.11 too.
# pyenv's own folders come first: its shims stand on PATH even where no 3.13 is active.
PYTHON313 := $(shell ls -d $$HOME/.pyenv/versions/3.13*/bin/python3.13 2>/dev/null | tail -n 1)
PYTHON313 := $(or $(PYTHON313),$(shell python3.13 -c 'import sys; print(sys.executable)' 2>/dev/null))
HOST_PYTHON := $(or $(PYTHON313),$(PYTHON))
UV := .venv/bin/uv
CHROMIUM ?= chromium
SOURCES := functions infra tests

.PHONY: help
help: ## List what there is to run
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

.PHONY: install
install: .venv/.installed ## Install what the service and its tests need (into .venv)

.venv/.installed: requirements-dev.txt pyproject.toml
	test -x .venv/bin/python || $(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	$(UV) pip install --quiet --python .venv/bin/python --require-hashes -r requirements-dev.txt
	$(UV) pip install --quiet --python .venv/bin/python --no-deps -e .
	touch $@

.venv-stack/.installed: requirements-stack.txt | .venv/.installed
	test -x .venv-stack/bin/python || $(UV) venv --quiet --python $(HOST_PYTHON) .venv-stack
	$(UV) pip install --quiet --python .venv-stack/bin/python --require-hashes -r requirements-stack.txt
	touch $@

.venv-sam/.installed: requirements-sam.txt | .venv/.installed
	test -x .venv-sam/bin/python || $(UV) venv --quiet --python $(HOST_PYTHON) .venv-sam
	$(UV) pip install --quiet --python .venv-sam/bin/python --require-hashes -r requirements-sam.txt
	touch $@

.venv-bench/.installed: requirements-bench.txt | .venv/.installed
	test -x .venv-bench/bin/python || $(UV) venv --quiet --python $(HOST_PYTHON) .venv-bench
	$(UV) pip install --quiet --python .venv-bench/bin/python --require-hashes -r requirements-bench.txt
	touch $@

.PHONY: run
run: .venv/.installed .venv-stack/.installed .venv-sam/.installed ## Run the whole service on this machine, with phones in the browser
	.venv/bin/python -m infra.local.run

.PHONY: demo
demo: .venv/.installed ## Play eight weeks of a clinic without a browser (WEEKS=; ROSTER=, INFUSIONS=, FROM= for an export)
	.venv/bin/python -m infra.demo $(if $(ROSTER),--roster '$(ROSTER)') $(if $(INFUSIONS),--infusions '$(INFUSIONS)') $(if $(FROM),--from '$(FROM)') $(if $(WEEKS),--weeks '$(WEEKS)')

.PHONY: test
test: .venv/.installed .venv-stack/.installed .venv-sam/.installed ## Run the tests
	.venv/bin/pytest -n 2 -m "not build" $(PYTEST_ARGS)

.PHONY: browser
browser: .venv/.installed .venv-stack/.installed .venv-sam/.installed ## Click through `make run` in chromium, for build/screenshots (STEP=eight_weeks; IMAGES=1 for the README's)
	@command -v $(CHROMIUM) >/dev/null || test "$$(id -u)" != 0 || { \
	  apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends chromium >/dev/null; } || true
	@command -v $(CHROMIUM) >/dev/null || { echo "make browser needs chromium: apt-get install chromium, or CHROMIUM=path" >&2; exit 1; }
	CHROMIUM='$(CHROMIUM)' TOUR_STEP='$(STEP)' TOUR_IMAGES='$(IMAGES)' .venv/bin/pytest -m browser tests/browser $(PYTEST_ARGS)

.PHONY: content
content: .venv/.installed ## Check the content and compile it for Lambda
	.venv/bin/python -m infra.content compile

.PHONY: format
format: .venv/.installed ## Format and fix what can be fixed
	.venv/bin/ruff format $(SOURCES)
	.venv/bin/ruff check --fix $(SOURCES)

.PHONY: lint
lint: .venv/.installed ## Check format, style, types, security and content
	.venv/bin/ruff format --check $(SOURCES)
	.venv/bin/ruff check $(SOURCES)
	.venv/bin/mypy
	.venv/bin/python -m infra.content check

.PHONY: validate
validate: .venv-sam/.installed ## Lint the deployment template, as written and as translated
	.venv-sam/bin/sam validate --lint
	.venv-sam/bin/cfn-lint template.yaml

.PHONY: build
build: .venv-sam/.installed ## Build what is deployed (needs Python 3.13)
	@test -n "$(PYTHON313)" || { echo "make build needs Python 3.13: install it, for example with pyenv install 3.13" >&2; exit 1; }
	PATH="$(dir $(PYTHON313)):$$PATH" .venv-sam/bin/sam build --cached
	$(PYTHON313) -m compileall -q -j 0 --invalidation-mode unchecked-hash .aws-sam/build/*/ # Lambda cannot write bytecode
	.venv/bin/pytest -m build tests/stack

.PHONY: deploy
deploy: .venv/.installed .venv-sam/.installed ## Check what a deployment needs, then deploy (CHECK=1 only checks; ENV= another section of samconfig.toml)
	.venv/bin/python -m infra.deploy --python313 '$(PYTHON313)' $(if $(CHECK),--check) $(if $(ENV),--config-env '$(ENV)')

.PHONY: bench
bench: .venv/.installed .venv-stack/.installed .venv-bench/.installed ## Measure, and write docs/performance.md (after make build)
	.venv/bin/python -m infra.bench

.PHONY: reading-report
reading-report: .venv/.installed ## Measure how well replies are read, and write docs/reading.md
	.venv/bin/python -m infra.reading_report

.PHONY: safety-report
safety-report: .venv/.installed ## Measure how well danger is found, and write docs/safety-screen.md
	.venv/bin/python -m infra.safety_report

.PHONY: lock
lock: .venv/.installed ## Pin the dependencies anew from the *.in files
	for set in requirements requirements-dev requirements-sam requirements-stack requirements-bench; do \
	  $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header $$set.in --output-file $$set.txt; \
	done

.PHONY: reset
reset: ## Forget the state of the local service
	rm -rf .local/run .local/stack.json

.PHONY: clean
clean: ## Remove everything that was installed or built here
	rm -rf .venv .venv-stack .venv-sam .venv-bench .local .aws-sam build .mypy_cache .ruff_cache .pytest_cache .hypothesis
