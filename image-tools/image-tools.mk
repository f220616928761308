# SPDX-License-Identifier: GPL-2.0-or-later
# The image store and all that makes, moves or reads images: part of build/knarr.
KNARR_SRC += $(wildcard image-tools/*.c image-tools/cmd/*.c)
