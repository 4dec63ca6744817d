# Ringback. `make help` lists what there is.
# One Makefile, no recursion but for variants: V=release|asan|tsan|clang|points picks the
# compiler, the flags and the folder build/$(V), so that all of them live side by side.
.DEFAULT_GOAL := all
MAKEFLAGS += --no-builtin-rules
SHELL := /bin/bash

V ?= release
B := build/$(V)
GEN := build/gen

CC_release := gcc
CC_asan    := gcc
CC_tsan    := gcc
CC_clang   := clang
CC_points  := gcc
CC_fuzz    := clang
CC := $(CC_$(V))

OPT_release := -O2
OPT_asan    := -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
OPT_tsan    := -O1 -fsanitize=thread -fno-omit-frame-pointer
OPT_clang   := -O1
OPT_points  := -O2 -DRINGBACK_TEST_POINTS=1
OPT_fuzz    := -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all \
               -fno-omit-frame-pointer

PACKAGES := rdkafka hiredis libprotobuf-c yaml-0.1 jansson libxxhash libmicrohttpd \
            libsystemd libjwt libcrypto
# TLS to Redis is OpenSSL's; built without its headers (or with TLS=no) rediss:// is refused.
TLS ?= $(shell pkg-config --exists openssl && echo yes)
ifeq ($(TLS),yes)
PACKAGES += openssl
TLS_CFLAGS := -DRINGBACK_TLS=1
endif
PKG_CFLAGS := $(TLS_CFLAGS) $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null)
PKG_LIBS := $(shell pkg-config --libs $(PACKAGES) 2>/dev/null)

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
        -Wold-style-definition -Wpointer-arith -Wcast-qual -Wwrite-strings -Wvla -Wundef \
        -Wformat=2 -Wswitch-enum -Werror
# gcc looks after casts that drop const: clang also minds those in protobuf-c's __INIT macros.
WARN_clang := -Wno-cast-qual
WARN_fuzz  := -Wno-cast-qual
CFLAGS = -std=c11 -D_GNU_SOURCE -g -fstack-protector-strong $(OPT_$(V)) -I. -I$(GEN) \
         -isystem $(GEN) $(PKG_CFLAGS) -pthread -MMD -MP
LDFLAGS = $(OPT_$(V)) -pthread
LDLIBS = $(PKG_LIBS) -lm

PROTOS := $(wildcard proto/ringback/v1/*.proto)
GEN_C := $(PROTOS:proto/%.proto=$(GEN)/%.pb-c.c)
GEN_H := $(GEN_C:.c=.h)
GEN_O := $(GEN_C:$(GEN)/%.c=$(B)/gen/%.o)

SRC := $(wildcard base/*.c consumers/*.c state/*.c state/store/*.c producers/*.c daemon/*.c view/*.c)
LIB_SRC := $(filter-out daemon/main.c,$(SRC))
LIB_O := $(LIB_SRC:%.c=$(B)/%.o)
LIB := $(B)/libringback.a
PROGRAM := $(B)/ringback

TEST_SRC := $(wildcard tests/unit/*.c tests/rules/*.c tests/logs/*.c)
TEST_BIN := $(TEST_SRC:%.c=$(B)/%)
HELPER_SRC := $(wildcard tests/support/*.c)
HELPER_O := $(HELPER_SRC:%.c=$(B)/%.o)

-include $(wildcard deploy/*.mk tests/*.mk)

all: build/ringback ## build the release binary, build/ringback

build/ringback: FORCE
	@$(MAKE) --no-print-directory V=release program
	@cmp -s build/release/ringback $@ || cp build/release/ringback $@

program: $(PROGRAM)
print-cflags:
	@echo $(PKG_CFLAGS)
tests-build: $(TEST_BIN) ## build the C tests of the variant V

$(PROGRAM): $(B)/daemon/main.o $(LIB)
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# The page and the API's description are in the program.
PAGE := $(wildcard view/page/*.html view/page/*.css view/page/*.js view/page/*.svg) view/openapi.yaml
$(GEN)/view_assets.inc: view/embed $(PAGE) $(wildcard view/page)
	@mkdir -p $(GEN)
	view/embed $@ $(PAGE)
$(B)/view/assets.o: $(GEN)/view_assets.inc

$(LIB): $(LIB_O) $(GEN_O)
	@rm -f $@
	ar rcs $@ $^

# The generated code is compiled without our warnings: it is not ours to mend.
$(B)/gen/%.o: $(GEN)/%.c $(GEN_H)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -w -c -o $@ $<

$(B)/%.o: %.c | $(GEN_H)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(WARN) $(WARN_$(V)) -c -o $@ $<

# An archive, so that a test takes only the helpers that it uses.
SUPPORT := $(B)/libsupport.a
$(SUPPORT): $(HELPER_O)
	@rm -f $@
	ar rcs $@ $^

$(B)/tests/%: $(B)/tests/%.o $(SUPPORT) $(LIB)
	$(CC) $(LDFLAGS) -o $@ $< $(SUPPORT) $(LIB) $(LDLIBS) $(shell pkg-config --libs cmocka)

$(GEN)/%.pb-c.c $(GEN)/%.pb-c.h &: proto/%.proto $(PROTOS)
	@mkdir -p $(GEN)
	protoc-c --proto_path=proto --c_out=$(GEN) $(<:proto/%=%)

# `make test` is the whole suite, Kafka and Redis included; `make check` is the quick part.
test: deps ## everything: C tests, contract, logs, integration on a real Kafka and Redis (T=name picks)
	@tests/run all $(T)

check: ## C tests with ASan and UBSan, contract, purity, tidy: under a minute (T=name picks)
	@tests/run quick $(T)

deps: ## install what is missing (apt, Maven, npm, PyPI)
	@deploy/deps

purity: ## what state/ may call
	@tests/purity

format: ## clang-format all C
	clang-format -i $(shell git ls-files '*.c' '*.h')

clean: ## remove everything built
	rm -rf build

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | \
	  awk -F':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

FORCE:
.PHONY: all program print-cflags tests-build test check deps purity format clean help FORCE
.SECONDARY:

-include $(shell find $(B) -name '*.d' 2>/dev/null)
