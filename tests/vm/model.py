# SPDX-License-Identifier: GPL-2.0-or-later
"""What must be in a store while commands are killed in the middle of it: a model of its images and names, the commands
that change them, and the check of one against the other.

A command is whole or not at all: after it was killed the store is what it was, or what the command makes of it. One that
has reported its end has made it so, whatever came afterwards."""

import os
import random

import archive
import testbox

NONE = "<none>:<none>"


class State:
    def __init__(self, names=None, ids=None):
        self.names, self.ids = dict(names or {}), set(ids or ())

    def copy(self):
        return State(self.names, self.ids)

    def rows(self):
        """As machine.images() has them."""
        unnamed = self.ids - set(self.names.values())
        return sorted([*self.names.items(), *((NONE, i) for i in unnamed)])

    def add(self, id, names):
        self.ids.add(id)
        self.names.update({n: id for n in names})

    def remove(self, name):
        id = self.names.pop(name)
        if id not in self.names.values():
            self.ids.remove(id)


class Step:
    """A command, and what it makes of the state. Where the new image's ID is not known beforehand (it has the time in it),
    after is given the rows found."""

    def __init__(self, kind, command, change):
        self.kind, self.command, self._change = kind, command, change

    def after(self, state, found):
        new = state.copy()
        self._change(new, found)
        return new


def _new_id(name):
    """The ID that name has come to among the rows found."""
    def change(state, found):
        id = dict(found).get(name)
        if id:
            state.add(id, [name])
    return change


class Material:
    """Files to load and import: images that share their lowest layer, made once."""

    def __init__(self, folder, put, seed, count=4, noise=3 << 20):
        rng = random.Random(seed)
        base = archive.layer(*testbox._base())
        self.images, self.archives = [], []
        for n in range(count):
            upper = archive.layer(archive.folder("etc"), archive.entry("etc/label", data=b"%d\n" % n),
                                  archive.entry("noise", data=rng.randbytes(rng.randrange(noise))))
            self.images.append(archive.Image([base, upper], {"Cmd": ["cat", "/etc/label"], "Env": ["PATH=/bin"]}))
            names = [f"image{n}:1", f"image{n}:two", "moving:1"]
            path = archive.docker_archive(folder / f"load{n}.tar", self.images[n], names, rng.choice(["", "gzip"]))
            self.archives.append((put(path), [(self.images[n], names)]))
        # two in one archive: both come or none
        pair = [(self.images[0], ["pair0:1", "moving:1"]), (self.images[1], ["pair1:1"])]
        archive.write_tar(folder / "pair.tar", _pair_files(pair))
        self.archives.append((put(folder / "pair.tar"), pair))
        (folder / "root.tar").write_bytes(archive.layer(*testbox._base(), archive.entry("noise", data=rng.randbytes(noise))))
        self.root = put(folder / "root.tar")


def _pair_files(pair):
    import json
    files, manifest = {}, []
    for image, names in pair:
        for name, data in archive.docker_files(image, names):
            if name == "manifest.json":
                manifest += json.loads(data)
            else:
                files[name] = data
    return [*files.items(), ("manifest.json", json.dumps(manifest).encode())]


class Steps:
    """Commands at random, such as make sense in the state they are asked for. container: one whose changes are committed."""

    def __init__(self, material, rng, has, out, container="changed"):
        self.material, self.rng, self.out, self.container, self.count = material, rng, out, container, 0
        # (kind, weight); save and the like change nothing
        kinds = {"load": 6, "import": 2, "run": 2, "tag": 2, "rmi": 3, "commit": 3, "save": 2}
        self.kinds = {k: w for k, w in kinds.items() if has(k)}

    def next(self, state, kind=None):
        self.count += 1
        kind = kind or self.rng.choices(list(self.kinds), self.kinds.values())[0]
        if kind in ("rmi", "tag", "save", "run") and not self._movable(state):
            kind = "load"
        return getattr(self, "_" + kind)(state)

    @staticmethod
    def _movable(state):
        return [n for n in state.names if not n.startswith("kept")]

    def _load(self, state):
        path, images = self.rng.choice(self.material.archives)

        def change(new, found):
            for image, names in images:
                new.add("sha256:" + image.id, names)
        return Step("load", f"docker load -i {path}", change)

    def _import(self, state):
        name = f"imported{self.count}:1"
        return Step("import", f"docker import {self.material.root} {name}", _new_id(name))

    def _commit(self, state):
        name = f"committed{self.count}:1"
        return Step("commit", f"docker commit {self.container} {name}", _new_id(name))

    def _tag(self, state):
        source, target = self.rng.choice(self._movable(state)), self.rng.choice([f"tagged{self.count}:1", "moving:1"])

        def change(new, found):
            new.names[target] = new.names[source]
        return Step("tag", f"docker tag {source} {target}", change)

    def _rmi(self, state):
        """One name, or an image by its ID with all of them and its layers."""
        name = self.rng.choice(self._movable(state))
        id = state.names[name]
        names = [n for n, i in state.names.items() if i == id]
        if self.rng.random() < 0.5 or any(n.startswith("kept") for n in names):
            return Step("rmi", f"docker rmi {name}", lambda new, found: new.remove(name))
        return Step("rmi", f"docker rmi -f {id}", lambda new, found: [new.remove(n) for n in names])

    def _save(self, state):
        return Step("save", f"docker save -o {self.out}/saved.tar {self.rng.choice(self._movable(state))}", lambda new, found: None)

    def _run(self, state):
        return Step("run", "docker run --name killed kept:1 cat /etc/label", lambda new, found: None)


def kept(folder, put):
    """An image that no step touches: `kept:1`, of which the committed container is made. Its file and itself."""
    image = archive.Image([archive.layer(*testbox._base(), archive.folder("etc"),
                                         archive.entry("etc/label", data=b"kept\n"))],
                          {"Cmd": ["cat", "/etc/label"], "Env": ["PATH=/bin"]})
    return put(archive.docker_archive(folder / "kept.tar", image, ["kept:1"])), image


def check(rows, step, before, reported, says=""):
    """rows: what is there after the step, which was cut off unless reported. Returns the state it came to."""
    after = step.after(before, rows)
    if rows == after.rows():
        return after
    assert not reported, f"{step.command}: reported, and not there\n{says}\nis     {rows}\nshould {after.rows()}"
    assert rows == before.rows(), \
        f"{step.command}: half of it is there\n{says}\nis     {rows}\nwas    {before.rows()}\nwould  {after.rows()}"
    return before


def left_over(lines):
    """What fsck may say after a kill: what the next start clears away."""
    return [l for l in lines if not l.endswith("left over; the next start removes it")]


def seed():
    """A failure says which: KNARR_SEED=n repeats it as far as the clock allows."""
    return int(os.environ.get("KNARR_SEED") or random.SystemRandom().randrange(1 << 32))
