# Talk: everything that a checkout can do. `make help` lists it.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

UV_VERSION := 0.13.9
# One on PATH is taken where it is recent enough (pyproject.toml says how recent); else this version comes from PyPI.
UV := $(shell command -v uv 2>/dev/null || echo .tools/uv/bin/uv)
VENV := .venv/bin
WEB := services/web
export UV_PYTHON_PREFERENCE ?= system

include make/cluster.mk
include make/supply.mk

.PHONY: help run test lint lint-and-chart unit coverage monitoring laptop web tools bench fuzz soak format clean lock reference

help: ## lists what can be done
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

run: .tools/run.stamp ## starts everything on this machine: http://localhost:8080
	@$(VENV)/talk run $(ARGS)

test: lint-and-chart unit monitoring web laptop ## every check that needs no cluster
	@echo "make test: all passed"

# mypy has one core, and no test of the chart waits for anything.
lint-and-chart: .tools/dev.stamp helm
	@scripts/beside.sh "$(MAKE) --no-print-directory lint" "$(MAKE) --no-print-directory chart"

lint: .tools/dev.stamp ## style, types, layers, generated files
	$(VENV)/ruff check .
	$(VENV)/ruff format --check .
	$(VENV)/mypy
	$(VENV)/lint-imports

unit: .tools/dev.stamp ## tests of the Python rooms, in parallel
	$(VENV)/pytest tests/unit tests/docs -n $${TALK_TEST_WORKERS:-2} -m "not laptop" $(ARGS)

coverage: ## the same, and which lines and branches they reach; nearly twice the time
	@$(MAKE) --no-print-directory unit ARGS="--cov --cov-report=term:skip-covered"

monitoring: .tools/dev.stamp ## metrics, alerts, dashboards and the runbook, with Prometheus' own promtool
	@scripts/tools.sh ensure promtool
	$(VENV)/pytest tests/monitoring -n $${TALK_TEST_WORKERS:-2}

laptop: .tools/dev.stamp tools $(WEB)/node_modules ## tests with the real offline models and real processes, the page in Chromium among them
	scripts/offline.sh $(VENV)/pytest tests -m laptop
	cd $(WEB) && CHROMIUM=$$(../../scripts/tools.sh path chromium) npm run test:real

web: tools $(WEB)/node_modules ## the page: types, unit tests, journeys in Chromium, and whether the built page is current
	cd $(WEB) && npm test && npm run check:dist
	cd $(WEB) && CHROMIUM=$$(../../scripts/tools.sh path chromium) npm run test:e2e

tools: ## finds or brings what is no Python or npm package
	@scripts/tools.sh ensure node chromium helm promtool

fuzz: .tools/dev.stamp ## randomized tests for ten minutes, and ten more of Schemathesis against the gateway
	$(VENV)/python -m scripts.fuzz $(ARGS)

bench: .tools/dev.stamp ## the figures, side by side, as JSON and a table
	$(VENV)/python -m bench $(ARGS)

soak: .tools/dev.stamp ## 30 minutes of load on real processes, and what they hold after it (ARGS="--minutes 5")
	$(VENV)/python -m tests.chaos.soak $(ARGS)

format: .tools/dev.stamp ## formats the code
	$(VENV)/ruff check --fix . && $(VENV)/ruff format .

reference: .tools/dev.stamp helm ## writes the generated reference pages
	$(VENV)/python -m scripts.settings_reference
	$(VENV)/python -m scripts.metrics_reference
	$(VENV)/python -m scripts.licences
	$(VENV)/python -m scripts.slo_rules
	$(VENV)/python -m scripts.dashboards
	$(VENV)/python -m scripts.chart_readme
	$(VENV)/python -m scripts.reach_reference
	$(VENV)/python -m talk_kit.talkagent.reference > docs/reference/talkagent.md

lock: $(UV) ## resolves the dependencies anew
	$(UV) lock

clean: ## removes what these targets made
	rm -rf .venv .tools $(WEB)/node_modules .pytest_cache .mypy_cache .ruff_cache .import_linter_cache

.tools/run.stamp: pyproject.toml uv.lock | $(UV)
	$(UV) sync --frozen --inexact --no-dev --extra gateway --extra agent --extra local
	@mkdir -p .tools && touch $@

.tools/dev.stamp: pyproject.toml uv.lock | $(UV)
	$(UV) sync --frozen --all-extras
	@mkdir -p .tools && touch $@ .tools/run.stamp

.tools/uv/bin/uv:
	@scripts/python.sh -m venv .tools/uv || { echo "make: python3 has no venv module; install python3-venv, or uv" >&2; exit 1; }
	.tools/uv/bin/python -m pip install --quiet uv==$(UV_VERSION)

$(WEB)/node_modules: $(WEB)/package-lock.json
	cd $(WEB) && npm ci --no-audit --no-fund
	@touch $@
