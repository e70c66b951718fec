# Cairn. `make run` and `make test` do everything, from a fresh Debian 12; `make help` lists the rest.
.DEFAULT_GOAL := all
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-print-directory

VERSION := 0.1.0
# Of the library's binary interface: libcairn.so.$(SOVERSION). A new one only when programs must be built anew.
SOVERSION := 0
B := build
CC := gcc
CXX := g++
VARIANT ?= release
# make V=1 shows whole commands
Q := $(if $(V),,@)

# Where `make install` puts things: GNU's names. DESTDIR goes before all of them.
prefix = /usr/local
exec_prefix = $(prefix)
bindir = $(exec_prefix)/bin
libdir = $(exec_prefix)/lib
includedir = $(prefix)/include
datarootdir = $(prefix)/share
mandir = $(datarootdir)/man
docdir = $(datarootdir)/doc/cairn
sysconfdir = $(if $(filter /usr,$(prefix)),/etc,$(prefix)/etc)
systemunitdir = $(prefix)/lib/systemd/system
userunitdir = $(prefix)/lib/systemd/user
bashcompletiondir = $(datarootdir)/bash-completion/completions
zshcompletiondir = $(datarootdir)/zsh/site-functions
fishcompletiondir = $(datarootdir)/fish/vendor_completions.d
PLACES = $(foreach v,DESTDIR VERSION SOVERSION prefix bindir libdir includedir mandir docdir sysconfdir systemunitdir \
    userunitdir bashcompletiondir zshcompletiondir fishcompletiondir,$(v)='$($(v))')

comma := ,
PACKAGES := $(shell sed -n 's/^\([^\# ]*\) .*/\1/p' tools/libraries)
WARN := -Wall -Wextra -Werror -Wshadow -Wpointer-arith -Wvla -Wformat=2
CWARN := $(WARN) -Wstrict-prototypes -Wmissing-prototypes
CPPFLAGS += -Isrc -Iinclude -D_GNU_SOURCE -DCAIRN_VERSION='"$(VERSION)"'
OPT_release := -O2 -g -fno-plt -D_FORTIFY_SOURCE=2 -fstack-protector-strong
OPT_asan := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
OPT_tsan := -O1 -g -fno-omit-frame-pointer -fsanitize=thread
OPT := $(OPT_$(VARIANT)) -fPIC -pthread -ffunction-sections -fdata-sections
LDFLAGS += $(OPT) -Wl,--gc-sections -Wl,--as-needed
OUT := $(if $(filter release,$(VARIANT)),$(B),$(B)/$(VARIANT))

SRC_C := $(sort $(shell find src -name '*.c'))
SRC_CC := $(sort $(shell find src -name '*.cc'))
OBJ := $(SRC_C:src/%.c=$(OUT)/obj/%.o) $(SRC_CC:src/%.cc=$(OUT)/obj/%.o)
LIB_OBJ := $(filter-out $(OUT)/obj/main.o $(OUT)/obj/doors/%,$(OBJ)) $(filter $(OUT)/obj/doors/library%,$(OBJ))
TEST_SRC := $(sort $(shell find tests/unit -name 'test_*.c' 2>/dev/null))
TESTS := $(TEST_SRC:tests/unit/%.c=$(OUT)/tests/%)
# Only evaluated once the packages are there.
PC_CFLAGS = $(shell pkg-config --cflags $(PACKAGES))
PC_LIBS = $(shell pkg-config --libs $(PACKAGES)) -lm

.PHONY: all release run test install uninstall deb bench bench-recall soak docs house format tidy clean help setup check-unit FORCE
all: setup $(OUT)/cairn $(OUT)/libcairn.a $(OUT)/libcairn.so ## build the binary and the library

setup:
	@tools/setup build

$(OUT)/cairn: $(OBJ)
	$(if $(V),,@echo "  LINK $@")
	$(Q)$(CXX) $(LDFLAGS) -o $@ $^ $(PC_LIBS)
ifeq ($(VARIANT),release)
	@objcopy --only-keep-debug $@ $@.debug && strip $@ && objcopy --add-gnu-debuglink=$@.debug $@
endif

$(OUT)/libcairn.a: $(LIB_OBJ)
	@rm -f $@
	$(if $(V),,@echo "  AR   $@")
	$(Q)$(AR) rcs $@ $^

$(OUT)/libcairn.so: $(LIB_OBJ) src/doors/library.map
	$(if $(V),,@echo "  LINK $@")
	$(Q)$(CXX) -shared -Wl,-soname,libcairn.so.$(SOVERSION) -Wl,--version-script=src/doors/library.map $(LDFLAGS) -o $@ $(LIB_OBJ) $(PC_LIBS)
	@ln -sf $(@F) $@.$(SOVERSION)

$(OUT)/obj/%.o: src/%.c | setup
	@mkdir -p $(@D)
	$(if $(V),,@echo "  CC   $<")
	$(Q)$(CC) -std=c17 $(CPPFLAGS) $(PC_CFLAGS) $(CWARN) $(OPT) -MMD -MP -c -o $@ $<

