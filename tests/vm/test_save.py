# SPDX-License-Identifier: GPL-2.0-or-later
"""Images out: `docker save`. What other tools make of it is in test_round_trip.py."""

import hashlib
import json
import re
import tarfile

import pytest

import archive
import testbox


def small(label):
    return archive.Image([archive.layer(*testbox._base()), archive.layer(archive.entry("label", data=label.encode()))],
                         {"Cmd": ["cat", "/label"], "Env": ["PATH=/bin"]})


@pytest.fixture
def saved(machine):
    """machine with the images save-a:1 and save-b:1, which share a layer, and a folder for what is saved, $OUT."""
    there = dict(machine.images())
    for label in ("save-a", "save-b"):
        if there.get(label + ":1") == "sha256:" + small(label).id:
            continue  # from the test before
        path = machine.share / f"{label}.given.tar"
        machine.ok(f"docker load -i {machine.link(archive.docker_archive(path, small(label), [label + ':1']))}")
    out = machine.ok("mktemp -d /tmp/save-XXXXXX").strip()
    if machine.name == "host":
        machine.env["OUT"] = out
    else:
        machine.ok(f"export OUT={out}")
    yield machine
    machine.run("umount $OUT-small 2>/dev/null; docker --root $OUT/store shutdown; "
                "rm -rf $OUT $OUT-small /run/knarr-$(printf %s $OUT/store | sha256sum | cut -c1-8)")


def one_line(result, *words):
    """A refusal: a status that is none of success, one line, and nothing on standard output."""
    assert result.status not in (0, 125) and result.out == "", result
    lines = result.err.splitlines()
    assert len(lines) == 1 and lines[0].startswith("docker: "), result.err
    for word in words:
        assert word in lines[0], result.err


def files(machine, folder="$OUT"):
    return machine.ok(f"ls -A {folder}").split()


# -- what comes of it

def test_save_and_load(saved):
    """Between the console's own disk and the shared folder, by -o, by redirection and through a pipe."""
    id = dict(saved.images())["save-a:1"]
    saved.ok("docker save -o $OUT/a.tar save-a:1")
    saved.ok(f"docker save save-a:1 >{saved.share_path}/a.tar")
    saved.ok(f"docker save --output={saved.share_path}/b.tar --platform linux/amd64 save-a:1")
    sums = {line.split()[0] for line in
            saved.ok(f"sha256sum $OUT/a.tar {saved.share_path}/a.tar {saved.share_path}/b.tar").splitlines()}
    assert sums == {hashlib.sha256((saved.share / "a.tar").read_bytes()).hexdigest()}
    assert files(saved) == ["a.tar"]
    assert not [p for p in saved.share.iterdir() if p.name.startswith(".tmp-")]
    for load in (f"load -q -i {saved.share_path}/b.tar", "load -q -i $OUT/a.tar", "load -q <$OUT/a.tar"):
        assert saved.ok(f"docker --root $OUT/store {load}") == "Loaded image: save-a:1\n"
        assert id in saved.ok("docker --root $OUT/store images -q --no-trunc")
        saved.ok("rm -rf $OUT/store")
    assert saved.ok("docker save save-a:1 2>/dev/null | docker --root $OUT/store load -q") == "Loaded image: save-a:1\n"
    assert saved.ok("docker --root $OUT/store run --rm save-a:1") == "save-a"


@pytest.mark.host_is_enough
def test_every_layer_once_and_names(saved):
    saved.ok(f"docker save -o {saved.share_path}/both.tar save-a:1 save-b")
    a, b = small("save-a"), small("save-b")
    with tarfile.open(saved.share / "both.tar") as tar:
        names = tar.getnames()
        manifest = json.load(tar.extractfile("manifest.json"))
        blobs = {n: tar.extractfile(n).read() for n in names if n.startswith("blobs/sha256/")}
    assert len(names) == len(set(names))
    for name, data in blobs.items():
        assert name == "blobs/sha256/" + archive.sha256(data)
    assert {"blobs/sha256/" + d[7:] for d in a.diffids + b.diffids} < set(blobs)
    assert [m["RepoTags"] for m in manifest] == [["save-a:1"], ["save-b:1"]]
    assert [m["Config"] for m in manifest] == ["blobs/sha256/" + a.id, "blobs/sha256/" + b.id]


def test_an_image_by_its_id_has_no_name(saved):
    id = dict(saved.images())["save-a:1"]
    for word in (id, id[7:], id[7:19]):
        out = saved.ok(f"docker save {word} 2>/dev/null | docker --root $OUT/store load -q")
        assert out == f"Loaded image ID: {id}\n"


@pytest.mark.host_is_enough
def test_oci_archive(saved):
    saved.ok(f"docker save --format oci-archive -o {saved.share_path}/oci.tar save-a:1")
    with tarfile.open(saved.share / "oci.tar") as tar:
        assert {n for n in tar.getnames() if "/" not in n} == {"oci-layout", "index.json", "blobs"}
    assert saved.ok(f"docker --root $OUT/store load -i {saved.share_path}/oci.tar") == "Loaded image: save-a:1\n"


# -- what cannot be

