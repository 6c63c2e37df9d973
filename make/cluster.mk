# What needs a cluster, or the programs around one.
.PHONY: chart images e2e chaos

# Version of the images, as the chart names them; how images are built, and how they reach the cluster.
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
REGISTRY := ghcr.io/dwani-ai
# Tag of the images that e2e builds and installs; another one lets checkouts share a cluster.
TALK_E2E_TAG ?= $(VERSION)
ROOMS := gateway agent operator local
TALK_E2E_BUILD ?= $(shell command -v podman || echo docker) build
# kind: TALK_E2E_LOAD="kind load docker-image"; minikube: TALK_E2E_LOAD="minikube image load"
TALK_E2E_LOAD ?= scripts/load_images.sh
# NAMESPACE/SERVICE of a Prometheus that takes PodMonitors and PrometheusRules of every namespace, and scrapes every 5 s
# or so: TALK_E2E_PROMETHEUS=monitoring/prometheus-operated. Without one, the tests of monitoring are left out.
TALK_E2E_PROMETHEUS ?=
# How tests run a container of these images on this machine.
TALK_E2E_RUN ?= $(shell command -v podman || echo docker) run
# A node that tests may drain and kill, beside others, and how: commands that take its name as their last argument.
# kind: TALK_E2E_SPARE_NODE=kind-worker TALK_E2E_KILL_NODE="docker kill" TALK_E2E_START_NODE="docker start"
TALK_E2E_SPARE_NODE ?=
TALK_E2E_KILL_NODE ?=
TALK_E2E_START_NODE ?=
# The API server's audit log: what the operator wrote, and what Talk's accounts did, is counted there. `none` where it
# cannot be read: that is then not known.
TALK_E2E_AUDIT_LOG ?=
TALK_E2E_MARKERS := cluster$(if $(TALK_E2E_SPARE_NODE),, and not two_nodes)$(if $(TALK_E2E_PROMETHEUS),, and not prometheus)
export TALK_E2E_PROMETHEUS TALK_E2E_RUN TALK_E2E_TAG TALK_E2E_SPARE_NODE TALK_E2E_KILL_NODE TALK_E2E_START_NODE TALK_E2E_AUDIT_LOG
export PATH := $(CURDIR)/.tools/bin:$(PATH)

chart: .tools/dev.stamp helm ## the chart: lint, every scenario, values, schemas of Kubernetes
	@scripts/tools.sh ensure promtool
	$(VENV)/python -m scripts.chart_readme --check
	$(VENV)/pytest tests/chart -n $${TALK_TEST_WORKERS:-2} --dist loadfile

.PHONY: helm
helm:
	@scripts/tools.sh ensure helm

images: ## builds the four images
	@for room in $(ROOMS); do \
	  $(TALK_E2E_BUILD) --target $$room --build-arg VERSION=$(VERSION) \
	    --build-arg REVISION="$$(git rev-parse --short HEAD 2>/dev/null || echo unknown)" \
	    -t $(REGISTRY)/talk-$$room:$(TALK_E2E_TAG) . || exit 1; \
	done

.PHONY: tiny-agent
tiny-agent:
	@$(TALK_E2E_BUILD) -t $(REGISTRY)/talk-tiny-agent:$(TALK_E2E_TAG) tests/e2e/tiny_agent

.PHONY: on-cluster
on-cluster: .tools/dev.stamp helm images tiny-agent
	@kubectl version --request-timeout=10s >/dev/null || { echo "make: no cluster answers; set KUBECONFIG" >&2; exit 1; }
	$(TALK_E2E_LOAD) $(foreach room,$(ROOMS) tiny-agent,$(REGISTRY)/talk-$(room):$(TALK_E2E_TAG))
	$(if $(TALK_E2E_SPARE_NODE),,@echo "make: TALK_E2E_SPARE_NODE names no node: tests that take one away are left out")
	$(if $(TALK_E2E_PROMETHEUS),,@echo "make: TALK_E2E_PROMETHEUS names no Prometheus: tests of monitoring are left out")

e2e: on-cluster ## the whole product on the cluster that KUBECONFIG names
	$(VENV)/pytest tests/e2e -m "$(TALK_E2E_MARKERS) and not chaos" --timeout 900 $(ARGS)

chaos: on-cluster ## every fault under load on that cluster, as a table; at most 40 minutes
	$(VENV)/pytest tests/e2e/test_faults*.py -m "$(TALK_E2E_MARKERS)" --timeout 600 --session-timeout 2400 $(ARGS)
