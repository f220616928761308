# SPDX-License-Identifier: GPL-2.0-or-later
# Unit tests under sanitizers, the appliance over its serial console, fuzzers, benches, and the tools that read our code.
DEPS_TEST += libcmocka-dev libarchive-dev libisal-dev libseccomp-dev libbearssl-dev zlib1g-dev libzstd-dev liblzma-dev libbz2-dev \
	python3-pytest python3-pytest-timeout python3-pexpect debootstrap e2fsprogs busybox-static \
	zstd skopeo dosfstools fdisk strace time docker.io podman umoci
DEPS_FUZZ := clang libclang-rt-dev
DEPS_LINT += clang-format clang-tidy cppcheck shellcheck

# ---- Unit tests: every tests/unit/test_NAME.c is a program of its own, built with the machine's gcc and libc. The rooms'
# sources become two archives, of which each program links what it calls; init's is apart, as init is.

# T=NAME chooses: a unit test, a file below tests/vm/, or else the VM tests whose names hold it.
UNIT_SRC := $(wildcard tests/unit/test_*.c)
T_UNIT := $(wildcard tests/unit/test_$(T:test_%=%).c)
T_VM := $(wildcard tests/vm/test_$(T:test_%=%).py)

HOST_CC := gcc
HOST_CFLAGS := -std=gnu17 -O1 -g $(WARNINGS) -fno-omit-frame-pointer
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all
HOST_CPPFLAGS := $(CPPFLAGS) -isystem $(B)/sysroot/host/include
HOST_LIBS := -L$(B)/sysroot/host/lib -lcmocka -larchive -lseccomp -lisal -lbearssl -lyyjson -lzstd -llzma -lbz2 -lz -lm

UNIT := $(B)/test/unit
unit_objects = $(patsubst %.c,$(UNIT)/obj/%.o,$(1))
UNIT_OBJ := $(call unit_objects,$(filter-out runtime/main.c,$(KNARR_SRC)))
UNIT_INIT_OBJ := $(call unit_objects,$(filter-out init/main.c,$(INIT_SRC)))
UNIT_PROGRAMS := $(patsubst tests/unit/%.c,$(UNIT)/%,$(UNIT_SRC))
-include $(UNIT_OBJ:.o=.d) $(UNIT_INIT_OBJ:.o=.d) $(UNIT_PROGRAMS:=.d)

$(UNIT)/obj/%.o: %.c | deps-test $(B)/packages/yyjson
	$(call say,CC test,$<)
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(HOST_CPPFLAGS) $(HOST_CFLAGS) $(SANITIZE) -MD -MP -c -o $@ $<

$(UNIT)/obj/runtime/spec/seccomp.o: $(B)/gen/seccomp_default.h

$(UNIT)/knarr.a: $(UNIT_OBJ)
$(UNIT)/init.a: $(UNIT_INIT_OBJ)
$(UNIT)/knarr.a $(UNIT)/init.a:
	@rm -f $@
	$(Q)ar rcs $@ $^

$(UNIT)/test_%: tests/unit/test_%.c $(UNIT)/knarr.a $(UNIT)/init.a $(call package,yyjson) | deps-test
	$(call say,LINK,$@)
	$(Q)$(HOST_CC) $(HOST_CPPFLAGS) $(HOST_CFLAGS) $(SANITIZE) -MD -MP -MF $@.d -o $@ $< \
		$(if $(filter test_init_%,$(@F)),$(UNIT)/init.a,$(UNIT)/knarr.a) $(HOST_LIBS)

.PHONY: test test-unit test-vm deps-test
test: test-unit test-vm ## run all tests, or T=name: a unit test, a file of tests/vm, or what pytest -k finds
	@tests/total $(B)/test

# Both note what failed and go on, so that one run tells all.
test-unit: $(if $(T),$(patsubst tests/unit/%.c,$(UNIT)/%,$(T_UNIT)),$(UNIT_PROGRAMS))
	@tests/unit/run $(B)/test $^

ifneq ($(T_UNIT),)
test-vm:
	@rm -f $(B)/test/vm.xml
else
test-vm: $(B)/knarr $(B)/knarr.efi | test-unit deps-test deps-run
	@mkdir -p $(B)/test
	@rm -f $(B)/test/vm.xml
	@env -u MAKEFLAGS -u MAKELEVEL PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 -m pytest \
		-c tests/vm/pytest.ini --rootdir tests/vm --junitxml $(B)/test/vm.xml \
		$(if $(T),$(if $(T_VM),$(T_VM),tests/vm -k '$(T)'),tests/vm) || echo "exit $$?" >$(B)/test/vm.failed
