lint: ## clang-tidy and cppcheck
	@tests/lint

.PHONY: lint
