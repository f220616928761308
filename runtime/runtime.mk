# SPDX-License-Identifier: GPL-2.0-or-later
# Containers and the `knarr` command itself: part of build/knarr, which is linked here because main() is here.
KNARR_SRC += $(filter-out runtime/spec/seccomp_compile.c,$(wildcard runtime/*.c runtime/*/*.c))

# The default seccomp filter is compiled here and now, by a program of the build machine (static, so any will run it).
$(B)/obj/seccomp_compile: runtime/spec/seccomp_compile.c runtime/spec/seccomp_emit.c runtime/spec/seccomp_emit.h $(call package,libseccomp)
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -o $@ $(filter %.c,$^) -lseccomp

$(B)/gen/seccomp_default.h: $(B)/obj/seccomp_compile runtime/spec/seccomp-default.txt
	$(call say,GEN,$@)
	@mkdir -p $(@D)
	$(Q)$< runtime/spec/seccomp-default.txt >$@

$(B)/obj/runtime/spec/seccomp.o: $(B)/gen/seccomp_default.h

# What build/knarr stands on, users before what they use.
KNARR_PACKAGES := libarchive libseccomp isal bearssl yyjson zstd xz bzip2 zlib
KNARR_LIBS := -larchive -lseccomp -lisal -lbearssl -lyyjson -lzstd -llzma -lbz2 -lz

KNARR_OBJ := $(call objects,$(KNARR_SRC))
-include $(KNARR_OBJ:.o=.d)

# The program as linked, with its symbols, stays beside the objects for debuggers; what is used is stripped.
$(B)/obj/knarr: $(KNARR_OBJ) $(call package,$(KNARR_PACKAGES))
	$(call say,LINK,$(B)/knarr)
	$(Q)$(CC) $(CFLAGS) -o $@ $(KNARR_OBJ) $(KNARR_LIBS)

# Beside it, its name as an OCI runtime.
$(B)/knarr: $(B)/obj/knarr
	$(Q)strip -o $@ $<
	$(Q)ln -sfn knarr $(B)/knarr-oci
