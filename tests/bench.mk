# `make bench` measures and prints; no test has a threshold of seconds.
BENCH_SRC := $(wildcard tests/bench/*.c)
bench: ## speed and memory beside a raw pass-through (real Kafka and Redis), into build/bench.json
	@deploy/deps
	@$(MAKE) --no-print-directory V=release build/ringback $(BENCH_SRC:%.c=build/release/%)
	@tests/bench/bench
.PHONY: bench
failover: ## how long nobody decides after a kill, a stop, a restart (real Kafka and Redis), into build/failover.json
	@deploy/deps
	@$(MAKE) --no-print-directory V=release build/ringback
	@tests/bench/failover
.PHONY: failover
