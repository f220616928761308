# SPDX-License-Identifier: GPL-2.0-or-later
"""What a container sees of its image's layers: entries of every kind, layers that depend on those below them, many layers,
and how layers are mounted and unmounted."""

import io
import re
import tarfile

import pytest

import archive
import testbox


def load(machine, tmp_path, name, *layers, config=None):
    """Loads an image of these layers over a BusyBox one and gives its name."""
    image = archive.Image([archive.layer(*testbox._base()), *layers], config or {"Env": ["PATH=/bin"], "Cmd": ["sh"]})
    path = archive.docker_archive(tmp_path / f"{name}.tar", image, [f"{name}:1"])
    machine.ok("docker load -q -i " + machine.link(path))
    return f"{name}:1", image


def see(machine, image, script):
    return machine.ok(f"docker run --rm {image} sh -c '{script}'")


def mounted(machine):
    """How often each layer is mounted, by the folder's name."""
    lines = machine.ok("cat /proc/self/mountinfo").splitlines()
    names = [l.split()[4].rsplit("/", 1)[1] for l in lines if machine._is_ours(l) and "/layers/" in l.split()[4]]
    return {name: names.count(name) for name in names}


KINDS = """
stat -c "%n %F %a %u:%g %Y" set-id sticky null block pipe "$(printf "b\\\\377d")"
stat -c "%n %t,%T" null block
readlink absolute; readlink relative; cat absolute relative twice
stat -c "%h" one two; cat two
wc -c < sparse; head -c 4100 sparse | tail -c 5; tail -c 1 sparse | od -An -c
cat $(echo long/*/*)
"""


def kinds():
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as tar:
        def add(name, kind=tarfile.REGTYPE, data=b"", **more):
            info, data = archive.entry(name, kind, data, **more)
            tar.addfile(info, io.BytesIO(data))

        add("set-id", mode=0o6755, uid=1234567890, gid=4000000000)
        add("sticky", tarfile.DIRTYPE, mode=0o1777)
        add("null", tarfile.CHRTYPE, dev=(1, 3))
        add("block", tarfile.BLKTYPE, dev=(259, 300))
        add("pipe", tarfile.FIFOTYPE)
        add("b\udcffd", data=b"name\n")
        add("absolute", tarfile.SYMTYPE, link="/one")
        add("relative", tarfile.SYMTYPE, link="./one")
        add("one", data=b"1\n")
        add("two", tarfile.LNKTYPE, link="one")
        add("twice", data=b"first\n")
        add("twice", data=b"second\n")
        add("sparse", data=b"data!" + b"x", pax={"GNU.sparse.map": "4095,5,1048575,1", "GNU.sparse.size": "1048576"})
        add("long/" + "d" * 200 + "/" + "f" * 250, data=b"long\n")
    return raw.getvalue()


def test_entries_of_every_kind(clean, tmp_path):
    name, _ = load(clean, tmp_path, "kinds", kinds())
    out = see(clean, name, KINDS.replace("\n", "; ").strip("; "))
    clean.ok(f"docker rmi {name}")
    assert out.replace("\ufffd", "?").splitlines() == [
        "set-id regular empty file 6755 1234567890:4000000000 1704067200",
        "sticky directory 1777 0:0 1704067200",
        "null character special file 644 0:0 1704067200",
        "block block special file 644 0:0 1704067200",
        "pipe fifo 644 0:0 1704067200",
        "b?d regular file 644 0:0 1704067200",
        "null 1,3", "block 103,12c",
        "/one", "./one", "1", "1", "second",
        "2", "2", "1",
        "1048576", "data!   x",
        "long",
    ]


def test_parents_and_links_of_lower_layers(clean, tmp_path):
    """As containerd applies layers: onto those below."""
    lower = archive.layer(archive.folder("private", mode=0o1700, uid=12, gid=34), archive.entry("private/old", data=b"old\n"),
                          archive.folder("usr/real", mode=0o711), archive.symlink("short", "usr/real"))
    upper = archive.layer(archive.entry("private/new", data=b"new\n"), archive.entry("short/file", data=b"through\n"),
                          archive.entry("linked", tarfile.LNKTYPE, link="private/old"), archive.entry("private/.wh.old"))
    name, image = load(clean, tmp_path, "context", lower, upper)
    chains = f"{clean.store}/layers/sha256/{image.diffids[2][7:]}.chains"
    out = see(clean, name, 'stat -c "%a %u:%g" private usr/real; stat -c %F short; ls private; cat private/new usr/real/file linked')
    assert out.splitlines() == ["1700 12:34", "711 0:0", "symbolic link", "new", "new", "through", "old"]
    # a store that has lost the index makes it again
    before = clean.ok(f"ls {chains}")
    assert len(before.split()) == 1
    clean.ok(f"docker shutdown; rm -r {chains}")
    assert see(clean, name, "cat linked") == "old\n"
    assert clean.ok(f"ls {chains}") == before
    clean.ok(f"docker rmi {name}")
    assert clean.run(f"ls -d {chains}").status != 0


