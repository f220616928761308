# SPDX-License-Identifier: GPL-2.0-or-later
# The ground floor: part of build/knarr. How every object of ours is compiled stands here too.
KNARR_SRC += $(wildcard lib/*.c)

# $(call objects,sources): where the objects of sources lie
objects = $(patsubst %.c,$(B)/obj/%.o,$(1))

# The flags stand in a file that changes only when they do, so that changing them compiles everything again.
$(B)/obj/flags: FORCE
	@mkdir -p $(@D)
	@new='$(CPPFLAGS) $(CFLAGS)'; [[ -f $@ && $$(<$@) == "$$new" ]] || printf '%s\n' "$$new" >$@

.PHONY: FORCE
FORCE:

$(B)/obj/%.o: %.c $(B)/obj/flags $(CC) | $(SYSROOT_READY)
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MD -MP -c -o $@ $<
