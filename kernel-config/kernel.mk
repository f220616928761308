# SPDX-License-Identifier: GPL-2.0-or-later
# The kernel, and the appliance: kernel and initramfs in one bootable file. README.md beside this says how.
DEPS_BUILD += flex bison bc libelf-dev lz4
DEPS_RUN += qemu-system-x86
# EFI firmware for QEMU
DEPS_TEST += ovmf

# The kernel is one more package to fetch, build and cache; its recipe lies here.
PACKAGES += linux
KERNEL_INPUTS := $(wildcard kernel-config/*.config) kernel-config/linux.recipe kernel-config/merge kernel-config/kit
KERNEL_KIT := $(B)/sysroot/kernel

$(B)/packages/total: $(KERNEL_INPUTS)

$(B)/packages/linux: $(B)/packages/total
	+$(Q)kernel-config/progress $(B)/log/linux.log $(DRIVER) build $(@F)

.PHONY: kernel
kernel: $(B)/kernel/bzImage ## build the kernel alone, build/kernel/bzImage, without an initramfs

$(B)/kernel/bzImage: $(B)/packages/linux
	@mkdir -p $(@D)
	@cp $(KERNEL_KIT)/arch/x86/boot/bzImage $(KERNEL_KIT)/.config $(KERNEL_KIT)/System.map $(@D)/

$(B)/knarr.efi: $(B)/initramfs.cpio $(B)/packages/linux kernel-config/pack
	$(call say,PACK,$@)
	$(Q)kernel-config/pack $(KERNEL_KIT) $< $@
