# supermask - mask analysis and interpretability suite.   `make help` lists the targets.

# V=1 shows the commands.
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-7s %s\n' $(1) $(2))

# Only the rules below: make's own would rebuild dependency files in odd ways.
MAKEFLAGS += --no-builtin-rules
# All CPUs, unless -j says how many; several targets at once stay one after the other (`make clean all`). A make below
# shares the jobs of the one above.
ifeq ($(MAKELEVEL)$(word 2,$(MAKECMDGOALS)),0)
MAKEFLAGS += -j$(shell nproc 2>/dev/null || echo 1)
endif

PREFIX  ?= /usr/local
DESTDIR ?=
# Sanitized objects stay apart from the others.
BUILD   ?= build$(if $(SAN),-san)
CC      ?= cc
# Instrumented code compiles in less than half the time without what -O3 adds; kernels have -O3 in any case.
CFLAGS  ?= $(if $(SAN),-O1 -g1,-O3 -g)
WERROR  ?=

ifeq ($(origin CC),default)
CC = gcc
endif

VERSION := 0.1.0
# Debian's own Python has h5py, numpy and scipy; another python3 may come first in PATH.
PYTHON ?= /usr/bin/python3

SANFLAGS_1      = -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
SANFLAGS_thread = -fsanitize=thread
sanflags = $(SANFLAGS_$(SAN))

PKGS = hdf5 openblas gsl yaml-0.1 nettle zlib
pkg_cflags = $(shell pkg-config --cflags $(PKGS))
pkg_libs   = $(shell pkg-config --libs-only-L $(PKGS)) -lhdf5_hl $(shell pkg-config --libs $(PKGS)) # no .pc file has hdf5_hl

warnings = -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla \
           -Wformat=2 -Wno-unknown-pragmas $(if $(WERROR),-Werror)
all_cflags = -std=c11 -D_GNU_SOURCE -DSM_VERSION='"$(VERSION)"' -Iinclude -I. $(warnings) -fopenmp $(pkg_cflags) $(CFLAGS) $(sanflags)
all_ldflags = -fopenmp $(LDFLAGS) $(sanflags)
all_libs = $(pkg_libs) -lm

