# SPDX-License-Identifier: GPL-2.0-or-later
"""Every form in which images come: docker-archives of all ages, OCI layouts as archives and as folders, several images
and several platforms in one, and every compression, outside and inside."""

import json
import re

import pytest

import archive
import testbox


def image_of(label, **more):
    """An image that differs by label, runs, and says its label."""
    lower = archive.layer(*testbox._base())
    upper = archive.layer(archive.folder("etc"), archive.entry("etc/label", data=label.encode() + b"\n"))
    return archive.Image([lower, upper], {"Cmd": ["cat", "/etc/label"], "Env": ["PATH=/bin"]}, **more)


def foreign(architecture):
    return archive.Image([archive.layer(archive.entry("etc/arch", data=architecture.encode()))], architecture=architecture)


def tar_at(machine, tmp_path, name, files, compressed=""):
    path = tmp_path / name
    archive.write_tar(path, files)
    return machine.put(f"formats-{name}.tar", archive.compress(path.read_bytes(), compressed))


def folder_at(machine, name, files):
    for file, data in files:
        machine.put(f"{name}/{file}", data)
    return f"{machine.share_path}/{name}"


def check(machine, out, image, *names):
    """The words, the names, the ID, and that it runs."""
    assert out == "".join(f"Loaded image: {n}\n" for n in names)
    for name in names:
        assert (name, "sha256:" + image.id) in machine.images()
        assert machine.ok(f"docker run --rm {name}") == names[0].split(":")[0] + "\n"


def enough_on_the_host(values, but=()):
    return [pytest.param(v, marks=[] if v in but else pytest.mark.host_is_enough) for v in values]


@pytest.mark.parametrize("how", enough_on_the_host(archive.COMPRESSIONS, but=("xz", "bzip2")))
def test_compressed_as_a_whole(machine, tmp_path, how):
    name = f"whole-{how or 'plain'}"
    image = image_of(name)
    path = tar_at(machine, tmp_path, name, archive.docker_files(image, [name + ":1"]), how)
    check(machine, machine.split(f"docker load -i {path}").out, image, name + ":1")
    check(machine, machine.split(f"cat {path} | docker load").out, image, name + ":1")


@pytest.mark.parametrize("how", enough_on_the_host(archive.COMPRESSIONS, but=("xz", "bzip2")))
def test_compressed_layers(machine, tmp_path, how):
    name = f"layers-{how or 'plain'}"
    image = image_of(name)
    path = tar_at(machine, tmp_path, name, archive.oci_files(image, name + ":1", how))
    check(machine, machine.split(f"docker load -i {path}").out, image, name + ":1")


@pytest.mark.host_is_enough
def test_compressed_twice(machine, tmp_path):
    image = image_of("both")
    path = tar_at(machine, tmp_path, "both", archive.oci_files(image, "both:1", "xz"), "bzip2")
    check(machine, machine.split(f"docker load -i {path}").out, image, "both:1")


@pytest.mark.host_is_enough
def test_docker_archive_with_compressed_layers(machine, tmp_path):
    image = image_of("inner")
    files = [(n, archive.compress(d, "gzip") if n.endswith("layer.tar") else d)
             for n, d in archive.docker_files(image, ["inner:1"])]
    check(machine, machine.split(f"docker load -i {tar_at(machine, tmp_path, 'inner', files)}").out, image, "inner:1")


def test_old_docker_archive(machine, tmp_path):
    image = image_of("old-layout")
    path = tar_at(machine, tmp_path, "old", archive.old_docker_files(image, ["old-layout:1", "old-layout:two"]))
    check(machine, machine.split(f"docker load -i {path}").out, image, "old-layout:1", "old-layout:two")


def test_old_docker_archive_in_which_layers_are_links(machine, tmp_path):
    """The same layer twice, and another between: the second layer.tar is a symbolic link to the first."""
    base, label = image_of("old-links").layers
    image = archive.Image([base, label, image_of("between").layers[1], label], {"Cmd": ["cat", "/etc/label"], "Env": ["PATH=/bin"]})
    files = archive.old_docker_files(image, ["old-links:1"])
    assert any(isinstance(data, str) for _, data in files)
    path = tar_at(machine, tmp_path, "old-links", files)
    check(machine, machine.split(f"docker load -i {path}").out, image, "old-links:1")


def test_archive_of_both_kinds(machine, tmp_path):
    image = image_of("hybrid")
    path = tar_at(machine, tmp_path, "hybrid", archive.hybrid_files(image, "hybrid:1"))
    check(machine, machine.split(f"docker load -i {path}").out, image, "hybrid:1")


def test_several_images(machine, tmp_path):
    one, two = image_of("several-one"), image_of("several-two")
    files = dict(archive.docker_files(one, ["several-one:1"]) + archive.docker_files(two, ["several-two:1"]))
    lists = [json.loads(dict(archive.docker_files(i, [n]))["manifest.json"])[0]
             for i, n in ((one, "several-one:1"), (two, "several-two:1"))]
    files["manifest.json"] = json.dumps(lists + [{**lists[0], "RepoTags": None}]).encode()
    out = machine.split(f"docker load -i {tar_at(machine, tmp_path, 'several', files.items())}").out
    assert out == f"Loaded image: several-one:1\nLoaded image: several-two:1\nLoaded image ID: sha256:{one.id}\n"
    for name in ("several-one", "several-two"):
        assert machine.ok(f"docker run --rm {name}:1") == name + "\n"


def test_layout_folder(machine):
    image = image_of("oci-folder")
    path = folder_at(machine, "oci-folder", archive.oci_files(image, "oci-folder:1"))
    check(machine, machine.split(f"docker load -i {path}").out, image, "oci-folder:1")
    check(machine, machine.split(f"cd {path} && docker load -i .").out, image, "oci-folder:1")


