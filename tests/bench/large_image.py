# SPDX-License-Identifier: GPL-2.0-or-later
"""The image that benches of whole images use: a Debian made with debootstrap, filled up to some 233 MB by a second layer of more
of its files."""

import io
import itertools
import random
import tarfile

import archive
import debian

SIZE = 233_000_000


def _more_layer(base, size):
    """A layer of size bytes that inflates as program files do: copies of the base's files under other names, each a
    little changed. The same base gives the same bytes."""
    out, salt = io.BytesIO(), random.Random(1)
    with tarfile.open(base) as tar, tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as more:
        members = [info for info in tar if info.isreg() and info.size or info.isdir() and info.name != "."]
        for i in itertools.count():
            for info in members:
                if out.tell() >= size:
                    break
                copy = tarfile.TarInfo(f"more-{i}/{info.name}")
                copy.type, copy.mode, copy.mtime, copy.size = info.type, info.mode, info.mtime, info.size
                if info.isdir():
                    more.addfile(copy)
                    continue
                data = bytearray(tar.extractfile(info).read())
                for _ in range(1 + len(data) // 4096):
                    data[salt.randrange(len(data))] ^= 0xff
                more.addfile(copy, io.BytesIO(data))
            else:
                continue
            break
    return out.getvalue()


def image():
    base = debian.rootfs_tar()
    layers = [base.read_bytes()]
    if len(layers[0]) < SIZE:
        layers.append(_more_layer(base, SIZE - len(layers[0])))
    return archive.Image(layers, debian.CONFIG, created=debian.CREATED)
