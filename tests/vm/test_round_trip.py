# SPDX-License-Identifier: GPL-2.0-or-later
"""Out of here into Docker, podman, skopeo and umoci, and back: the same image ID on every way, and the same file tree in
every one of them. What a counterpart cannot do is said where it is left out; one that cannot run here is skipped."""

import contextlib
import hashlib
import json
import os
import pathlib
import shutil
import tempfile
import uuid

import pytest

import archive
import counterparts
import odd_image
import tree

pytestmark = pytest.mark.host_is_enough

NAMES = {"odd": "odd:1", "sparse": "sparse:1", "linked": "linked:1", "debian": "debian:bookworm"}

# What the tree of a running container has of its own: the root folder's time is that of its upper folder.
OURS = {(b"", "mtime")}
# Folders without an entry have the time at which they were made; podman's root folder is its own, and it knows no time
# before 1970.
UNDESCRIBED = {(b"nobody described it", "mtime")}
PODMAN = UNDESCRIBED | {(b"", "mode"), (b"", "mtime"), (b"odd/1969", "mtime")}


@pytest.fixture(scope="module")
def top():
    top = pathlib.Path(tempfile.mkdtemp(prefix="knarr-rt-"))  # short: podman counts
    yield top
    counterparts.unmount_below(top)
    # umoci's folders are as the image has them, modes without any permission too: no matter to root
    shutil.rmtree(top, ignore_errors=True)


def _counterpart(kind):
    @pytest.fixture(scope="module")
    def made(top):
        try:
            made = kind(top)
        except counterparts.Unfit as why:
            pytest.skip(str(why))
        yield made
        made.close()
    return made


docker = _counterpart(counterparts.Docker)
podman = _counterpart(counterparts.Podman)
skopeo = _counterpart(counterparts.Skopeo)
umoci = _counterpart(counterparts.Umoci)


@pytest.fixture(params=["odd", "sparse", "debian"])
def kind(request):
    return request.param


@pytest.fixture
def image(request, kind, machine, top):
    """An image in machine's store: (name, ID, its archive as save writes it)."""
    name, path = NAMES[kind], top / f"{kind}.tar"
    if not path.exists():
        if kind == "debian":
            machine.ok(f"docker load -i {request.getfixturevalue('debian_files').docker_archive()}")
        else:
            made = {"odd": odd_image.image, "sparse": lambda: odd_image.sparse_image(top), "linked": odd_image.linked_image}[kind]()
            machine.ok(f"docker load -i {archive.docker_archive(top / 'given.tar', made, [name])}")
            assert dict(machine.images())[name] == "sha256:" + made.id
        machine.ok(f"docker save -o {path} {name}")
    return name, dict(machine.images())[name], path


@contextlib.contextmanager
def other_store(machine, folder):
    """The words for a store that has nothing yet."""
    root = folder / f"store-{uuid.uuid4().hex}"
    yield f"docker --root {root}"
    machine.ok(f"docker --root {root} shutdown")
    shutil.rmtree(root)
    shutil.rmtree("/run/knarr-" + hashlib.sha256(os.fsencode(root)).hexdigest()[:8], ignore_errors=True)


def load_anew(machine, path, folder):
    """What an archive is in a store that has nothing else: names and IDs. The file goes."""
    with other_store(machine, folder) as docker:
        machine.ok(f"{docker} load -i {path}")
        rows = machine.ok(f"{docker} images --no-trunc").splitlines()[1:]
    pathlib.Path(path).unlink()
    return sorted((f"{r.split()[0]}:{r.split()[1]}", r.split()[2]) for r in rows)


TREES = {}


def tree_here(machine, name, id):
    """The tree of a container's root, without what is mounted into it."""
    if id in TREES:
        return TREES[id]
    token = uuid.uuid4().hex
    machine.ok(f"docker run -d --name tree -e TOKEN={token} {name} sleep 1000")
    found = None
    for proc in pathlib.Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if proc.name.isdigit() and f"TOKEN={token}".encode() in (proc / "environ").read_bytes().split(b"\0"):
                found = proc
    assert found, "the container's process is not to be found"
    mounted = {line.split()[4].lstrip("/").encode() for line in (found / "mountinfo").read_text().splitlines()}
    TREES[id] = tree.read(f"{found}/root/", mounted - {b""}), mounted - {b""}
    machine.ok("docker rm -f tree")
    return TREES[id]


def expect_same_tree(machine, image, path, apart_from):
    ours, mounted = tree_here(machine, *image[:2])
    found = tree.differences(ours, tree.read(path, mounted), apart_from | OURS)
    assert not found, "ours and theirs differ:\n" + "\n".join(found)


def test_docker(machine, image, kind, docker, top):
    name, id, path = image
    assert f"Loaded image: {name}" in docker.load(path)
    assert docker.id(name) == id
    if kind == "sparse":
        return  # Docker itself cannot save sparse files: "could not verify layer data"
    docker.save(top / "docker.tar", name)
    assert load_anew(machine, top / "docker.tar", top) == [(name, id)]


