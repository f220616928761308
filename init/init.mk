# SPDX-License-Identifier: GPL-2.0-or-later
# PID 1, a binary of its own that uses no other room's code.
INIT_SRC += $(wildcard init/*.c)
INIT_OBJ := $(call objects,$(INIT_SRC))
-include $(INIT_OBJ:.o=.d)

$(B)/obj/init.bin: $(INIT_OBJ)
	$(call say,LINK,$(B)/init)
	$(Q)$(CC) $(CFLAGS) -o $@ $(INIT_OBJ)

$(B)/init: $(B)/obj/init.bin
	$(Q)strip -o $@ $<
