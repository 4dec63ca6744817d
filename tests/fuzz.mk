# `make fuzz`: libFuzzer (clang) with ASan and UBSan over everything that reads bytes of others.
FUZZ_SRC := $(wildcard tests/fuzz/fuzz_*.c)
FUZZ := $(FUZZ_SRC:%.c=$(B)/%)
TIME ?= 60

fuzz: ## any bytes into all that reads them, each target TIME=60 seconds (T=story picks)
	@deploy/deps
	@$(MAKE) --no-print-directory V=fuzz fuzz-build >/dev/null
	@tests/fuzz/run --seconds $(TIME) $(T)

fuzz-build: $(FUZZ)
$(B)/tests/fuzz/%: $(B)/tests/fuzz/%.o $(LIB)
	$(CC) $(LDFLAGS) -fsanitize=fuzzer,address,undefined -o $@ $< $(LIB) $(LDLIBS)

.PHONY: fuzz fuzz-build
