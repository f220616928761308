# SPDX-License-Identifier: GPL-2.0-or-later
"""Archives that lie, are damaged, cut off or meant to do harm: one clear line, status 1, and a store that is what it was,
to the byte. (Damage of other kinds, layers that are odd, words: test_bad_input.py.)"""

import gzip
import io
import json
import lzma
import random
import tarfile

import pytest

import archive
from archive import entry, folder, symlink

SMALL = archive.layer(folder("etc"), entry("etc/x", data=b"x\n"))
OTHER = archive.layer(folder("etc"), entry("etc/y", data=b"y\n"))
BULK = archive.layer(entry("bulk", data=random.Random(1).randbytes(300_000)))


def tar_of(files):
    """(name, bytes or what a symbolic link says) as a tar."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, data in files:
            info, data = symlink(name, data) if isinstance(data, str) else entry(name, data=data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def document(value):
    return value if isinstance(value, bytes) else json.dumps(value).encode()


def docker(manifest=None, config=None, layers=(SMALL,), more=()):
    """A docker-archive with members l0, l1, ..., c and manifest.json, each of which may be replaced."""
    image = archive.Image(list(layers))
    entries = [{"Config": "c", "RepoTags": ["bad:1"], "Layers": [f"l{i}" for i in range(len(layers))]}]
    return tar_of([*[(f"l{i}", l) for i, l in enumerate(layers)], ("c", document(config or image.config)), *more,
                   ("manifest.json", document(manifest if manifest is not None else entries))])


def entry_of(**changes):
    return docker(manifest=[{"Config": "c", "RepoTags": ["bad:1"], "Layers": ["l0"], **changes}])


def config_with(layers=(SMALL,), **changes):
    return docker(config={**archive.Image(list(layers)).document, **changes}, layers=layers)


def diffids(*said, layers=(SMALL, OTHER)):
    return config_with(layers, rootfs={"type": "layers", "diff_ids": ["sha256:" + archive.sha256(d) if isinstance(d, bytes)
                                                                        else d for d in said]})


def oci(change=None, index=None, layers=(SMALL,), compressed="gzip", drop=(), replace=None, descriptor=None):
    """An OCI layout. change(manifest) edits the manifest, descriptor the index's entry; drop and replace act on files."""
    image = archive.Image(list(layers))
    manifest, blobs = archive.oci_image_blobs(image, compressed)
    if change:
        edited = json.loads(manifest)
        change(edited)
        blobs = [b for b in blobs if b[1] != manifest]
        manifest = document(edited)
        blobs.append(archive.blob(manifest))
    described = {**archive.descriptor("manifest.v1+json", manifest), **(descriptor or {})}
    files = [("oci-layout", b'{"imageLayoutVersion":"1.0.0"}'),
             ("index.json", index if index is not None else archive.oci_index([described])), *blobs]
    return tar_of([(n, (replace or {}).get(n, d)) for n, d in files if n not in drop])


def layer_blob(layers=(SMALL,), compressed="gzip"):
    return archive.blob(archive.compress(layers[0], compressed))


def set_layer(**changes):
    return lambda m: m["layers"][0].update(changes)


def set_config(**changes):
    return lambda m: m["config"].update(changes)


def header_saying(size_field):
    info = tarfile.TarInfo("manifest.json")
    raw = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    raw[124:136] = size_field
    raw[148:156] = b" " * 8
    raw[148:156] = b"%06o\0 " % sum(raw)
    return bytes(raw) + bytes(1024)


def pax_size(text):
    info = tarfile.TarInfo("manifest.json")
    info.pax_headers = {"size": text}
    return info.tobuf(tarfile.PAX_FORMAT) + bytes(1024)


