# SPDX-License-Identifier: GPL-2.0-or-later
"""What a file tree is, and how two of them differ: names, types, modes, owners, sizes, times to the nanosecond, link
targets, which names are one file, devices, extended attributes, contents. As a program: tree.py DIR DIR."""

import hashlib
import os
import stat
import sys

# What the kernel keeps for itself on an overlay's layers, and shows only to those who look at them directly.
PRIVATE = "trusted.overlay."


def _attributes(path):
    return {name: os.getxattr(path, name, follow_symlinks=False)
            for name in os.listxattr(path, follow_symlinks=False) if not name.startswith(PRIVATE)}


def _content(path, info, known):
    """Names of one file are read once."""
    key = (info.st_dev, info.st_ino)
    if key not in known:
        known[key] = _digest(path)
    return known[key]


def _digest(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def _describe(path, info, known):
    kind = stat.S_IFMT(info.st_mode)
    said = {"type": kind, "mode": oct(stat.S_IMODE(info.st_mode)), "owner": (info.st_uid, info.st_gid),
            "mtime": info.st_mtime_ns, "attributes": _attributes(path)}
    if kind == stat.S_IFREG:
        said["size"] = info.st_size
        said["content"] = _content(path, info, known)
    elif kind == stat.S_IFLNK:
        said["target"] = os.readlink(path)
    elif kind in (stat.S_IFCHR, stat.S_IFBLK):
        said["device"] = (os.major(info.st_rdev), os.minor(info.st_rdev))
    return said


def read(root, without=()):
    """name -> what it is, of all below root (b"" is root itself); names in without, and all below them, are left out. All
    names are bytes."""
    root = os.fsencode(root)
    found, groups, known = {}, {}, {}
    pending = [b""]
    while pending:
        name = pending.pop()
        path = os.path.join(root, name) if name else root
        info = os.lstat(path)
        found[name] = _describe(path, info, known)
        if stat.S_ISDIR(info.st_mode):
            children = [os.path.join(name, child) for child in os.listdir(path)]
            pending += [child for child in children if child not in without]
        else:
            groups.setdefault((info.st_dev, info.st_ino), []).append(name)
    for names in groups.values():
        for name in names:
            found[name]["links"] = sorted(names)
    return found


def differences(left, right, apart_from=(), limit=20):
    """Lines, none where both are the same. apart_from: (name, attribute) of what may differ."""
    lines = [f"only in the first: {name!r}" for name in sorted(left.keys() - right.keys())]
    lines += [f"only in the second: {name!r}" for name in sorted(right.keys() - left.keys())]
    for name in sorted(left.keys() & right.keys()):
        lines += [f"{name!r}: {what}: {left[name].get(what)!r}, {right[name].get(what)!r}"
                  for what in sorted(left[name].keys() | right[name].keys())
                  if left[name].get(what) != right[name].get(what) and (name, what) not in apart_from]
    return lines if len(lines) <= limit else [*lines[:limit], f"... {len(lines)} differences"]


if __name__ == "__main__":
    found = differences(read(sys.argv[1]), read(sys.argv[2]))
    print("\n".join(found))
    sys.exit(1 if found else 0)