endif

# What takes too long for every day: commands killed at random, the power cut at random, QEMU killed. make test does a few.
N ?= 200
.PHONY: torture
torture: $(B)/knarr $(B)/knarr.efi | deps-test deps-run ## kill N (200) commands at random moments, cut the power as often
	@env -u MAKEFLAGS -u MAKELEVEL PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 -m pytest -c tests/vm/pytest.ini \
		--rootdir tests/vm --timeout 0 -s --kills $(N) --power-cuts $(N) --qemu-kills $$(( ($(N) + 9) / 10 )) \
		tests/vm/test_kills.py tests/vm/test_power_cuts.py

deps-test: | deps-build
	@rootfs/deps $(DEPS_TEST)

# ---- Fuzzers: every tests/fuzz/fuzz_NAME.c, with the seeds in tests/fuzz/corpus/NAME/

FUZZ_SRC := $(wildcard tests/fuzz/fuzz_*.c)
FUZZ := $(B)/fuzz
FUZZ_SECONDS ?= 60
FUZZ_FLAGS := -std=gnu17 -O1 -g -Wno-gnu -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all
FUZZ_OBJ := $(patsubst %.c,$(FUZZ)/obj/%.o,$(filter-out runtime/main.c,$(KNARR_SRC)))
FUZZ_INIT_OBJ := $(patsubst %.c,$(FUZZ)/obj/%.o,$(filter-out init/main.c,$(INIT_SRC)))
FUZZ_PROGRAMS := $(patsubst tests/fuzz/%.c,$(FUZZ)/%,$(FUZZ_SRC))
-include $(FUZZ_OBJ:.o=.d) $(FUZZ_INIT_OBJ:.o=.d) $(FUZZ_PROGRAMS:=.d)

$(FUZZ)/obj/%.o: %.c | deps-fuzz $(B)/packages/yyjson
	$(call say,CC fuzz,$<)
	@mkdir -p $(@D)
	$(Q)clang $(HOST_CPPFLAGS) $(FUZZ_FLAGS) -MD -MP -c -o $@ $<

$(FUZZ)/obj/runtime/spec/seccomp.o: $(B)/gen/seccomp_default.h

$(FUZZ)/knarr.a: $(FUZZ_OBJ)
$(FUZZ)/init.a: $(FUZZ_INIT_OBJ)
$(FUZZ)/knarr.a $(FUZZ)/init.a:
	@rm -f $@
	$(Q)ar rcs $@ $^

$(FUZZ)/fuzz_%: tests/fuzz/fuzz_%.c $(FUZZ)/knarr.a $(FUZZ)/init.a $(call package,yyjson) | deps-fuzz
	$(call say,LINK,$@)
	$(Q)clang $(HOST_CPPFLAGS) $(FUZZ_FLAGS) -fsanitize=fuzzer -MD -MP -MF $@.d -o $@ $< \
		$(if $(filter fuzz_init%,$(@F)),$(FUZZ)/init.a,$(FUZZ)/knarr.a) $(HOST_LIBS)

