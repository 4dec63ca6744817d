rules: ## the rule book rule by rule: its tests and their results
	@$(MAKE) --no-print-directory V=asan tests-build >/dev/null
	@tests/support/rules.py

.PHONY: rules