@pytest.mark.host_is_enough
@pytest.mark.parametrize("files", [archive.old_docker_files, archive.docker_files], ids=["old", "new"])
def test_unpacked_docker_archive(machine, files):
    image = image_of("unpacked")
    path = folder_at(machine, "unpacked-" + files.__name__, files(image, ["unpacked:1"]))
    check(machine, machine.split(f"docker load -i {path}").out, image, "unpacked:1")


@pytest.mark.parametrize("form", ["tar", "folder"])
def test_index_of_several_platforms(machine, tmp_path, form):
    """Nested, ours in the middle, with an attestation and a tag: only ours comes, and of a folder only ours is read."""
    name = f"platforms-{form}"
    ours, blobs, listed = image_of(name), [], []
    for image, platform in ((foreign("arm64"), {"os": "linux", "architecture": "arm64", "variant": "v8"}),
                            (foreign("amd64"), {"os": "windows", "architecture": "amd64"}),
                            (ours, {"os": "linux", "architecture": "amd64"}),
                            (foreign("none"), {"os": "unknown", "architecture": "unknown"})):
        manifest, more = archive.oci_image_blobs(image)
        blobs += more
        listed.append(archive.descriptor("manifest.v1+json", manifest, platform=platform))
    nested = archive.oci_index(listed)
    index = archive.oci_index([archive.descriptor("index.v1+json", nested, annotations={
        "io.containerd.image.name": f"docker.io/library/{name}:1", "org.opencontainers.image.ref.name": "1"})])
    files = [("oci-layout", b'{"imageLayoutVersion":"1.0.0"}'), ("index.json", index), archive.blob(nested), *blobs]
    path = tar_at(machine, tmp_path, name, files) if form == "tar" else folder_at(machine, name, files)
    check(machine, machine.split(f"docker load --platform linux/amd64 -i {path}").out, ours, name + ":1")
    other = archive.sha256(foreign("arm64").layers[0])
    assert other not in machine.ok(f"ls {machine.store}/layers/sha256")


@pytest.mark.host_is_enough
@pytest.mark.parametrize("annotations, name", [
    ({}, None),
    ({"org.opencontainers.image.ref.name": "latest"}, None),
    ({"org.opencontainers.image.ref.name": "names-of:5"}, "names-of:5"),
    ({"org.opencontainers.image.ref.name": "docker.io/user/names-of"}, "user/names-of:latest"),
    ({"org.opencontainers.image.ref.name": "registry.test:5000/a/b:c"}, "registry.test:5000/a/b:c"),
    ({"org.opencontainers.image.ref.name": "2", "io.containerd.image.name": "docker.io/library/names-of:2"}, "names-of:2"),
])
def test_names_of_an_oci_image(machine, tmp_path, annotations, name):
    image = image_of("names-of")
    manifest, blobs = archive.oci_image_blobs(image)
    index = archive.oci_index([archive.descriptor("manifest.v1+json", manifest, annotations=annotations)])
    path = tar_at(machine, tmp_path, "names", [("index.json", index), *blobs])
    out = machine.split(f"docker load -i {path}").out
    assert out == (f"Loaded image: {name}\n" if name else f"Loaded image ID: sha256:{image.id}\n")
    assert machine.ok(f"docker run --rm {name or image.id[:12]}") == "names-of\n"


def test_name_that_moves_is_told_of(machine, tmp_path):
    old, new = image_of("moves-old"), image_of("moves-new")
    for image in (old, new):
        path = tar_at(machine, tmp_path, image.id, archive.docker_files(image, ["moves-away:1"]))
        result = machine.split(f"docker load -i {path}")
    assert result.out == (f"The image moves-away:1 already exists, renaming the old one with ID sha256:{old.id} to empty "
                          "string\nLoaded image: moves-away:1\n")
    assert ("<none>:<none>", "sha256:" + old.id) in machine.images()


@pytest.mark.host_is_enough
def test_quiet_and_not_on_a_terminal(machine, tmp_path):
    """Where nobody looks, nothing is drawn; -q leaves the one line that says what came."""
    image = image_of("quiet")
    path = tar_at(machine, tmp_path, "quiet", archive.docker_files(image, ["quiet:1"]))
    for words in ("", "-q", "--quiet"):
        result = machine.split(f"docker load {words} -i {path}")
        assert (result.out, result.err) == ("Loaded image: quiet:1\n", "")


def test_progress_on_a_terminal(machine, tmp_path):
    image = image_of("drawn")
    path = tar_at(machine, tmp_path, "drawn", archive.docker_files(image, ["drawn:1"]))
    for diffid in (True, False):
        with machine.spawn(f"docker load {'' if diffid else '-q'} -i {path}", cols=100) as s:
            seen = s.expect("Loaded image: drawn:1")
            assert s.end() == 0
        lines = re.findall(r"([0-9a-f]{12}): Loading layer \[=+>? *\] +[\d.]+[kM]?B/[\d.]+[kM]?B", seen)
        assert list(dict.fromkeys(lines)) == ([d[7:19] for d in image.diffids] if diffid else [])


@pytest.mark.host_is_enough
def test_platform_that_is_not_ours(machine, tmp_path):
    path = tar_at(machine, tmp_path, "arm", archive.docker_files(foreign("arm64"), ["arm:1"]))
    for words in (f"load -i {path}", f"load --platform linux/arm64 -i {path}", f"import --platform windows/amd64 {path}"):
        result = machine.split(f"docker {words}")
        assert result.status == 1 and result.out == "" and len(result.err.splitlines()) == 1
        assert "linux/amd64" in result.err
    assert "arm:1" not in dict(machine.images())