$(OUT)/obj/%.o: src/%.cc | setup
	@mkdir -p $(@D)
	$(if $(V),,@echo "  CXX  $<")
	$(Q)$(CXX) -std=c++17 -fno-exceptions -fno-rtti $(CPPFLAGS) $(PC_CFLAGS) $(WARN) $(OPT) -MMD -MP -c -o $@ $<

# A unit test may call everything but main.o: one shared object, since linking it into each of them took minutes.
$(OUT)/tests/everything.so: $(filter-out $(OUT)/obj/main.o,$(OBJ))
	@mkdir -p $(@D)
	$(if $(V),,@echo "  LINK $@")
	$(Q)$(CXX) -shared -Wl,-soname,$(@F) $(filter-out -Wl$(comma)--gc-sections,$(LDFLAGS)) -o $@ $^ $(PC_LIBS)

$(OUT)/tests/%: tests/unit/%.c $(OUT)/tests/everything.so
	@mkdir -p $(@D)
	$(if $(V),,@echo "  TEST $<")
	$(Q)$(CC) -std=c17 $(CPPFLAGS) -Itests $(PC_CFLAGS) $(CWARN) $(OPT) -MMD -MP -c -o $@.o $<
	$(Q)$(CXX) $(LDFLAGS) -o $@ $@.o $(OUT)/tests/everything.so -Wl,-rpath,'$$ORIGIN/..' $(PC_LIBS) -lcmocka

check-unit: $(TESTS) ## build and run the unit tests of VARIANT
	@tools/run-unit $(OUT) $(TESTS)

# One executable with the quantised model inside: it needs no file beside it and no network at its first start.
R := $(B)/release
RELEASE_OBJ := $(filter-out $(B)/obj/service/model_inside.o,$(SRC_C:src/%.c=$(B)/obj/%.o) $(SRC_CC:src/%.cc=$(B)/obj/%.o))
release: all $(R)/cairn ## build/release/cairn: one executable with the embedding model inside (tools/get-model)

$(R)/model.cairn: $(B)/cairn tools/get-model
	@mkdir -p $(@D)
	@tools/get-model
	$(if $(V),,@echo "  PACK $@")
	$(Q)CAIRN_MODEL=$(B)/model/all-MiniLM-L6-v2 $(B)/cairn model --pack $@.new >/dev/null
	@cmp -s $@.new $@ || cp $@.new $@; rm $@.new; touch $@

$(R)/model_inside.o: src/service/model_inside.c $(R)/model.cairn
	$(if $(V),,@echo "  CC   $< (with the model)")
	$(Q)$(CC) -std=c17 $(CPPFLAGS) -DCAIRN_MODEL_FILE='"$(R)/model.cairn"' $(PC_CFLAGS) $(CWARN) $(OPT) -c -o $@ $<

$(R)/cairn: $(RELEASE_OBJ) $(R)/model_inside.o
	$(if $(V),,@echo "  LINK $@")
	$(Q)$(CXX) $(LDFLAGS) -o $@ $^ $(PC_LIBS)
	@strip $@

run: all ## install what is missing, build, fetch the model, start the server on 127.0.0.1:5111
	@[ -n "$${CAIRN_MODEL:-}$${CAIRN_EMBEDDING_URL:-}" ] || tools/get-model || echo "cairn: recall goes by words alone" >&2
	@$(B)/cairn serve

test: ## install, build and run every test
	@tools/test

install: all ## put program, library, manual, completions and units below prefix (/usr/local); DESTDIR
	@env $(PLACES) tools/install install

uninstall: ## take away exactly what install put there, with the same prefix and DESTDIR
	@env $(PLACES) tools/install uninstall

deb: all ## Debian packages in build/deb: cairn, libcairn0, libcairn-dev
	@VERSION=$(VERSION) SOVERSION=$(SOVERSION) tools/deb

bench: all ## run every benchmark, write bench/results.md
	@tools/setup bench && bench/run

bench-recall: all ## LoCoMo at turn level over the REST API
	@tools/setup test && bench/recall.py --binary $(B)/cairn

soak: ## the long versions: 2,000 kills, ten minutes of each fuzzer, sanitizers under bad input
	@tools/soak

docs: all ## write docs/{operations,records,configuration}.md from the tables
	@mkdir -p docs && for p in operations records configuration; do $(B)/cairn docs $$p >docs/$$p.md; done

house: ## sizes, include direction, static share
	@tools/house

format: ## format all C and C++ sources
	@clang-format -i $$(git ls-files -co --exclude-standard '*.c' '*.h' '*.cc')

tidy: ## clang-tidy over all sources
	@tools/tidy

clean: ## remove the build folder
	rm -rf $(B)

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

-include $(OBJ:.o=.d) $(TESTS:=.d)
