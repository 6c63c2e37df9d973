# What Talk is made of: known vulnerabilities, and a bill of materials of each image. Both write into build/.
.PHONY: audit sbom
PIP_AUDIT_VERSION := 2.10.1
# Seconds that one question to a registry's database may take in all.
AUDIT_SECONDS ?= 300

audit: .tools/dev.stamp ## known vulnerabilities of what uv.lock and package-lock.json pin (asks pypi.org and npmjs.org; says so when it could not)
	@mkdir -p build
	@$(UV) export --quiet --frozen --all-extras --no-emit-project --format requirements.txt -o build/requirements.txt >/dev/null
	@$(VENV)/python -m scripts.audit --requirements build/requirements.txt --seconds $(AUDIT_SECONDS) \
	  -- $(UV) tool run --quiet pip-audit@$(PIP_AUDIT_VERSION)

sbom: .tools/dev.stamp ## a CycloneDX bill of materials of each image, the page in the gateway's, checked against the schema
	@scripts/tools.sh ensure node
	@$(VENV)/python -m scripts.sbom