def test_podman(machine, image, kind, podman, top):
    name, id, path = image
    podman.load(path)
    assert podman.id(name) == id
    with podman.mounted(name) as root:
        expect_same_tree(machine, image, root, PODMAN)
    if kind == "sparse":
        return  # nor can podman: "write too long"
    podman.save(top / "podman.tar", name)
    assert [i for _, i in load_anew(machine, top / "podman.tar", top)] == [id]


@pytest.mark.parametrize("kind", ["odd"], indirect=True)
def test_podman_and_oci_archives(machine, image, podman, top):
    name, id, _ = image
    machine.ok(f"docker save --format oci-archive -o {top / 'oci.tar'} {name}")
    podman("rmi", name)
    podman.load(top / "oci.tar")
    assert podman.id(name) == id
    podman.save(top / "podman-oci.tar", name, form="oci-archive")
    assert [i for _, i in load_anew(machine, top / "podman-oci.tar", top)] == [id]


def test_skopeo(machine, kind, image, skopeo, top):
    """An OCI layout stays what it is on its way through another and a docker-archive."""
    name, id, path = image
    skopeo.copy(f"oci-archive:{path}", f"oci:{top}/{kind}-oci:it")
    assert skopeo.id(f"oci:{top}/{kind}-oci:it") == id
    skopeo.copy(f"oci:{top}/{kind}-oci:it", f"docker-archive:{top}/skopeo.tar:{name}")
    assert load_anew(machine, top / "skopeo.tar", top) == [(name, id)]
    if kind == "debian":
        return  # once more through gzip would take long
    skopeo.copy(f"docker-archive:{path}", f"docker-archive:{top}/skopeo.tar:{name}")
    assert load_anew(machine, top / "skopeo.tar", top) == [(name, id)]
    skopeo.copy(f"oci:{top}/{kind}-oci:it", f"oci-archive:{top}/skopeo.tar:{name}")
    assert [i for _, i in load_anew(machine, top / "skopeo.tar", top)] == [id]
    # from Docker's form into OCI's skopeo writes another configuration: the image is the one it says it made
    skopeo.copy(f"docker-archive:{path}", f"oci-archive:{top}/skopeo.tar:{name}")
    other = skopeo.id(f"oci-archive:{top}/skopeo.tar")
    assert [i for _, i in load_anew(machine, top / "skopeo.tar", top)] == [other]


@pytest.mark.parametrize("kind", ["odd", "sparse", "linked", "debian"], indirect=True)
def test_umoci(machine, kind, image, umoci, top):
    """The archive is an OCI layout that umoci reads when it is unpacked; the tree it makes is ours; what umoci adds to
    it comes back. A link to a file of a lower layer it alone can make."""
    name, _, path = image
    layout, bundle = top / f"{kind}-layout", top / f"{kind}-bundle"
    counterparts.unpack_archive(path, layout)
    root = umoci.unpack(f"{layout}:{name.split(':')[1]}", bundle)
    expect_same_tree(machine, image, root, UNDESCRIBED)
    if kind == "debian":
        return  # it would take umoci long to find what is new
    (root / "added").write_text("by umoci\n")
    umoci("repack", "--refresh-bundle", "--image", f"{layout}:changed", bundle)
    shutil.rmtree(bundle)
    index = json.loads((layout / "index.json").read_text())
    index["manifests"] = [m for m in index["manifests"]
                          if m["annotations"]["org.opencontainers.image.ref.name"] == "changed"]
    (layout / "index.json").write_text(json.dumps(index))
    (layout / "manifest.json").unlink()
    manifest = json.loads((layout / "blobs" / "sha256" / index["manifests"][0]["digest"][7:]).read_text())
    packed = counterparts.pack_folder(layout, top / "umoci.tar")
    shutil.rmtree(layout)
    with other_store(machine, top) as docker:
        machine.ok(f"{docker} load -i {packed}")
        assert machine.ok(f"{docker} images -q --no-trunc").split() == [manifest["config"]["digest"]]
        assert machine.ok(f"{docker} run --rm {manifest['config']['digest']} cat /added") == "by umoci\n"


def test_several_images_at_once(machine, docker, podman, top):
    """Two that share layers, one of them by two names."""
    base = archive.layer(archive.entry("base", data=b"0"))
    one = archive.Image([base, archive.layer(archive.entry("one", data=b"1"))])
    two = archive.Image([base, archive.layer(archive.entry("two", data=b"2"))])
    machine.ok(f"docker load -i {archive.docker_archive(top / 'one.tar', one, ['several:one', 'several:uno'])}")
    machine.ok(f"docker load -i {archive.docker_archive(top / 'two.tar', two, ['several:two'])}")
    want = [("several:one", "sha256:" + one.id), ("several:two", "sha256:" + two.id), ("several:uno", "sha256:" + one.id)]
    machine.ok(f"docker save -o {top / 'several.tar'} several")
    docker.load(top / "several.tar")
    podman.load(top / "several.tar")
    for name, id in want:
        assert docker.id(name) == id
        assert podman.id(name) == id
    docker.save(top / "docker.tar", *[name for name, _ in want])
    assert load_anew(machine, top / "docker.tar", top) == want
    podman.save(top / "podman.tar", *[name for name, _ in want])
    assert sorted({i for _, i in load_anew(machine, top / "podman.tar", top)}) == sorted({i for _, i in want})
    assert load_anew(machine, top / "several.tar", top) == want
