# Manual pages and completion, made by the program from its own tables.
man: $(PROGRAM) ## manual pages into build/man: man -l build/man/ringback.1
	@rm -rf build/man && mkdir -p build/man
	@for page in $$($(PROGRAM) manual --format list); do \
	  $(PROGRAM) manual "$$page" >"build/man/$$page" || exit 1; done
	@echo "build/man: $$(ls build/man | wc -l) pages"

completion: $(PROGRAM) ## completion for bash and zsh into build/completion
	@mkdir -p build/completion
	@$(PROGRAM) completion bash >build/completion/ringback
	@$(PROGRAM) completion zsh >build/completion/_ringback
	@echo "build/completion: ringback (bash), _ringback (zsh)"

.PHONY: man completion