KERNEL_SRC  := $(wildcard lib/kernels*.c)
LIB_SRC     := $(filter-out $(KERNEL_SRC),$(wildcard lib/*.c)) $(wildcard datasets/*.c)
TRAIN_SRC   := $(wildcard train/*.c train/methods/*.c)
ANALYZE_SRC := $(wildcard analyze/*.c)
TEST_SRC    := $(wildcard tests/test_*.c)

# Each source of kernels is compiled once for each instruction set, which is chosen at run time (lib/dispatch.c).
ARCH := $(shell uname -m)
ifeq ($(ARCH),x86_64)
ISAS := baseline avx2 avx512
else
ISAS := baseline
endif
# A product and a sum are rounded once where the instruction set has FMA, so avx2 and avx512 give the same bytes.
isa_flags_baseline = -ffp-contract=off
isa_flags_avx2     = -mavx2 -mfma -mbmi -mbmi2 -mlzcnt -mpopcnt -ffp-contract=fast
isa_flags_avx512   = -mavx2 -mfma -mavx512f -mavx512bw -mavx512vl -mavx512dq -mbmi -mbmi2 -mlzcnt -mpopcnt -mprefer-vector-width=512 -ffp-contract=fast

# Only the products of bfloat16 gain from the instruction that some CPUs with AVX-512 have for them.
isa_flags_avx512bf16 = $(isa_flags_avx512) -mavx512bf16

LIB_OBJ     := $(LIB_SRC:%.c=$(BUILD)/obj/%.o) $(foreach isa,$(ISAS),$(KERNEL_SRC:%.c=$(BUILD)/obj/%.$(isa).o)) \
               $(if $(filter avx512,$(ISAS)),$(BUILD)/obj/lib/kernels_bf16.avx512bf16.o)
TRAIN_OBJ   := $(TRAIN_SRC:%.c=$(BUILD)/obj/%.o)
ANALYZE_OBJ := $(ANALYZE_SRC:%.c=$(BUILD)/obj/%.o)
TEST_BIN    := $(TEST_SRC:tests/%.c=$(BUILD)/tests/%)
LIBRARY     := $(BUILD)/libsupermask.a
PROGRAMS    := $(if $(wildcard train/main.c),$(BUILD)/bin/supermask-train) $(if $(wildcard analyze/main.c),$(BUILD)/bin/supermask-analyze)
SHARED      := $(patsubst train/%,%,$(wildcard train/recipes/*.yaml train/networks/*.yaml)) $(wildcard plots/*.gp)
SHARE_FILES := $(SHARED:%=$(BUILD)/share/supermask/%)

.PHONY: all help deps deps-test deps-long clean install uninstall demo check check-run check-programs check-long bench tests format

all: $(PROGRAMS) $(SHARE_FILES) links

$(LIBRARY): $(LIB_OBJ)
	@mkdir -p $(@D)
	$(call say,AR,$@)
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

# The two programs without their mains, so that a test can link the inner parts of either.
$(BUILD)/libtrain.a: $(filter-out %/train/main.o,$(TRAIN_OBJ))
	@mkdir -p $(@D)
	$(call say,AR,$@)
	@rm -f $@
	$(Q)$(AR) rcs $@ $^
$(BUILD)/libanalyze.a: $(filter-out %/analyze/main.o,$(ANALYZE_OBJ))
	@mkdir -p $(@D)
	$(call say,AR,$@)
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

$(BUILD)/bin/supermask-train: $(TRAIN_OBJ) $(LIBRARY)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(all_ldflags) -o $@ $^ $(all_libs)

$(BUILD)/bin/supermask-analyze: $(ANALYZE_OBJ) $(LIBRARY)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(all_ldflags) -o $@ $^ $(all_libs)

define kernel_rule
$(BUILD)/obj/%.$(1).o: %.c $(BUILD)/flags
	@mkdir -p $$(@D)
	$$(call say,CC,$$@)
	$$(Q)$$(CC) $$(all_cflags) -O3 $$(isa_flags_$(1)) -DSM_ISA=$(1) -MMD -MP -c -o $$@ $$<
endef
$(foreach isa,$(ISAS) avx512bf16,$(eval $(call kernel_rule,$(isa))))

$(BUILD)/obj/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(all_cflags) -MMD -MP -c -o $@ $<

# A change of compiler or flags rebuilds everything.
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(subst ','"'"',$(all_cflags) $(all_ldflags))' | cmp -s - $@ || echo '$(CC) $(subst ','"'"',$(all_cflags) $(all_ldflags))' > $@
.PHONY: FORCE # .SECONDARY below would take it for a file that may be missing

$(BUILD)/share/supermask/recipes/%: train/recipes/%
	@mkdir -p $(@D)
	$(Q)cp $< $@
$(BUILD)/share/supermask/networks/%: train/networks/%
	@mkdir -p $(@D)
	$(Q)cp $< $@
$(BUILD)/share/supermask/plots/%: plots/%
	@mkdir -p $(@D)
	$(Q)cp $< $@

# ./supermask-train and ./supermask-analyze beside the sources, for the default build only.
.PHONY: links
links: $(PROGRAMS)
ifeq ($(BUILD),build)
	@for p in $(PROGRAMS); do ln -sf $$p $${p##*/}; done
endif

# What tests themselves compute is little: they compile in half the time. Private, or $(BUILD)/flags would have it too.
$(TEST_SRC:%.c=$(BUILD)/obj/%.o): private all_cflags += -O1

# A test links the library and, by name, the parts of the programs that it tests.
$(BUILD)/tests/%: $(BUILD)/obj/tests/%.o $(BUILD)/libtrain.a $(BUILD)/libanalyze.a $(LIBRARY)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(all_ldflags) -o $@ $^ $(all_libs) -lcmocka

# Objects of tests stay for the next time.
.SECONDARY:

tests: $(TEST_BIN) $(SHARE_FILES)

# ---- benchmarks ----

BENCH_BIN := $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(wildcard tests/bench/*.c))
$(BUILD)/bench/%: $(BUILD)/obj/tests/bench/%.o $(BUILD)/libtrain.a $(BUILD)/libanalyze.a $(LIBRARY)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(all_ldflags) -o $@ $^ $(all_libs)

# OPENBLAS_CORETYPE halves OpenBLAS where a shell carries it: the rival runs at its best.
bench: all $(BENCH_BIN)
	env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE tests/bench/run.sh $(BUILD)

# ---- packages ----

deps:
	@tests/tools/install_packages.sh build run
deps-test:
	@tests/tools/install_packages.sh build run test
deps-long:
	@tests/tools/install_packages.sh build run test long

# ---- what a newcomer types ----

DEMO ?= demo
demo: deps
	@$(MAKE) --no-print-directory all
	@tests/tools/demo.sh $(BUILD)/bin $(DEMO)

check: deps-test
	@$(MAKE) --no-print-directory check-run
# The tests without the packages, for whoever has them.
check-run: all tests
	@SM_BIN=$(abspath $(BUILD)/bin) SM_TESTS=$(abspath $(BUILD)/tests) PYTHON=$(PYTHON) tests/tools/run_tests.sh short
# Only the programs among the tests: what a compiler can get wrong.
check-programs: tests
	@SM_BIN=$(abspath $(BUILD)/bin) SM_TESTS=$(abspath $(BUILD)/tests) PYTHON=$(PYTHON) tests/tools/run_tests.sh programs
check-long: deps-long
	@$(MAKE) --no-print-directory all tests
	@SM_BIN=$(abspath $(BUILD)/bin) SM_TESTS=$(abspath $(BUILD)/tests) PYTHON=$(PYTHON) tests/tools/run_tests.sh long

# ---- installing ----

root := $(DESTDIR)$(PREFIX)
install: all
	install -d $(root)/bin $(root)/share/supermask/recipes $(root)/share/supermask/networks $(root)/share/supermask/plots $(root)/share/supermask/datasets
	install -m 755 $(PROGRAMS) $(root)/bin
	install -m 644 train/recipes/*.yaml $(root)/share/supermask/recipes
	install -m 644 train/networks/*.yaml $(root)/share/supermask/networks
	install -m 644 plots/*.gp $(root)/share/supermask/plots
	install -m 755 datasets/fetch.sh $(root)/share/supermask/datasets

uninstall:
	rm -f $(patsubst $(BUILD)/bin/%,$(root)/bin/%,$(PROGRAMS))
	rm -rf $(root)/share/supermask

format:
	clang-format -i $(shell git ls-files '*.c' '*.h')

help:
	@echo 'make                 build ./supermask-train and ./supermask-analyze'
	@echo 'make demo            install what is missing, build, train three seeds on built-in data, analyze, draw'
	@echo 'make check           install what is missing, build, run the tests (check-run: without installing)'
	@echo 'make check SAN=1     the same under AddressSanitizer and UndefinedBehaviorSanitizer (BUILD=build-san)'
	@echo 'make check-long      also the long tests: training to the published numbers, notebooks, every figure'
	@echo 'make bench           speed, as ratios to limits and rivals measured in the same run;'
	@echo '                     BENCH_NETWORKS="conv2 conv8" picks convolutional networks (tests/bench/compare_conv.py)'
	@echo 'make deps            install the packages of packages.txt that building and drawing need'
	@echo 'make install         PREFIX=/usr/local DESTDIR= ; make uninstall removes it again'
	@echo 'make clean           remove what was built'
	@echo 'Variables: CC=gcc|clang  CFLAGS  WERROR=1  SAN=1|thread  BUILD=build  V=1 (show commands)'

clean:
	rm -rf $(BUILD) supermask-train supermask-analyze

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
