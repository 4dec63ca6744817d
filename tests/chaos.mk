# `make chaos`: two daemons on real servers, with faults, as long as one likes; `make test` plays a few rounds.
ROUNDS ?= 20
VARIANT ?= one

chaos: ## two daemons, real servers, random faults: ROUNDS=20 (SEED=n, VARIANT=one|three, KINDS=kill,cut, OTHER=program)
	@deploy/deps
	@$(MAKE) --no-print-directory V=points program >/dev/null
	@tests/chaos/chaos --rounds $(ROUNDS) --variant $(VARIANT) $(if $(SEED),--seed $(SEED)) \
	    $(if $(KINDS),--kinds $(KINDS)) $(if $(OTHER),--other $(OTHER))

.PHONY: chaos
