# The faults of tests/integration.d, on a real Kafka and a real Redis.
integration: deps ## the recorded day on Kafka and Redis, with faults (T=kills picks)
	@tests/run integration $(if $(T),$(T),integration.d)

.PHONY: integration
