# SPDX-License-Identifier: GPL-2.0-or-later
"""Images in: `docker load`, and `docker images` after it. (Every form of archive: test_load_formats.py; root
filesystems: test_import.py.)"""

import re
import shutil
import subprocess

import pytest

import archive
import testbox

HEADER = ["REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE"]


@pytest.fixture
def tidy(machine):
    """Takes away what a test's images were called before it ran anything, by running under names of its own."""
    before = set(machine.images())
    yield machine
    machine.remove_containers()
    # the test's images stay under their own names; the others must be what they were
    gone = {name for name, _ in before - set(machine.images())}
    assert not gone & {"busybox:latest", "testbox:latest"}


def small(label):
    """An image that differs by label and runs."""
    lower = archive.layer(*testbox._base())
    upper = archive.layer(archive.folder("etc"), archive.entry("etc/label", data=label.encode() + b"\n"))
    return archive.Image([lower, upper], {"Cmd": ["cat", "/etc/label"], "Env": ["PATH=/bin"]})


def check(machine, out, image, name):
    assert f"Loaded image: {name}\n" in out.replace("\r", "")
    assert (name, "sha256:" + image.id) in machine.images()
    assert machine.ok(f"docker run --rm {name}") == name.split(":")[0] + "\n"


@pytest.mark.parametrize("compressed", ["", "gzip", "zstd"])
def test_docker_archive(tidy, tmp_path, compressed):
    name = f"docker-{compressed or 'plain'}:1"
    image = small(name.split(":")[0])
    path = tidy.link(archive.docker_archive(tmp_path / f"{name.split(':')[0]}.tar", image, [name], compressed))
    check(tidy, tidy.ok(f"docker load -i {path}"), image, name)


@pytest.mark.parametrize("compressed", ["", "gzip", "zstd"])
def test_oci_archive(tidy, tmp_path, compressed):
    name = f"oci-{compressed or 'plain'}:1"
    image = small(name.split(":")[0])
    path = tidy.link(archive.oci_archive(tmp_path / f"{name.split(':')[0]}.tar", image, name, compressed))
    check(tidy, tidy.ok(f"docker load -i {path}"), image, name)


def test_oci_archive_that_is_compressed_as_a_whole(tidy, tmp_path):
    image = small("oci-whole")
    path = archive.oci_archive(tmp_path / "oci-whole.tar.gz", image, "oci-whole:1", "")
    path.write_bytes(archive.compress(path.read_bytes(), "gzip"))
    check(tidy, tidy.ok(f"docker load -i {tidy.link(path)}"), image, "oci-whole:1")


