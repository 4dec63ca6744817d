EXPLORE_SRC := $(wildcard tests/explore/*.c)
EXPLORE := $(EXPLORE_SRC:%.c=$(B)/%)
STATES ?= 10000000

explore: ## every reachable state of a small world: 10 million states (STATES=n)
	@$(MAKE) --no-print-directory V=release explore-build >/dev/null
	@tests/explore/report build/release/tests/explore/explore --states $(STATES) --cells

explore-build: $(EXPLORE)
tests-build: $(EXPLORE)

.PHONY: explore explore-build
