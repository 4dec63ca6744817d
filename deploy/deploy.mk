# Packages and images; docs/deploy.md.
deb: ## build/deb/ringback_VERSION_ARCH.deb, for the Debian that this is
	@deploy/deps deb
	@deploy/deb $(REVISION)

deb-bare: ## build, install, upgrade and remove the package in bare roots of Debian 12 and 13 (SUITE=...)
	@deploy/deb-bare $(SUITE)

image-bare: ## the container's own steps in a bare root, and what it starts on a root that is read only
	@tests/deploy/image

docs: docs-deploy

docs-deploy:
	@tests/deploy/rules.py

.PHONY: deb deb-bare image-bare docs-deploy