def test_a_link_to_nowhere_is_refused(clean, tmp_path):
    image = archive.Image([archive.layer(*testbox._base()),
                           archive.layer(archive.entry("linked", tarfile.LNKTYPE, link="etc/nothing"))])
    path = archive.docker_archive(tmp_path / "nowhere.tar", image, ["nowhere:1"])
    result = clean.split("docker load -q -i " + clean.link(path))
    assert result.status == 1 and result.out == "" and len(result.err.splitlines()) == 1
    assert '"linked"' in result.err and '"etc/nothing"' in result.err


@pytest.mark.parametrize("count", [1, 127, 200, 499])
def test_many_layers(clean, tmp_path, count):
    """Of each layer something is seen, and the uppermost wins."""
    if count > 127 and clean.name == "appliance":
        pytest.skip("emulated, it takes its time, and shows nothing that the host does not")
    layers = [archive.layer(archive.folder("layers"), archive.entry(f"layers/{i}"), archive.entry("top", data=b"%d\n" % i))
              for i in range(2, count + 1)]
    name, _ = load(clean, tmp_path, f"many-{count}", *layers)
    out = see(clean, name, "ls layers 2>/dev/null | wc -l; cat top 2>/dev/null; echo x > layers-are-writable; true")
    clean.ok(f"docker rmi {name}")
    assert out.split() == ([str(count - 1), str(count)] if count > 1 else ["0"])


@pytest.mark.host_is_enough
def test_more_layers_than_overlayfs_takes(clean, tmp_path):
    layers = [archive.layer(archive.entry(f"f{i}")) for i in range(499)]
    path = archive.docker_archive(tmp_path / "too-many.tar",
                                  archive.Image([archive.layer(*testbox._base()), *layers]), ["too-many:1"])
    result = clean.split("docker load -q -i " + clean.link(path))
    assert result.status == 1 and result.out == ""
    assert "500 layers" in result.err and "499" in result.err


def test_no_layers(clean, tmp_path):
    path = archive.docker_archive(tmp_path / "no-layers.tar", archive.Image([], {"Cmd": ["/nothing"]}), ["none:1"])
    clean.ok("docker load -q -i " + clean.link(path))
    result = clean.run("docker run --rm none:1")
    clean.ok("docker rmi none:1")
    assert result.status == 127 and "/nothing" in result.out


def test_layers_are_mounted_once_and_shared(clean):
    """By two containers, until a while after the last has gone."""
    clean.ok("docker shutdown")
    assert not mounted(clean)
    first = clean.ok("docker run -d --entrypoint sleep testbox 1000").strip()
    second = clean.ok("docker run -d --entrypoint sleep testbox 1000").strip()
    assert sorted(mounted(clean).values()) == [1, 1]
    clean.ok(f"docker rm -f {first}")
    # however long ago they were first used
    run_dir = clean.ok("cat /proc/self/mountinfo | grep -o ' /run/knarr[^ ]*/layers' | sort -u").split()
    clean.ok("for d in " + " ".join(run_dir) + "; do touch -d '2000-01-01 00:00:00' $d/*.lock; done")
    clean.ok("docker run --rm testbox")
    assert len(mounted(clean)) == 2
    clean.ok(f"docker rm -f {second}")
    assert len(mounted(clean)) == 2
    clean.ok("for d in " + " ".join(run_dir) + "; do touch -d '2000-01-01 00:00:00' $d/*.lock; done")
    clean.run("docker rm no-such-container")
    assert not mounted(clean)


def test_mounts_after_everything_was_killed(clean):
    """Nobody holds what a killed monitor held; the next command finds it, and goes on."""
    clean.ok("docker shutdown")
    name = clean.ok("docker run -d --entrypoint sleep testbox 1000").strip()
    assert len(mounted(clean)) == 2
    # its monitor is the one process that has the container's lock open
    clean.ok(f"for p in /proc/[0-9]*; do ls -l $p/fd 2>/dev/null | grep -q '{name}/lock' && kill -9 ${{p#/proc/}}; done; true")
    clean.until("docker ps -a", r"Exited \(255\)")
    assert clean.ok("docker run --rm testbox") == "say:2:default words\n"
    clean.ok(f"docker rm {name}")
    clean.ok("docker boot")
    assert not mounted(clean)


def test_a_damaged_layer_is_named_and_not_mounted(clean, tmp_path):
    name, image = load(clean, tmp_path, "damaged", archive.layer(archive.entry("file", data=b"x" * 5000)))
    digest = image.diffids[1].split(":")[1]
    layer = f"{clean.store}/layers/sha256/{digest}"
    clean.ok(f"cp {layer}.tar /tmp/kept.tar; truncate -s 1024 {layer}.tar || dd if=/tmp/kept.tar of={layer}.tar bs=1024 count=1")
    result = clean.run(f"docker run --rm {name} true")
    assert result.status == 125 and digest in result.out and "damaged" in result.out
    assert len(result.out.strip().splitlines()) == 1
    assert digest not in mounted(clean)
    clean.ok(f"cat /tmp/kept.tar > {layer}.tar; rm /tmp/kept.tar")
    assert clean.ok(f"docker run --rm {name} wc -c file") == "5000 file\n"
    clean.ok(f"docker rmi {name}")
