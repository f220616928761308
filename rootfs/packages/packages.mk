# SPDX-License-Identifier: GPL-2.0-or-later
# Third-party packages: what each is and how it is built stands in its recipe, how recipes are run in the driver.
#
# $(call package,names) are the stamps to depend on; they are files, new when the package is. Everything compiled with
# $(CC) needs $(SYSROOT_READY), order-only.
PACKAGES := $(basename $(notdir $(wildcard rootfs/packages/*.recipe)))
DRIVER := rootfs/packages/driver
package = $(patsubst %,$(B)/packages/%,$(1))

DEPS_BUILD += gcc libc6-dev binutils make patch xz-utils bzip2 tar nasm gperf perl

SYSROOT_READY := $(call package,$(filter-out busybox e2fsprogs,$(PACKAGES)))

# Recipes and what they share; a change here only asks the driver, whose keys decide what is built again.
PACKAGE_INPUTS := $(wildcard rootfs/packages/*.recipe kernel-config/*.recipe) rootfs/packages/lock \
	rootfs/packages/environment $(DRIVER) $(wildcard rootfs/packages/toolchain/*) $(wildcard rootfs/busybox.config)

$(B)/packages/total: $(PACKAGE_INPUTS) | deps-build
	$(Q)$(DRIVER) plan $(PACKAGES)

$(call package,$(PACKAGES)): $(B)/packages/total $(CC)
	$(Q)$(DRIVER) build $(@F)

$(CC): rootfs/packages/toolchain/cc rootfs/packages/toolchain/musl.specs
	@mkdir -p $(@D)
	@install -m 644 rootfs/packages/toolchain/musl.specs $(@D)/
	@install -m 755 $< $@

# What a recipe needs is what its stamp needs.
$(foreach p,$(PACKAGES),$(eval $(call package,$(p)): $(call package,\
	$(shell sed -nE "s/^needs='?([^']*)'?.*/\1/p" rootfs/packages/$(p).recipe))))

.PHONY: packages
packages: $(call package,$(PACKAGES)) ## build the third-party packages

.PHONY: deps deps-build
deps: ## install the Debian packages that build, run and test need
	$(Q)rootfs/deps $(DEPS_BUILD) $(DEPS_RUN) $(DEPS_TEST) $(DEPS_LINT)

deps-build:
	@rootfs/deps $(DEPS_BUILD)