def many_members(n):
    """Quicker than tarfile makes them: one header with its name's digits changed."""
    out = []
    raw = bytearray(tarfile.TarInfo("member-00000").tobuf(tarfile.GNU_FORMAT))
    for i in range(n):
        raw[7:12] = b"%05d" % i
        raw[148:156] = b" " * 8
        raw[148:156] = b"%06o\0 " % sum(raw)
        out.append(bytes(raw))
    return b"".join(out) + bytes(1024)


def nested_indexes(depth):
    manifest, blobs = archive.oci_image_blobs(archive.Image([SMALL]))
    found = archive.descriptor("manifest.v1+json", manifest)
    for _ in range(depth):
        index = archive.oci_index([found])
        blobs.append(archive.blob(index))
        found = archive.descriptor("index.v1+json", index)
    return tar_of([("index.json", archive.oci_index([found])), *blobs])


def zeros(packed_as, mib):
    """A tar with one file of zeros, packed small."""
    info = tarfile.TarInfo("zeros")
    info.size = mib << 20
    pack = {"gzip": lambda f: gzip.GzipFile(fileobj=f, mode="wb", mtime=0, compresslevel=1),
            "xz": lambda f: lzma.LZMAFile(f, "wb", preset=0)}[packed_as]
    out = io.BytesIO()
    with pack(out) as packed:
        packed.write(info.tobuf())
        for _ in range(mib):
            packed.write(bytes(1 << 20))
        packed.write(bytes(1024))
    return out.getvalue()


def gzip_of_spaces(name, mib):
    """A tar, packed, whose one document is mostly spaces."""
    info = tarfile.TarInfo(name)
    info.size = (mib << 20) + 2
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", mtime=0, compresslevel=1) as packed:
        packed.write(info.tobuf() + b"[")
        for _ in range(mib):
            packed.write(b" " * (1 << 20))
        packed.write(b"]" + bytes(511 + 1024))
    return out.getvalue()


def deep(n):
    return b'{"a":' * n + b"1" + b"}" * n


HEX = "0" * 64