.PHONY: fuzz deps-fuzz
fuzz: $(FUZZ_PROGRAMS) ## run every fuzzer for FUZZ_SECONDS (60)
	@for f in $^; do \
		name=$${f##*/fuzz_}; \
		mkdir -p $(FUZZ)/corpus/$$name $(FUZZ)/found; \
		printf '  FUZZ     %s\n' "$$name"; \
		$$f -max_total_time=$(FUZZ_SECONDS) -artifact_prefix=$(FUZZ)/found/$$name- -print_final_stats=1 \
			$(FUZZ)/corpus/$$name $$(ls -d tests/fuzz/corpus/$$name 2>/dev/null) >$(B)/log/fuzz-$$name.log 2>&1 || { \
			tail -n 30 $(B)/log/fuzz-$$name.log; exit 1; }; \
		grep -E 'number_of_executed_units|new_units_added' $(B)/log/fuzz-$$name.log; \
	done

deps-fuzz: | deps-test
	@rootfs/deps $(DEPS_FUZZ)

# ---- Benches print ratios; none asserts a time.

.PHONY: bench
bench: $(B)/knarr $(B)/knarr.efi | deps-test deps-run ## measure against the peers on this machine
	@for b in $(sort $(wildcard tests/bench/bench_*)); do printf '\n== %s\n\n' "$${b##*/}"; "$$b"; done

# ---- Reading our code

ALL_C := $(KNARR_SRC) $(INIT_SRC) $(UNIT_SRC) $(FUZZ_SRC) $(wildcard tests/bench/*.c) runtime/spec/seccomp_compile.c
ALL_H := $(wildcard $(addsuffix *.h,$(sort $(dir $(ALL_C)))))
SCRIPTS := .ci/run rootfs/deps rootfs/run-qemu rootfs/busybox-image $(DRIVER) tests/unit/run \
	$(wildcard kernel-config/merge kernel-config/kit kernel-config/pack kernel-config/progress)
RECIPES := $(wildcard rootfs/packages/*.recipe kernel-config/*.recipe)

# As clang would be called, against the appliance's libc; clangd looks into build/ by itself.
$(B)/compile_commands.json: $(ALL_C) Makefile $(wildcard */*.mk)
	@mkdir -p $(@D)
	@{ echo '['; sep=; for f in $(KNARR_SRC) $(INIT_SRC) runtime/spec/seccomp_compile.c; do \
		printf '%s{"directory":"%s","file":"%s","command":"clang --target=x86_64-linux-musl -nostdlibinc -isystem %s %s -c %s"}' \
			"$$sep" '$(CURDIR)' "$$f" '$(B)/sysroot/include' '$(CPPFLAGS) $(filter-out -Wstrict-prototypes,$(CFLAGS))' "$$f"; \
		sep=$$',\n'; done; \
	for f in $(UNIT_SRC) $(FUZZ_SRC) $(wildcard tests/bench/*.c); do \
		printf '%s{"directory":"%s","file":"%s","command":"clang %s -c %s"}' \
			"$$sep" '$(CURDIR)' "$$f" '$(HOST_CPPFLAGS) $(HOST_CFLAGS)' "$$f"; \
	done; echo; echo ']'; } >$@

.PHONY: lint fmt deps-lint arrows
lint: $(B)/compile_commands.json $(B)/gen/seccomp_default.h | deps-lint arrows $(SYSROOT_READY) ## clang-tidy, cppcheck, shellcheck, and which room may include which
	$(call say,LINT,shell scripts)
	$(Q)shellcheck -x -e SC2119,SC2120 $(SCRIPTS)
	$(Q)shellcheck -s bash -e SC2034,SC2154 rootfs/packages/environment $(RECIPES)
	$(call say,LINT,cppcheck)
	$(Q)cppcheck --quiet --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
		--suppress=missingIncludeSystem --suppress=internalAstError \
		--suppress=arrayIndexOutOfBounds:runtime/container/names.c -I. -D__x86_64__ -D_GNU_SOURCE --std=c11 $(KNARR_SRC) $(INIT_SRC)
	$(call say,LINT,clang-tidy)
	$(Q)printf '%s\n' $(KNARR_SRC) $(INIT_SRC) | xargs -P $(JOBS) -n 4 clang-tidy --quiet -p $(B) --warnings-as-errors='*' \
		2> >(grep -v 'warnings generated' >&2)

# The rooms' order: runtime -> image-tools -> lib, and init by itself; within runtime/ as its README has it.
arrows:
	@! grep -nE '^#include "(image-tools|runtime|init)/' lib/*.c lib/*.h || { echo 'lib/ must include nobody'; exit 1; }
	@! grep -nE '^#include "(runtime|init)/' image-tools/*.[ch] image-tools/cmd/*.[ch] || \
		{ echo 'image-tools/ must not include runtime/ or init/'; exit 1; }
	@above='cmd|oci'; for room in monitor engine container sandbox cgroup spec; do \
		! grep -nE "^#include \"runtime/($$above)/" runtime/$$room/*.[ch] || \
			{ echo "runtime/$$room/ must not include what stands on it"; exit 1; }; above="$$above|$$room"; \
	done
	@! grep -rnE --include=*.[ch] '^#include "init/' runtime || { echo 'runtime/ must not include init/'; exit 1; }
	@! grep -nE '^#include "(lib|image-tools|runtime)/' init/*.[ch] || { echo 'init/ must include nobody'; exit 1; }

fmt: | deps-lint ## lay the C out as .clang-format says
	$(Q)clang-format -i $(ALL_C) $(ALL_H)

deps-lint:
	@rootfs/deps $(DEPS_LINT)
