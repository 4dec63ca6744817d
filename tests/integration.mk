# The faults of tests/integration.d alone; `make test` has them too.
integration: deps ## the recorded day on Kafka and Redis, with faults (T=kills picks)
	@tests/run integration $(T)

.PHONY: integration
