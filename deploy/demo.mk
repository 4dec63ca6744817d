# The first of the two commands of the README.
demo: ## one day of a real call centre through the daemon, and a replay that says the same
	@deploy/demo

.PHONY: demo
