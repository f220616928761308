# SPDX-License-Identifier: GPL-2.0-or-later
"""Archives that are broken or lie, and words that mean nothing. Each is refused with one clear line and Docker's exit
status; the images are what they were, tmp/ is empty, no mount and no process is left."""

import gzip
import io
import json
import tarfile

import pytest

import archive
import testbox
from archive import entry, folder, symlink

SMALL = archive.layer(folder("etc"), entry("etc/x", data=b"x\n"))
BIG = archive.layer(*testbox._base())


def tar_of(files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, data in files:
            info, data = entry(name, data=data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def docker(image=None, **more):
    return tar_of(archive.docker_files(image or archive.Image([SMALL]), ["bad:1"], **more))


def oci(image=None, **more):
    return tar_of(archive.oci_files(image or archive.Image([SMALL]), "bad:1", **more))


def replaced(data, old, new):
    assert data.count(old) >= 1 and len(old) == len(new)
    return data.replace(old, new)


def lying_diffid():
    image = archive.Image([SMALL])
    image.document["rootfs"]["diff_ids"] = ["sha256:" + "0" * 64]
    return docker(image, manifest=[{"Config": image.id + ".json", "RepoTags": ["bad:1"],
                                    "Layers": [image.diffids[0][7:] + "/layer.tar"]}])


def fewer_diffids():
    image = archive.Image([SMALL])
    image.document["rootfs"]["diff_ids"] = []
    return tar_of(archive.docker_files(archive.Image([SMALL]), ["bad:1"])[:1] + [
        (image.id + ".json", image.config),
        ("manifest.json", json.dumps([{"Config": image.id + ".json", "RepoTags": ["bad:1"],
                                       "Layers": [archive.Image([SMALL]).diffids[0][7:] + "/layer.tar"]}]).encode())])


def manifest(**changes):
    image = archive.Image([SMALL])
    base = {"Config": image.id + ".json", "RepoTags": ["bad:1"], "Layers": [image.diffids[0][7:] + "/layer.tar"]}
    return docker(image, manifest=[{**base, **changes}])


def bad_blob():
    blob = bytearray(archive.compress(BIG, "gzip"))
    blob[len(blob) // 2] ^= 0xFF
    return oci(archive.Image([BIG]), blobs=[bytes(blob)])


def corrupt_inside_valid_digest():
    """The blob is what its digest says, and is no gzip."""
    blob = bytearray(archive.compress(BIG, "gzip"))
    blob[len(blob) // 2] ^= 0xFF
    return oci(archive.Image([BIG]), blobs=[bytes(blob)], digests=["sha256:" + archive.sha256(bytes(blob))])


def other_blob_under_the_digest():
    true = archive.compress(SMALL, "gzip")
    other = archive.compress(archive.layer(entry("evil", data=b"evil\n")), "gzip")
    return oci(blobs=[other], digests=["sha256:" + archive.sha256(true)])


def other_config_under_the_digest():
    image = archive.Image([SMALL])
    files = [(n, d.replace(b"knarr test", b"knarr evil")) if n.endswith(image.id) else (n, d)
             for n, d in archive.oci_files(image, "bad:1")]
    return tar_of(files)


def gzip_bomb():
    """A layer of 256 MiB of zeros in 1 MB; its blob is what its digest says."""
    out = io.BytesIO()
    header = tarfile.TarInfo("zeros")
    header.size = 256 << 20
    with gzip.GzipFile(fileobj=out, mode="wb", mtime=0, compresslevel=1) as packed:
        packed.write(header.tobuf())
        chunk = bytes(1 << 20)
        for _ in range(256):
            packed.write(chunk)
        packed.write(bytes(1024))
    return out.getvalue()


def long_json():
    return docker(manifest=[{"Config": "x.json", "RepoTags": ["bad:1"], "Layers": ["x"] * 200000}])


def deep_json():
    return tar_of([("manifest.json", b"[" * 500000)])


def tar_with(*members):
    return lambda: docker(archive.Image([archive.layer(folder("etc"), *members)]))


def wrong_checksum():
    data = bytearray(SMALL)
    data[0] ^= 0x01
    return docker(archive.Image([bytes(data)]))


def huge_size():
    info = tarfile.TarInfo("huge")
    info.size = 1 << 60
    return docker(archive.Image([info.tobuf(tarfile.GNU_FORMAT) + bytes(1024)]))


ARCHIVES = {
    "empty file": lambda: b"",
    "one byte": lambda: b"x",
    "text": lambda: b"this is no archive\n" * 100,
    "zeros": lambda: bytes(1 << 20),
    "tar without manifest": lambda: SMALL,
    "truncated docker archive": lambda: docker(archive.Image([BIG]))[:len(BIG) // 2],
    "truncated in the header": lambda: docker()[:700],
    "truncated gzip": lambda: archive.compress(docker(archive.Image([BIG])), "gzip")[:100000],
    "truncated zstd": lambda: archive.compress(docker(archive.Image([BIG])), "zstd")[:100000],
    "corrupt gzip": lambda: _flipped(archive.compress(docker(archive.Image([BIG])), "gzip")),
    "corrupt zstd": lambda: _flipped(archive.compress(docker(archive.Image([BIG])), "zstd")),
    "layer that is not its diffid": lying_diffid,
    "fewer diffids than layers": fewer_diffids,
    "manifest that is no JSON": lambda: tar_of([("manifest.json", b"{]")]),
    "manifest of the wrong type": lambda: tar_of([("manifest.json", b'{"Config": 5}')]),
    "manifest that is empty": lambda: tar_of([("manifest.json", b"[]")]),
    "manifest of nulls": lambda: tar_of([("manifest.json", b"[null]")]),
    "manifest without layers": lambda: manifest(Layers=None),
    "manifest with numbers for names": lambda: manifest(Layers=[1]),
    "manifest with a layer that is missing": lambda: manifest(Layers=["nowhere/layer.tar"]),
    "manifest with a configuration that is missing": lambda: manifest(Config="nowhere.json"),
    "manifest with a path out": lambda: manifest(Config="../../../../etc/passwd"),
    "manifest with an absolute path": lambda: manifest(Layers=["/etc/passwd"]),
    "name that is no name": lambda: manifest(RepoTags=["Bad Name!:1"]),
    "name with dots": lambda: manifest(RepoTags=["../../x:1"]),
    "name of the wrong type": lambda: manifest(RepoTags={"a": 1}),
    "manifest of many words": long_json,
    "manifest nested deep": deep_json,
    "configuration that is no JSON": lambda: tar_of(
        archive.docker_files(archive.Image([SMALL]), ["bad:1"], manifest=[
            {"Config": "c.json", "RepoTags": ["bad:1"], "Layers": []}])[:1] + [
            ("c.json", b"\x00\xff"), ("manifest.json", b'[{"Config":"c.json","RepoTags":["bad:1"],"Layers":[]}]')]),
    "configuration for another machine's diffids": lambda: docker(
        archive.Image([SMALL], rootfs={"type": "layers", "diff_ids": ["md5:abc"]})),
    "OCI blob that is not its digest": other_blob_under_the_digest,
    "OCI configuration that is not its digest": other_config_under_the_digest,
    "OCI blob with a flipped bit": bad_blob,
    "OCI blob that is no gzip": corrupt_inside_valid_digest,
    "OCI blob shorter than said": lambda: oci(sizes=[10**9]),
    "OCI blob longer than said": lambda: oci(sizes=[10]),
    "OCI blob of negative size": lambda: oci(sizes=[-1]),
    "OCI blob of absurd size": lambda: oci(sizes=[2**70]),
    "OCI digest of an unknown kind": lambda: oci(digests=["md5:" + "0" * 32]),
    "OCI digest that is a path": lambda: oci(digests=["sha256:" + "../" * 21 + "x"]),
    "OCI index without manifests": lambda: tar_of([("oci-layout", b'{"imageLayoutVersion":"1.0.0"}'),
                                                   ("index.json", b'{"schemaVersion":2}')]),
    "OCI layout of the future": lambda: tar_of([("oci-layout", b'{"imageLayoutVersion":"9.0.0"}'),
                                                ("index.json", b'{"schemaVersion":2,"manifests":[]}')]),
    "layer with ..": tar_with(entry("../knarr-escape", data=b"x")),
    "layer with .. inside": tar_with(entry("etc/../../knarr-escape", data=b"x")),
    "layer whose header is damaged": wrong_checksum,
    "layer with a file of an exabyte": huge_size,
    "layer cut short": lambda: docker(archive.Image([BIG[:len(BIG) // 2 // 512 * 512 + 100]])),
    "layer that is no tar": lambda: docker(archive.Image([b"no tar at all" * 1000])),
}


def _flipped(data):
    data = bytearray(data)
    data[len(data) // 2] ^= 0xFF
    return bytes(data)


# The parsers are the same everywhere; on the appliance a few of each kind show that what is behind them is.
BOTH = ("empty file", "truncated docker archive", "truncated gzip", "corrupt zstd", "layer that is not its diffid",
        "manifest with a path out", "OCI blob that is not its digest", "layer with ..", "layer cut short",
        "absolute names", "device nodes", "a link that leads out, and a file through it")


def both(names):
    return [pytest.param(n, marks=[] if n in BOTH else pytest.mark.host_is_enough) for n in names]


@pytest.mark.parametrize("what", both(ARCHIVES))
def test_archive_is_refused(clean, what):
    path = clean.put("bad.tar", ARCHIVES[what]())
    layers = clean.ok(f"ls {clean.store}/layers/sha256")
    result = clean.split(f"docker load -i {path}")
    assert result.status == 1, result
    lines = result.err.splitlines()
    assert len(lines) == 1 and lines[0].startswith("docker: ") and len(lines[0]) > 20, result.err
    assert "Loaded image" not in result.out
    left = set(clean.ok(f"ls {clean.store}/layers/sha256").split()) - set(layers.split())
    # a layer that was whole and true may stay for the next attempt; one that was not may not
    assert not {n for n in left if n.split(".")[0] != archive.sha256(SMALL)}, left
    assert clean.ok("docker run --rm busybox echo fine") == "fine\n"


# Odd, and still a layer that Docker takes: nothing of it may land outside the container.
ODD = {
    "absolute names": [entry("/etc/absolute", data=b"in\n")],
    "device nodes": [entry("etc/null", tarfile.CHRTYPE, dev=(1, 3), mode=0o666), entry("etc/fifo", tarfile.FIFOTYPE)],
    "a link that leads out, and a file through it": [symlink("out", "/tmp"), entry("out/knarr-escape", data=b"x")],
    "a link to ..": [symlink("up", "../../../.."), entry("up/knarr-escape", data=b"x")],
    "an absolute link": [symlink("etc/passwd-link", "/etc/passwd")],
    "an entry given twice": [entry("etc/twice", data=b"one\n"), entry("etc/twice", data=b"two\n")],
    "entries without parents": [entry("a/b/c/d", data=b"x\n")],
    "a folder that becomes a file": [folder("etc/x"), entry("etc/x/y"), entry("etc/x", data=b"x")],
    "names that are no UTF-8": [entry("etc/\udcff\udcfe", data=b"x")],
    "a name of 255 bytes": [entry("etc/" + "n" * 255, data=b"x")],
    "a path of 2000 bytes": [entry("/".join(["d" * 99] * 20), data=b"x")],
    "set-user-id and huge ids": [entry("etc/suid", mode=0o6755, uid=4294967294, gid=4000000000)],
}


@pytest.mark.parametrize("what", both(ODD))
def test_odd_layer_stays_inside(machine, what):
    base = archive.layer(*testbox._base())
    image = archive.Image([base, archive.layer(*ODD[what])], {"Env": ["PATH=/bin"]})
    path = machine.put("odd.tar", tar_of(archive.docker_files(image, ["odd:1"])))
    result = machine.split(f"docker load -i {path}")
    if result.status == 0:
        assert machine.ok("docker run --rm odd:1 ls -lR /etc") != ""
    else:
        assert len(result.err.splitlines()) == 1 and result.err.startswith("docker: "), result.err
    assert machine.run("find /knarr-escape /tmp /etc /root /run /usr /var -xdev -maxdepth 7 -name knarr-escape 2>/dev/null").out == ""
    assert machine.settled_leftovers() == []


def test_odd_layer_is_read_as_tar_does(machine):
    """What comes of the odd entries: the later of two wins, the absolute name is taken as relative."""
    odd = archive.layer(*ODD["absolute names"], *ODD["an entry given twice"], *ODD["entries without parents"],
                        *ODD["set-user-id and huge ids"], *ODD["a name of 255 bytes"])
    image = archive.Image([archive.layer(*testbox._base()), odd], {"Env": ["PATH=/bin"]})
    machine.ok("docker load -i " + machine.put("odd.tar", tar_of(archive.docker_files(image, ["odd:2"]))))
    assert machine.ok("docker run --rm odd:2 cat /etc/absolute /etc/twice /a/b/c/d") == "in\ntwo\nx\n"
    assert machine.ok("docker run --rm odd:2 stat -c %a:%u:%g /etc/suid") == "6755:4294967294:4000000000\n"
    assert "n" * 255 in machine.ok("docker run --rm odd:2 ls /etc")


def test_bomb(clean):
    blob = gzip_bomb()
    image = archive.Image([SMALL])
    image.document["rootfs"]["diff_ids"] = ["sha256:" + "1" * 64]
    path = clean.put("bomb.tar", tar_of(archive.oci_files(
        image, "bomb:1", blobs=[blob], digests=["sha256:" + archive.sha256(blob)], sizes=[len(blob)])))
    before = int(clean.ok(f"du -sk {clean.store} | cut -f1"))
    result = clean.split(f"docker load -i {path}", timeout=300)
    assert result.status == 1 and len(result.err.splitlines()) == 1, result
    assert int(clean.ok(f"du -sk {clean.store} | cut -f1")) < before + 100


def test_file_that_is_not_there(clean):
    for path in ("/no/such/file", "/tmp", "/dev/null"):
        result = clean.split(f"docker load -i {path}")
        assert result.status == 1 and result.out == "", path
        assert len(result.err.splitlines()) == 1 and (path in result.err or "archive" in result.err), result.err
    result = clean.split("docker import /no/such/file x:1")
    assert result.status == 1 and len(result.err.splitlines()) == 1


@pytest.mark.parametrize("data", [b"no tar", archive.compress(SMALL, "gzip")[:60]], ids=["text", "truncated"])
def test_import_of_garbage(clean, data):
    result = clean.split(f"docker import {clean.put('garbage', data)} garbage:1")
    assert result.status == 1 and len(result.err.splitlines()) == 1 and result.err.startswith("docker: "), result


@pytest.mark.host_is_enough
@pytest.mark.parametrize("name", ["Upper:1", "a:b:c", "..", "a//b", "-x:1", "x:" + "t" * 129, "x@sha256:abc"],
                         ids=["capitals", "two colons", "dots", "empty part", "dash", "long tag", "digest"])
def test_import_under_a_bad_name(clean, name):
    path = clean.put("good.tar", SMALL)
    result = clean.split(f"docker import {path} {name}")
    assert result.status in (1, 125) and 1 <= len(result.err.splitlines()) <= 2, result


def test_killed_load_leaves_nothing_or_all(machine):
    image = archive.Image([BIG + bytes(30 << 20)], {"Cmd": ["true"]})
    path = machine.put("killed.tar", archive.compress(tar_of(archive.docker_files(image, ["killed:1"])), "gzip"))
    for delay in ("0.05", "0.1", "0.2"):
        machine.run(f"docker load -i {path} & sleep {delay}; kill -9 $!; wait $!")
        if "killed:1" in dict(machine.images()):
            machine.ok("docker run --rm killed:1")
    assert machine.settled_leftovers() == []
    assert machine.ok("docker run --rm busybox echo fine") == "fine\n"


def test_interrupted_load_leaves_nothing(clean):
    start = docker(archive.Image([BIG]))[:len(BIG) // 2]
    path = clean.put("half.tar", start)
    result = clean.run(f"(cat {path}; sleep 3) | docker load & sleep 1; kill -TERM $!; wait $!", timeout=30)
    assert result.status != 0


# -- words

@pytest.mark.host_is_enough
@pytest.mark.parametrize("words, status", [
    ("no-such-command x", (1, 125)),
    ("--no-such-flag", (1, 125)),
    ("ps --no-such-flag", (125,)),
    ("images --no-such-flag", (125,)),
    ("load --input", (125,)),
    ("rm --force=perhaps x", (125,)),
    ("stop -t soon x", (125,)),
    ("--root", (1, 125)),
    ("--root /dev/null images", (1, 125)),
])
def test_words_that_mean_nothing(clean, words, status):
    result = clean.split(f"docker {words}")
    assert result.status in status, result
    assert result.out == ""
    lines = [l for l in result.err.splitlines() if l]
    assert 1 <= len(lines) <= 2 and lines[0].startswith("docker: "), result.err


def test_mistyped_words_are_named(clean):
    assert "no-such-command" in clean.split("docker no-such-command").err
    assert "--no-such-flag" in clean.split("docker ps --no-such-flag").err
    assert "--help" in clean.split("docker ps --no-such-flag").err


def test_help_of_everything(clean):
    out = clean.ok("docker --help")
    assert out.lstrip().startswith("Usage:")
    for command in ("run", "ps", "logs", "exec", "stop", "kill", "rm", "wait", "images", "load", "import"):
        assert f" {command} " in out
        text = clean.ok(f"docker {command} --help")
        assert text.lstrip().startswith("Usage:") and f" {command}" in text.splitlines()[0] + text.splitlines()[1]
    assert clean.run("docker").out.lstrip().startswith("Usage:")
