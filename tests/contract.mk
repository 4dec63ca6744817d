# The contract's page and its accepted copy.
docs: ## regenerate docs/events.md and docs/asyncapi.yaml from proto/ and its examples
	@tests/support/protos.py docs

contract-accept: ## compare proto/ with what it is now (a breaking change: BREAK=1)
	@tests/support/protos.py accept $(if $(BREAK),break)

.PHONY: docs contract-accept
