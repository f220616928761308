# SPDX-License-Identifier: GPL-2.0-or-later
"""What a disk would hold if the power had gone at some moment: QEMU's blklogwrites driver writes down everything that the
guest sends to its disk, in the kernel's dm-log-writes format (drivers/md/dm-log-writes.c), and this plays it back.

A disk with a write cache owes the guest only what was sent before the last flush it has acknowledged, and what was sent
with FUA. Of what came later a cut leaves anything: Log.image() takes all of it, none, or some at random."""

import os
import struct

SECTOR = 512
FLUSH, FUA, DISCARD, MARK = 1, 2, 4, 8
MAGIC = 0x6A736677736872


def qemu_words(disk, log):
    """Arguments for QEMU: disk as the first virtio disk, logged to the empty file log."""
    return ["-blockdev", f"driver=file,filename={disk},node-name=disk0,discard=unmap",
            "-blockdev", f"driver=file,filename={log},node-name=log0",
            "-blockdev", "driver=blklogwrites,node-name=logged0,file=disk0,log=log0,log-sector-size=512",
            "-device", "virtio-blk-pci,drive=logged0,write-cache=on"]


class Log:
    """Entries (offset in the log, sector, sectors, flags, where the data is) in the order they came."""

    def __init__(self, path):
        self.file = open(path, "rb")
        size = os.fstat(self.file.fileno()).st_size
        magic, _, _, sector = struct.unpack("<QQQI", os.pread(self.file.fileno(), 28, 0))
        assert magic == MAGIC and sector == SECTOR, "no log of writes"
        self.entries, at = [], SECTOR
        while at + SECTOR <= size:
            start, count, flags, length = struct.unpack("<QQQQ", os.pread(self.file.fileno(), 32, at))
            data = at + SECTOR
            if not (start or count or flags):
                break
            self.entries.append((at, start, count, flags, data))
            at = data + (0 if flags & DISCARD else count * SECTOR)
        self.done = 0  # entries that base has

    def close(self):
        self.file.close()

    def image(self, base, cut, out, keep):
        """Writes to out what the disk holds when the power goes before entry number cut. base is the disk as it was
        before, and is brought forward: cuts must come in order. keep(): whether a write that was not flushed is on it."""
        flushed = max((n for n in range(self.done, cut) if self.entries[n][3] & FLUSH), default=self.done - 1) + 1
        with open(base, "r+b") as file:
            for n in range(self.done, flushed):
                self._apply(file, self.entries[n])
        self.done = max(self.done, flushed)
        copy_sparse(base, out)
        with open(out, "r+b") as file:
            for n in range(flushed, cut):
                if self.entries[n][3] & FUA or keep():
                    self._apply(file, self.entries[n])
        return cut - flushed

    def _apply(self, file, entry):
        _, start, count, flags, data = entry
        if flags & DISCARD:
            # as a disk that returns zeros; one that returns what was there is as good
            file.seek(start * SECTOR)
            left = count * SECTOR
            while left:
                n = min(left, 1 << 20)
                file.write(bytes(n))
                left -= n
        elif count:
            file.seek(start * SECTOR)
            file.write(os.pread(self.file.fileno(), count * SECTOR, data))


def copy_sparse(source, target):
    with open(source, "rb") as a, open(target, "wb") as b:
        size = os.fstat(a.fileno()).st_size
        b.truncate(size)
        at = 0
        while at < size:
            try:
                at = os.lseek(a.fileno(), at, os.SEEK_DATA)
            except OSError:
                break
            end = os.lseek(a.fileno(), at, os.SEEK_HOLE)
            while at < end:
                n = os.copy_file_range(a.fileno(), b.fileno(), min(end - at, 1 << 24), at, at)
                if not n:
                    return
                at += n