@pytest.mark.host_is_enough
def test_unknown_image(saved):
    one_line(saved.split("docker save -o $OUT/x nowhere:1"), "nowhere:1", "not found")
    one_line(saved.split("docker save -o $OUT/x save-a:1 save-a:2"), "save-a:2", "not found")
    one_line(saved.split("docker save -o $OUT/x --platform linux/arm64 save-a:1"), "linux/arm64")
    one_line(saved.split("docker save -o $OUT/x --format zip save-a:1"), "zip", "oci-archive")
    assert files(saved) == []
    assert saved.split("docker save").status == 125


def test_a_terminal_is_no_place(saved):
    with saved.spawn("docker save save-a:1") as session:
        assert session.end() == 1
        assert re.fullmatch(r"docker: .*terminal.*-o\s*", session.rest), session.rest


def test_output_that_cannot_be(saved):
    saved.ok("mkdir $OUT/folder && ln -s nothing $OUT/dangling")
    for path, words in (("$OUT/folder", "folder"), ("$OUT/no/such", "/no"), ("$OUT/dangling", "link to nothing"),
                        ("/proc/x", "/proc"), ("''", "no file name")):
        one_line(saved.split(f"docker save -o {path} save-a:1"), words)
    assert sorted(files(saved)) == ["dangling", "folder"]


def test_full_output(saved):
    one_line(saved.split("docker save -o /dev/full save-a:1"), "/dev/full", "No space left")
    result = saved.split("docker save save-a:1 >/dev/full")
    assert result.status == 1 and "No space left" in result.err and len(result.err.splitlines()) == 1
    saved.ok("mkdir -p $OUT-small && mount -t tmpfs -o size=500k tmpfs $OUT-small && echo old >$OUT-small/a.tar")
    one_line(saved.split("docker save -o $OUT-small/a.tar save-a:1"), "-small/a.tar", "No space left")
    assert saved.ok("cat $OUT-small/a.tar") == "old\n"
    assert files(saved, "$OUT-small") == ["a.tar"]


def test_a_file_is_replaced_whole(saved):
    saved.ok("echo old >$OUT/a.tar; chmod 600 $OUT/a.tar; ln $OUT/a.tar $OUT/other")
    saved.ok("(umask 027; docker save -o $OUT/a.tar save-a:1)")
    assert saved.ok("stat -c %a:%h $OUT/a.tar") == "640:1\n"
    assert saved.ok("cat $OUT/other") == "old\n"
    assert sorted(files(saved)) == ["a.tar", "other"]


def test_a_device_stays_one(saved):
    saved.ok("docker save -o /dev/null save-a:1")
    assert saved.ok("stat -c %F /dev/null") == "character special file\n"
    saved.ok("mkfifo $OUT/fifo; (docker --root $OUT/store load <$OUT/fifo >$OUT/said &) ; "
             "docker save -o $OUT/fifo save-a:1")
    saved.until("cat $OUT/said", "Loaded image: save-a:1")
    assert saved.ok("stat -c %F $OUT/fifo") == "fifo\n"


def _break(machine, kind, digest, how):
    """Breaks a file of the store, and mends it afterwards."""
    path = f"{machine.store}/{kind}/sha256/{digest}"
    machine.ok(f"cp -p {path} $OUT/kept; {how.format(path)}")
    return path


@pytest.mark.parametrize("how", ["printf x | dd of={} bs=1 seek=700 conv=notrunc 2>/dev/null", "truncate -s 1000 {}", "rm {}"],
                         ids=["changed", "cut", "missing"])
def test_damaged_layer(saved, how):
    path = _break(saved, "layers", small("save-a").diffids[0][7:] + ".tar", how)
    try:
        one_line(saved.split("docker save -o $OUT/a.tar save-a:1"), "is damaged", small("save-a").diffids[0])
        result = saved.split("docker save save-a:1 | docker --root $OUT/store load")
        assert result.status != 0 and result.out == "", result
        assert saved.ok("docker --root $OUT/store images -q") == ""
    finally:
        saved.ok(f"mv $OUT/kept {path}")
    assert "a.tar" not in files(saved)
    saved.ok("docker save -o /dev/null save-a:1")


@pytest.mark.host_is_enough
def test_damaged_configuration(saved):
    path = _break(saved, "images", small("save-a").id + ".json", "echo >>{}")
    try:
        one_line(saved.split("docker save -o $OUT/a.tar save-a:1"), "is damaged")
    finally:
        saved.ok(f"mv $OUT/kept {path}")
    assert files(saved) == []


def test_interrupted(saved):
    """^C while it writes: one line, the old file as it was, nothing beside it; also where a file must have a name to be
    written, as in the share of the appliance."""
    folder, size = f"{saved.share_path}/out", "400M" if saved.name == "host" else "60M"
    saved.ok(f"mkdir -p {folder} $OUT/big; echo old >{folder}/a.tar; truncate -s {size} $OUT/big/zeros; "
             "tar -C $OUT/big -cf - zeros | docker import - save-big:1", timeout=300)
    for _ in range(5):
        with saved.spawn(f"docker save -o {folder}/a.tar save-big:1") as session:
            session.expect("Saving layer")
            session.control("c")
            status = session.end()
        if status != 0:
            break
        saved.ok(f"echo old >{folder}/a.tar")  # it was through before the interrupt came
    assert status == 130 and "interrupted" in session.rest, session.rest
    assert saved.ok(f"cat {folder}/a.tar") == "old\n"
    assert files(saved, folder) == ["a.tar"]
    saved.ok("docker rmi save-big:1")
