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
.PHONY: run run-console run-command deps-run
run: $(if $(CMD),run-command,run-console) ## boot the appliance in QEMU: a console, or CMD='...' and out again
	$(if $(CMD),$(exit-with $(RUN_STATUS))@exit 1)

run-console: $(B)/knarr.efi | deps-run
	@rootfs/run-qemu

run-command: $(B)/knarr.efi | deps-run
	@mkdir -p $(B)/run
	@status=0; rootfs/run-qemu || status=$$?; echo $$status >$(RUN_STATUS)

# make itself then ends with the command's status (exit-status.c says how).
ifneq ($(and $(CMD),$(filter run,$(MAKECMDGOALS))),)
RUN_STATUS := $(B)/run/status.$(shell echo $$PPID)
-load $(B)/exit_status.so
endif

$(B)/exit_status.so: rootfs/exit-status.c | deps-build
	@mkdir -p $(@D)
	@gcc -shared -fPIC -O1 -o $@ $<

deps-run: | deps-build
	@rootfs/deps $(DEPS_RUN)
