# SPDX-License-Identifier: GPL-2.0-or-later
# Knarr is built by this one Makefile and a fragment per room; it never calls itself. Everything it makes lies under
# build/; what is worth keeping between clones (third-party packages, the kernel, sources) lies in $(CACHE).
#
#   build/toolchain/cc   the compiler for all that goes into the appliance: musl, static-pie, hardened
#   build/sysroot/       headers and static libraries (rootfs/packages/)
#   build/obj/           our objects, by the path of their source
#   build/log/           one log a step
#   build/knarr build/init build/initramfs.cpio build/knarr.efi
#
# V=1 shows the commands; JOBS=n bounds how much runs at once.

B := build
CACHE := $(or $(KNARR_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/knarr)
export KNARR_CACHE := $(CACHE)

JOBS ?= $(shell nproc)
ifeq ($(filter -j%,$(MAKEFLAGS))$(filter j%,$(firstword $(MAKEFLAGS))),)
MAKEFLAGS += -j$(JOBS)
endif
MAKEFLAGS += --no-builtin-rules --no-builtin-variables
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.SUFFIXES:

Q := $(if $(V),,@)
# $(call say,VERB,object): the line that stands for a command
say = @printf '  %-8s %s\n' '$(1)' '$(2)'

.DEFAULT_GOAL := all
.PHONY: all help clean

# What every source of ours is compiled with; a room adds its own in its fragment.
CC := $(B)/toolchain/cc
CPPFLAGS := -I. -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64
WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
	-Wwrite-strings -Wvla -Werror=implicit -Werror=incompatible-pointer-types -Werror=int-conversion
CFLAGS := -std=gnu17 -O2 -g $(WARNINGS)

# The Debian packages a step needs, collected by the fragments; `make deps` installs what is missing.
DEPS_BUILD :=
DEPS_RUN :=
DEPS_TEST :=
DEPS_LINT :=

# Sources, and so compile_commands.json, fmt and lint: every room adds its own.
KNARR_SRC :=
INIT_SRC :=

include rootfs/packages/packages.mk
include lib/lib.mk
include image-tools/image-tools.mk
include runtime/runtime.mk
include init/init.mk
include $(wildcard kernel-config/kernel.mk)
include rootfs/rootfs.mk
include tests/tests.mk

all: $(B)/knarr.efi $(B)/knarr ## build the appliance, build/knarr.efi, and the program, build/knarr

help: ## list the targets
	@printf 'Knarr, a minimal bootable container host. make TARGET [VARIABLE=value]\n\n'
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 14
	@printf '\nVariables: V=1 (show commands), JOBS=n; for run: CMD=, SHARE=dir, MEM=, CPUS=; for test: T=name\n'
	@printf 'Cache of sources and third-party builds: %s\n' '$(CACHE)'

clean: ## remove build/ (the cache outside the tree stays)
	rm -rf $(B) compile_commands.json
