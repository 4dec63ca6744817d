# Pages made from tables: docs/adapters.md, docs/cli.md, docs/metrics.md, docs/reasons.md, docs/settings.md; `make docs` itself is in contract.mk.
docs: docs-pages

docs-pages:
	@$(MAKE) --no-print-directory V=asan program
	@tests/support/pages.py docs

.PHONY: docs-pages
