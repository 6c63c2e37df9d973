# What Talk is made of: known vulnerabilities, and a bill of materials for each image. Both write into build/.
.PHONY: audit sbom
PIP_AUDIT_VERSION := 2.10.1
# Seconds that one question to a registry's database may take in all.
AUDIT_SECONDS ?= 300

audit: .tools/dev.stamp ## known vulnerabilities of what uv.lock and package-lock.json pin (asks pypi.org and npmjs.org)
	@mkdir -p build
	$(UV) export --quiet --frozen --all-extras --no-emit-project --format requirements.txt -o build/requirements.txt
	@timeout $(AUDIT_SECONDS) $(UV) tool run --quiet pip-audit@$(PIP_AUDIT_VERSION) --requirement build/requirements.txt \
	  --disable-pip --require-hashes --progress-spinner off \
	  || { echo "make audit: pip-audit found something, or pypi.org did not answer within $(AUDIT_SECONDS) s: it needs the network" >&2; exit 1; }
	@cd $(WEB) && timeout $(AUDIT_SECONDS) npm audit \
	  || { echo "make audit: npm found something, or its registry has no audit or did not answer: it needs the network" >&2; exit 1; }

sbom: .tools/dev.stamp ## a CycloneDX bill of materials of each image's Python packages, and of the page with what builds it
	@mkdir -p build
	@for room in $(ROOMS); do \
	  $(UV) export --quiet --frozen --no-dev --no-emit-project --extra $$room --format cyclonedx1.5 -o build/talk-$$room.cdx.json || exit 1; \
	done
	@cd $(WEB) && npm sbom --sbom-format cyclonedx --package-lock-only > ../../build/talk-web.cdx.json
	@ls build/*.cdx.json