# What is said, and a word the line must have.
BAD = {
    # documents
    "two layers claim one diffid": (lambda: diffids(SMALL, SMALL), "layer 2 is"),
    "layers in the wrong order": (lambda: diffids(OTHER, SMALL), "layer 1 is"),
    "more diffids than layers": (lambda: diffids(SMALL, OTHER, SMALL), "names 3 layers, the manifest 2"),
    "no diffids": (lambda: diffids(), "names 0 layers"),
    "a diffid that is a path": (lambda: diffids("sha256:../../../../etc/passwd", OTHER), "diff_ids"),
    "a diffid in capitals": (lambda: diffids("sha256:" + "A" * 64, OTHER), "diff_ids"),
    "a diffid that is a number": (lambda: diffids(5, OTHER), "diff_ids"),
    "rootfs that is a list": (lambda: config_with(rootfs=[]), "rootfs"),
    "rootfs of another type": (lambda: config_with(rootfs={"type": "tree", "diff_ids": []}), "tree"),
    "no rootfs": (lambda: docker(config={"os": "linux"}), "rootfs"),
    "history that is text": (lambda: config_with(history="yes"), "history"),
    "history of numbers": (lambda: config_with(history=[1]), "history"),
    "environment that is no list": (lambda: config_with(config={"Env": {"A": "1"}}), "Env"),
    "environment of numbers": (lambda: config_with(config={"Env": [1]}), "Env"),
    "volumes that are no object": (lambda: config_with(config={"Volumes": ["/a"]}), "Volumes"),
    "user with a NUL": (lambda: config_with(config={"User": "ro\0ot"}), "User"),
    "a configuration for another system": (lambda: config_with(os="windows"), "windows"),
    "a configuration that is a list": (lambda: docker(config=b"[]"), "object"),
    "a configuration nested deep": (lambda: docker(config=deep(1000)), "deep"),
    "a configuration with a key twice": (lambda: docker(config=b'{"os":"linux","os":"linux","rootfs":{}}'), "twice"),
    "a configuration cut off": (lambda: docker(config=archive.Image([SMALL]).config[:-9]), "image configuration"),
    "a configuration of 9 MiB": (lambda: docker(config=b"{" + b" " * (9 << 20) + b"}"), "8 MiB"),
    "a manifest with a key twice": (lambda: docker(manifest=b'[{"Config":"c","Layers":["l0"],"Layers":[]}]'), "twice"),
    "a manifest nested deep": (lambda: docker(manifest=b"[" * 100 + b"]" * 100), "deep"),
    "a manifest that ends early": (lambda: docker(manifest=b'[{"Config":"c","Lay'), "manifest.json"),
    "a manifest with a byte that is no UTF-8": (lambda: docker(manifest=b'[{"Config":"\xff"}]'), "manifest.json"),
    "a manifest that is garbage": (lambda: docker(manifest=random.Random(2).randbytes(5000)), "manifest.json"),
    "a manifest that is empty": (lambda: docker(manifest=b""), "manifest.json"),
    "a manifest that is a number": (lambda: docker(manifest=b"7"), "manifest.json"),
    "a manifest that is a layer": (lambda: docker(manifest=SMALL), "manifest.json"),
    "a manifest that is a folder": (lambda: tar_of([("c", b"{}")]), "neither manifest.json nor index.json"),
    "a manifest of 5000 images": (lambda: docker(manifest=[{"Config": "c", "Layers": ["l0"]}] * 5000), "4096"),
    # names inside the archive
    "a layer above the archive": (lambda: entry_of(Layers=["../../../../etc/passwd"]), "not in the archive"),
    "a layer on this machine": (lambda: entry_of(Layers=["/etc/passwd"]), "not in the archive"),
    "a layer called nothing": (lambda: entry_of(Layers=[""]), "not in the archive"),
    "a layer with a NUL": (lambda: entry_of(Layers=["l0\0"]), "Layers"),
    "a layer twice where one is known": (lambda: entry_of(Layers=["l0", "l0"]), "names 1 layers, the manifest 2"),
    "a configuration that is the layer": (lambda: entry_of(Config="l0"), "no JSON document"),
    "a layer that is the configuration": (lambda: entry_of(Layers=["c"]), "no tar archive"),
    "a configuration called after another": (
        lambda: docker(manifest=[{"Config": HEX + ".json", "Layers": ["l0"]}],
                       more=[(HEX + ".json", archive.Image([SMALL]).config)]), "digest"),
    "links in a circle": (lambda: docker(manifest=[{"Config": "c", "Layers": ["a"]}],
                                         more=[("a", "b"), ("b", "d"), ("d", "a")]), "not in the archive"),
    "a link to itself": (lambda: docker(manifest=[{"Config": "c", "Layers": ["a"]}], more=[("a", "a")]), "not in the archive"),
    "a link out of the archive": (lambda: docker(manifest=[{"Config": "c", "Layers": ["a"]}],
                                                 more=[("a", "../../../../etc/passwd")]), "not in the archive"),
    "a link to a file of this machine": (lambda: docker(manifest=[{"Config": "c", "Layers": ["a"]}],
                                                        more=[("a", "/etc/passwd")]), "not in the archive"),
    "a chain of too many links": (lambda: docker(manifest=[{"Config": "c", "Layers": ["a0"]}], more=[
        *[(f"a{i}", f"a{i + 1}") for i in range(20)], ("a20", "l0")]), "not in the archive"),
    # names it wants to have
    **{f"named {name!r}": (lambda name=name: entry_of(RepoTags=[name]), "reference") for name in (
        "../../etc/passwd:1", "/etc/passwd", "a/../b:1", "bad:1/../../x", "..", "bad:" + "t" * 129, "-bad:1", "bad\n:1",
        "bad:\x1b[2J", "", ":", "bad@sha256:1")},
    "names that are no list": (lambda: entry_of(RepoTags="bad:1"), "RepoTags"),
    "names of numbers": (lambda: entry_of(RepoTags=[1]), "RepoTags"),
    # OCI
    "an OCI layer of another digest": (lambda: oci(replace={layer_blob()[0]: archive.compress(OTHER, "gzip")}), "damaged"),
    "an OCI layer cut off": (lambda: oci(layers=(BULK,), replace={
        layer_blob((BULK,))[0]: layer_blob((BULK,))[1][:-1000]}), "cut off"),
    "an OCI layer that is missing": (lambda: oci(drop=[layer_blob()[0]]), "not in the archive"),
    "an OCI configuration that is missing": (
        lambda: oci(drop=["blobs/sha256/" + archive.Image([SMALL]).id]), "not in the archive"),
    "an OCI layer that is a link out": (lambda: oci(replace={layer_blob()[0]: "../../../../etc/passwd"}), "not in the archive"),
    "an OCI layer that is a link to another": (
        lambda: oci(replace={layer_blob()[0]: archive.Image([SMALL]).id}), ""),
    "an OCI layer larger than said": (lambda: oci(set_layer(size=1)), "is said to have 1"),
    "an OCI layer of 2^63 bytes": (lambda: oci(set_layer(size=2**63)), "is said to have"),
    "an OCI layer of 2^64 bytes": (lambda: oci(set_layer(size=2**64)), "size"),
    "an OCI layer of -1 bytes": (lambda: oci(set_layer(size=-1)), "size"),
    "an OCI layer of half a byte": (lambda: oci(set_layer(size=0.5)), "size"),
    "an OCI layer of a textual size": (lambda: oci(set_layer(size="1")), "size"),
    "an OCI layer without a size": (lambda: oci(lambda m: m["layers"][0].pop("size")), "size"),
    "an OCI layer without a digest": (lambda: oci(lambda m: m["layers"][0].pop("digest")), "digest"),
    "an OCI digest that is a path": (lambda: oci(set_layer(digest="sha256:../../../../etc/passwd")), "digest"),
    "an OCI digest of another algorithm": (lambda: oci(set_layer(digest="sha512:" + HEX * 2)), "sha512"),
    "an OCI digest that is too short": (lambda: oci(set_layer(digest="sha256:abc")), "digest"),
    "an OCI configuration that is the layer": (
        lambda: oci(set_config(digest="sha256:" + archive.sha256(layer_blob()[1]), size=len(layer_blob()[1]))), "no JSON"),
    "OCI layers that are no list": (lambda: oci(lambda m: m.update(layers={})), "layers"),
    "OCI layers of text": (lambda: oci(lambda m: m.update(layers=["l0"])), "object"),
    "an OCI manifest without a configuration": (lambda: oci(lambda m: m.pop("config")), "config"),
    "an OCI manifest with fewer layers": (lambda: oci(lambda m: m.update(layers=[])), "names 1 layers, the manifest 0"),
    "an OCI index that is a list": (lambda: oci(index=b"[]"), "index.json"),
    "an OCI index without manifests": (lambda: oci(index=b"{}"), "manifests"),
    "an OCI index of nothing": (lambda: oci(index=archive.oci_index([])), "no image"),
    "an OCI index with a key twice": (lambda: oci(index=b'{"manifests":[],"manifests":[]}'), "twice"),
    "an OCI index nested deep": (lambda: oci(index=deep(200)), "deep"),
    "an OCI index for other machines": (
        lambda: oci(descriptor={"platform": {"os": "linux", "architecture": "s390x"}}), "linux/amd64"),
    "an OCI platform of the wrong type": (lambda: oci(descriptor={"platform": "linux/amd64"}), "platform"),
    "OCI annotations of the wrong type": (lambda: oci(descriptor={"annotations": ["x"]}), "annotations"),
    "an OCI name that leaves the store": (
        lambda: oci(descriptor={"annotations": {"io.containerd.image.name": "../../../x:1"}}), "reference"),
    "OCI indexes in one another": (lambda: nested_indexes(9), "deep"),
    # the archive itself
    "nothing": (lambda: b"", "no tar archive"),
    "one block of zeros": (lambda: bytes(512), "neither"),
    "garbage": (lambda: random.Random(3).randbytes(100_000), "no tar archive"),
    "garbage that says gzip": (lambda: b"\x1f\x8b\x08\x00" + random.Random(4).randbytes(100_000), "gzip"),
    "garbage that says zstd": (lambda: b"\x28\xb5\x2f\xfd" + random.Random(5).randbytes(100_000), "damaged"),
    "garbage that says xz": (lambda: b"\xfd7zXZ\0" + random.Random(6).randbytes(100_000), "xz"),
    "garbage that says bzip2": (lambda: b"BZh9" + random.Random(7).randbytes(100_000), "bzip2"),
    "a size of 2^95": (lambda: header_saying(b"\x80" + b"\xff" * 11), "tar"),
    "a size of -1": (lambda: header_saying(b"\xff" * 12), "tar"),
    "a size that is no number": (lambda: header_saying(b"9z9z9z9z9z9\0"), "tar"),
    "a size of 8 GiB": (lambda: header_saying(b"77777777777\0"), "tar"),
    "a pax size that overflows": (lambda: pax_size("99999999999999999999999"), "size"),
    "a pax size below nothing": (lambda: pax_size("-1"), "size"),
    "20001 files": (lambda: many_members(20001), "20000"),
    "a document of 64 MiB in a small gzip": (lambda: gzip_of_spaces("manifest.json", 64), "8 MiB"),
    "a dictionary of 256 MiB": (lambda: lzma.compress(docker(), filters=[
        {"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 256 << 20}]), "MiB of memory"),
    "an archive of Docker before 1.10": (lambda: tar_of([("repositories", b'{"x":{"1":"%s"}}' % HEX.encode())]), "1.10"),
    "a layer that is a gzip in a gzip": (lambda: docker(layers=(archive.compress(archive.compress(SMALL, "gzip"), "gzip"),)),
                                         "no tar archive"),
}

ON_BOTH = ("two layers claim one diffid", "a link out of the archive", "an OCI layer of another digest",
           "garbage that says xz", "20001 files", "a dictionary of 256 MiB")


def refused(machine, words, must_say=""):
    """One line, status 1, and what the store lists and says is what it was. In one go, for there are many of these."""
    state = f"cd {machine.store}; ls -ln layers/sha256 images/sha256; cat tags.json images/sha256/* | sha256sum; ls -A tmp"
    result = machine.split(f"(a=$({state}); {words}; s=$?; [ \"$a\" = \"$({state})\" ] || echo 'the store is another'; exit $s)")
    assert result.status == 1 and result.out == "", result
    lines = result.err.splitlines()
    assert len(lines) == 1 and lines[0].startswith("docker: ") and lines[0].isprintable(), result.err
    assert must_say in lines[0], result.err


@pytest.mark.parametrize("what", [pytest.param(w, marks=[] if w in ON_BOTH else pytest.mark.host_is_enough) for w in BAD])
def test_refused(machine, what):
    make, must_say = BAD[what]
    refused(machine, f"docker load -i {machine.put('bad.tar', make())}", must_say)


# Where a good archive may be cut: inside a header, in data, in what pads it, before the documents, in what is compressed.
GOOD = docker(layers=(BULK,))
CUTS = {
    "after a byte": lambda d: d[:1],
    "in the first header": lambda d: d[:300],
    "behind the first header": lambda d: d[:512],
    "in a layer's own header": lambda d: d[:512 + 100],
    "in a layer's data": lambda d: d[:100_000],
    "before a layer's end": lambda d: d[:512 + len(BULK) - 1],
    "in a header behind it": lambda d: d[:d.index(b"c\0\0\0", 512 + len(BULK)) + 200],
    "in the configuration": lambda d: d[:d.index(b'{"architecture"') + 50],
    "in what pads it": lambda d: d[:d.index(b"manifest.json\0") - 100],
    "before the manifest": lambda d: d[:d.index(b"manifest.json\0")],
    "in the manifest's header": lambda d: d[:d.index(b"manifest.json\0") + 100],
    "in the manifest": lambda d: d[:d.index(b'[{"Config"') + 20],
}


@pytest.mark.host_is_enough
@pytest.mark.parametrize("where", CUTS)
def test_cut_off(machine, where):
    refused(machine, f"docker load -i {machine.put('cut.tar', CUTS[where](GOOD))}")


@pytest.mark.host_is_enough
@pytest.mark.parametrize("how", archive.COMPRESSIONS[1:])
def test_compressed_and_cut_off(machine, how):
    """Down to the last byte, which is a checksum's or an index's."""
    whole = archive.compress(GOOD, how)
    for length in (3, 7, 15, len(whole) // 2, len(whole) - 9, len(whole) - 4, len(whole) - 1):
        refused(machine, f"docker load -i {machine.put('cut', whole[:length])}")
    refused(machine, f"docker load -i {machine.put('more', whole + b'more than this')}")


@pytest.mark.host_is_enough
@pytest.mark.parametrize("how", archive.COMPRESSIONS[1:])
def test_compressed_and_damaged(machine, how):
    whole = bytearray(archive.compress(GOOD, how))
    for at in (len(whole) // 3, len(whole) // 2, len(whole) - 20):
        whole[at] ^= 0x20
        refused(machine, f"docker load -i {machine.put('damaged', bytes(whole))}")
        whole[at] ^= 0x20


def put_folder(machine, name, files):
    for file, data in files:
        machine.put(f"{name}/{file}", data)
    return f"{machine.share_path}/{name}"


@pytest.mark.host_is_enough
@pytest.mark.parametrize("what, words, must_say", [
    ("a link out", "mv {blob} ../kept; ln -s ../../../kept {blob}", "not in the archive"),
    ("a link to /etc", "rm {blob}; ln -s /etc/passwd {blob}", "not in the archive"),
    ("a link through /proc", "rm {blob}; ln -s /proc/self/fd/0 {blob}", "not in the archive"),
    ("links in a circle", "rm {blob}; ln -s {digest} {blob}", "ymbolic link"), # musl: Symbolic link loop
    ("a pipe", "rm {blob}; mkfifo {blob}", "no file"),
    ("a device", "rm {blob}; mknod {blob} c 1 5", "no file"),
    ("a folder", "rm {blob}; mkdir {blob}", "no file"),
    ("a blob cut off", "truncate -s -1 {blob}", "cut off"),
    ("a blob with more in it", "echo >>{blob}", "damaged"),
    ("no blob", "rm {blob}", "not in the archive"),
    ("no blobs", "rm -r blobs", "not in the archive"),
    ("an index that is a pipe", "rm index.json; mkfifo index.json", "no file"),
    ("no index", "rm index.json", "neither manifest.json nor index.json"),
], ids=lambda v: v if " " in str(v) and "{" not in str(v) and ";" not in str(v) else "")
def test_folder_is_refused(machine, what, words, must_say):
    name = "layout-" + what.replace(" ", "-").replace("/", "-")
    image = archive.Image([SMALL])
    path = put_folder(machine, name, archive.oci_files(image, "bad:1"))
    blob = layer_blob()[0]
    machine.ok(f"cd {path} && " + words.format(blob=blob, digest=blob.rpartition("/")[2]))
    refused(machine, f"docker load -i {path}", must_say)


@pytest.mark.host_is_enough
@pytest.mark.parametrize("how", ["gzip", "xz"])
def test_bomb_stops_before_the_disk_is_full(machine, how):
    """A layer that unfolds to 512 MiB, for a store of 96 MiB: it stops by itself, and what it had written is gone."""
    blob = zeros(how, 512)
    image = archive.Image([SMALL])
    image.document["rootfs"]["diff_ids"] = ["sha256:" + HEX]
    path = machine.put("bomb.tar", tar_of(archive.oci_files(
        image, "bomb:1", blobs=[blob], digests=["sha256:" + archive.sha256(blob)], sizes=[len(blob)])))
    disk = machine.put("small/x", b"").rpartition("/")[0]
    machine.ok(f"mount -t tmpfs -o size=96m knarr-test {disk}")
    try:
        machine.ok(f"docker --root {disk}/store images")
        before = machine.ok(f"df -k {disk} | tail -1").split()[2]
        result = machine.split(f"docker --root {disk}/store load -i {path}", timeout=300)
        assert result.status == 1 and len(result.err.splitlines()) == 1 and "not enough space" in result.err, result
        assert int(machine.ok(f"df -k {disk} | tail -1").split()[2]) <= int(before) + 8
        assert machine.ok(f"find {disk}/store/layers {disk}/store/images {disk}/store/tmp -type f") == ""
    finally:
        machine.ok(f"umount {disk}")


def test_members_called_out_of_the_archive_stay_in_it(machine):
    """The names inside are text: nothing is made by them, wherever they point."""
    image = archive.Image([SMALL])
    image.document["comment"] = "called out"
    names = {"config": "../../../../tmp/knarr-escape", "layer": "/tmp/knarr-escape-2/layer.tar"}
    data = tar_of([(names["layer"], SMALL), (names["config"], image.config), ("../manifest.json", b"{"),
                   ("manifest.json", document([{"Config": names["config"], "RepoTags": ["called-out:1"],
                                                "Layers": [names["layer"]]}]))])
    result = machine.split(f"docker load -i {machine.put('escape.tar', data)}")
    assert result.out == "Loaded image: called-out:1\n"
    assert machine.run("ls -d /tmp/knarr-escape* 2>/dev/null").out == ""
    assert machine.ok(f"ls {machine.store}/images/sha256").count(image.id) == 1


@pytest.mark.host_is_enough  # it looks from beside, and the appliance has one console
def test_interrupted(clean):
    """^C in the middle of a layer: the command ends, nothing of it is left, and the next one works."""
    image = archive.Image([BULK])
    path = clean.put("interrupted.tar", docker(layers=(BULK,)))
    for part in ("head -c 200000", "cat"):
        with clean.spawn(f"({part} {path}; sleep 60) | docker load") as s:
            # what it was given is read by now; the rest never comes
            clean.until("ps w 2>/dev/null || ps", "docker load")
            s.control("c")
            assert s.end() in (130, 2, 1)
    assert clean.ok(f"ls -A {clean.store}/tmp") == ""
    assert image.diffids[0][7:] not in clean.ok(f"ls {clean.store}/layers/sha256")


def test_many_at_once(machine):
    """Of ten at once, some of which are interrupted, whoever ends well says so, and the image is whole."""
    image = archive.Image([BULK, SMALL])
    path = machine.put("many-at-once.tar", archive.compress(docker(
        layers=(BULK, SMALL), manifest=[{"Config": "c", "RepoTags": ["at-once:5"], "Layers": ["l0", "l1"]}]), "gzip"))
    out = machine.ok(f"for i in 1 2 3 4 5 6 7 8 9 10; do docker load -q -i {path} & "
                     "case $i in 3|6|9) sleep 0.02; kill -INT $!;; esac; done; wait")
    assert out.count("Loaded image: at-once:5\n") >= 7
    assert [i for i in machine.images() if i[0] == "at-once:5"] == [("at-once:5", "sha256:" + image.id)]
    for diffid, layer in zip(image.diffids, image.layers):
        assert machine.ok(f"sha256sum {machine.store}/layers/sha256/{diffid[7:]}.tar").split()[0] == archive.sha256(layer)
    assert machine.settled_leftovers() == []
