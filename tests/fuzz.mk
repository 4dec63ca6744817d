# `make fuzz`: libFuzzer (clang) with ASan and UBSan over everything that reads bytes of others.
FUZZ_SRC := $(wildcard tests/fuzz/fuzz_*.c)
FUZZ := $(FUZZ_SRC:%.c=$(B)/%)
TIME ?= 60

fuzz: ## any bytes into all that reads them, each target TIME=60 seconds (T=story picks)
	@deploy/deps
	@$(MAKE) --no-print-directory V=fuzz fuzz-build >/dev/null
	@tests/fuzz/run --seconds $(TIME) $(T)

fuzz-build: $(FUZZ)
$(B)/tests/fuzz/%: $(B)/tests/fuzz/%.o $(B)/libsupport.a $(LIB)
	$(CC) $(LDFLAGS) $(FUZZ_LINK) -fsanitize=fuzzer,address,undefined -o $@ $^ $(LDLIBS)

# Redis's answers come through a pair of sockets, without an address.
$(B)/tests/fuzz/fuzz_redis: FUZZ_LINK := -Wl,--wrap=redisConnectNonBlock

.PHONY: fuzz fuzz-build