@pytest.mark.skipif(not shutil.which("skopeo"), reason="skopeo is not installed")
@pytest.mark.parametrize("kind", ["docker-archive", "oci-archive"])
def test_archive_that_skopeo_wrote(tidy, tmp_path, kind):
    image = small(f"skopeo-{kind}")
    source = archive.docker_archive(tmp_path / "in.tar", image, ["x:1"])
    target = tmp_path / f"skopeo-{kind}.tar"
    done = subprocess.run(["skopeo", "copy", "--insecure-policy", "-q", f"docker-archive:{source}",
                           f"{kind}:{target}:skopeo-{kind}:1"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout
    out = tidy.ok(f"docker load -i {tidy.link(target)}")
    assert f"skopeo-{kind}:1" in out
    # skopeo writes the configuration anew, so the ID is its own
    assert tidy.ok(f"docker run --rm skopeo-{kind}:1") == f"skopeo-{kind}\n"


def test_from_standard_input(tidy, tmp_path):
    image = small("stdin")
    path = tidy.link(archive.docker_archive(tmp_path / "stdin.tar", image, ["stdin:1"]))
    check(tidy, tidy.ok(f"docker load < {path}"), image, "stdin:1")
    check(tidy, tidy.ok(f"cat {path} | docker load"), image, "stdin:1")


def test_twice_is_no_harm(tidy, tmp_path):
    image = small("twice")
    path = tidy.link(archive.docker_archive(tmp_path / "twice.tar", image, ["twice:1"]))
    tidy.ok(f"docker load -i {path}")
    before = tidy.ok(f"find {tidy.store}/layers {tidy.store}/images | sort")
    check(tidy, tidy.ok(f"docker load -i {path}"), image, "twice:1")
    assert tidy.ok(f"find {tidy.store}/layers {tidy.store}/images | sort") == before


def test_two_at_once(tidy, tmp_path):
    image = small("at-once")
    path = tidy.link(archive.docker_archive(tmp_path / "at-once.tar", image, ["at-once:1"]))
    tidy.ok(f"docker load -i {path} & docker load -i {path} & wait")
    assert [i for i in tidy.images() if i[0] == "at-once:1"] == [("at-once:1", "sha256:" + image.id)]
    assert tidy.ok("docker run --rm at-once:1") == "at-once\n"


def test_several_names(tidy, tmp_path):
    image = small("names")
    path = tidy.link(archive.docker_archive(tmp_path / "names.tar", image, ["names:1", "names:two", "other/names:3"]))
    out = tidy.ok(f"docker load -i {path}")
    for name in ("names:1", "names:two", "other/names:3"):
        assert f"Loaded image: {name}" in out
        assert tidy.ok(f"docker run --rm {name}") == "names\n"


def test_without_a_name(tidy, tmp_path):
    image = small("no-name")
    path = tidy.link(archive.docker_archive(tmp_path / "no-name.tar", image, []))
    assert f"Loaded image ID: sha256:{image.id}" in tidy.ok(f"docker load -i {path}")
    assert ("<none>:<none>", "sha256:" + image.id) in tidy.images()
    assert tidy.ok(f"docker run --rm {image.id[:12]}") == "no-name\n"


def test_a_name_moves_to_the_newer_image(tidy, tmp_path):
    old, new = small("old"), small("new")
    for image in (old, new):
        path = tidy.link(archive.docker_archive(tmp_path / f"moves-{image.id[:8]}.tar", image, ["moves:1"]))
        tidy.ok(f"docker load -i {path}")
    assert ("moves:1", "sha256:" + new.id) in tidy.images()
    assert ("<none>:<none>", "sha256:" + old.id) in tidy.images()


def test_images_columns(machine):
    out = machine.ok("docker images")
    assert re.split(r"\s{2,}", out.splitlines()[0].strip()) == HEADER
    row = next(l for l in out.splitlines() if l.startswith("testbox "))
    name, tag, image, created, size = re.split(r"\s{2,}", row.strip())
    assert (name, tag) == ("testbox", "latest")
    assert image == testbox.image().id[:12]
    assert re.fullmatch(r".* (years|months|weeks) ago", created)
    assert re.fullmatch(r"\d+(\.\d+)?[kM]B", size)
    assert machine.ok("docker images -q testbox") == image + "\n"
    assert machine.ok("docker image ls -q testbox:latest") == image + "\n"
    assert machine.ok("docker images no-such").splitlines() == out.splitlines()[:1] or \
        re.split(r"\s{2,}", machine.ok("docker images no-such").strip()) == HEADER


@pytest.mark.parametrize("kind", ["docker", "docker-gzip", "oci-gzip", "oci-zstd"])
def test_debian(tidy, debian_files, kind):
    path = {"docker": debian_files.docker_archive, "docker-gzip": lambda: debian_files.docker_archive("gzip"),
            "oci-gzip": lambda: debian_files.oci_archive("gzip"), "oci-zstd": lambda: debian_files.oci_archive("zstd")}[kind]()
    out = tidy.ok(f"docker load -i {tidy.link(path)}", timeout=300)
    assert "Loaded image: debian:bookworm" in out
    assert tidy.ok("docker run --rm debian:bookworm cat /etc/debian_version").startswith("12.")
    assert tidy.ok("docker images -q --no-trunc debian").strip() == "sha256:" + _id(debian_files)


def test_debian_is_whole(tidy, debian_files):
    tidy.ok(f"docker load -i {tidy.link(debian_files.docker_archive())}", timeout=300)
    assert tidy.ok("docker run --rm debian:bookworm dpkg --verify", timeout=300).count("missing") < 20000
    assert "root" in tidy.ok("docker run --rm debian:bookworm stat -c %U:%G:%a /usr/bin/passwd")
    assert tidy.ok("docker run --rm debian:bookworm stat -c %a /tmp /usr/bin/passwd").split() == ["1777", "4755"]
    with tidy.spawn("docker run -it --rm --hostname sea debian:bookworm") as s:
        s.expect("root@sea:/# ")
        s.line("exit 3")
        assert s.end() == 3


def _id(debian_files):
    return debian_files._image().id
