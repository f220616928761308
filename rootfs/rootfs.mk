# SPDX-License-Identifier: GPL-2.0-or-later
# What the appliance's root holds (initramfs.list says it all), and the machine to try it in.
DEPS_BUILD += cpio
DEPS_RUN += qemu-system-x86

INITRAMFS_FILES := rootfs/initramfs.list $(wildcard rootfs/skeleton/etc/*)

# /sbin/init and what e2fsprogs brings are not BusyBox's.
$(B)/initramfs.cpio: $(INITRAMFS_FILES) $(B)/init $(B)/knarr $(B)/busybox.tar \
		$(call package,busybox e2fsprogs linux-headers)
	$(call say,CPIO,$@)
	@{ grep -v '^#' rootfs/initramfs.list; sed 's|.*|slink & /bin/busybox 0777 0 0|' $(B)/sysroot/share/busybox.links; } \
		>$(B)/initramfs.list
	$(Q)$(B)/sysroot/share/gen_init_cpio -t 0 $(B)/initramfs.list >$@

$(B)/busybox.tar: rootfs/busybox-image $(call package,busybox)
	$(call say,IMAGE,$@)
	$(Q)rootfs/busybox-image $(B)/sysroot/bin/busybox $(B)/sysroot/share/busybox.links "$$(<$(B)/sysroot/share/busybox.date)" $@

# CMD, SHARE and the others reach the runner through the environment.
export CMD SHARE DISK MEM CPUS APPEND
.PHONY: run deps-run
run: $(B)/knarr.efi | deps-run ## boot the appliance in QEMU: a console, or CMD='...' and out again
	@rootfs/run-qemu

deps-run: | deps-build
	@rootfs/deps $(DEPS_RUN)
