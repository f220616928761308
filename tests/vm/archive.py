# SPDX-License-Identifier: GPL-2.0-or-later
"""Image archives as Docker and OCI tools write them, made with nothing but Python's library (and zstd): the honest ones
the tests load, and the pieces from which test_bad_input.py makes dishonest ones.

A layer is given as bytes or as the path of a tar file. Nothing here reads a clock or a random number: the same input
gives the same bytes.
"""

import bz2
import gzip
import hashlib
import io
import json
import lzma
import pathlib
import subprocess
import tarfile

OCI = "application/vnd.oci.image."
COMPRESSIONS = ["", "gzip", "zstd", "xz", "bzip2"]
LAYER_TYPES = {how: OCI + "layer.v1.tar" + ("+" + how if how else "") for how in COMPRESSIONS}


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def compress(data, how):
    if how == "gzip":
        return gzip.compress(data, 6, mtime=0)
    if how == "zstd":
        return subprocess.run(["zstd", "-q", "-3", "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout
    if how == "xz":
        return lzma.compress(data, preset=1)
    if how == "bzip2":
        return bz2.compress(data, 1)
    return data


def entry(name, kind=tarfile.REGTYPE, data=b"", mode=0o644, link="", dev=(0, 0), uid=0, gid=0, pax=None):
    """One member for layer(): what tarfile calls a TarInfo, with its contents."""
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.linkname, info.uid, info.gid = kind, mode, link, uid, gid
    info.mtime = 1704067200
    info.devmajor, info.devminor = dev
    info.size = len(data)
    info.pax_headers = pax or {}
    return info, data


def folder(name, mode=0o755, **more):
    return entry(name, tarfile.DIRTYPE, mode=mode, **more)


def symlink(name, target):
    return entry(name, tarfile.SYMTYPE, link=target, mode=0o777)


def layer(*members, format=tarfile.PAX_FORMAT):
    """A tar of the members, as bytes. tarfile writes names as they are given: '..' and a leading / included."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=format) as tar:
        for info, data in members:
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


class Image:
    """Layers, lowest first, and a configuration that names them truly."""

    def __init__(self, layers, config=None, created="2024-01-01T00:00:00Z", created_by="knarr test", **members):
        self.layers = [l if isinstance(l, bytes) else pathlib.Path(l).read_bytes() for l in layers]
        self.diffids = ["sha256:" + sha256(l) for l in self.layers]
        self.document = {
            "architecture": "amd64", "os": "linux", "created": created, "config": config or {},
            "rootfs": {"type": "layers", "diff_ids": self.diffids},
            "history": [{"created": created, "created_by": created_by} for _ in self.layers],
            **members,
        }

    @property
    def config(self):
        return json.dumps(self.document, separators=(",", ":")).encode()

    @property
    def id(self):
        return sha256(self.config)


def write_tar(path, files):
    """files: (name, bytes, or the target of a link) in order; folders for the names' parents are written as docker save does."""
    seen = set()
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        for name, data in files:
            parents = [str(p) for p in reversed(pathlib.PurePosixPath(name).parents) if str(p) != "."]
            for parent in parents:
                if parent not in seen:
                    seen.add(parent)
                    tar.addfile(folder(parent)[0])
            # text is where a symbolic link leads
            info, data = symlink(name, data) if isinstance(data, str) else entry(name, data=data)
            tar.addfile(info, io.BytesIO(data))


def docker_files(image, tags, manifest=None):
    """The files of a docker-archive by name, in the order Docker writes them: what write_tar takes."""
    files = [(f"{d[7:]}/layer.tar", l) for d, l in zip(image.diffids, image.layers)]
    if manifest is None:
        manifest = [{"Config": image.id + ".json", "RepoTags": list(tags), "Layers": [name for name, _ in files]}]
    # the same layer twice is one file
    files = list(dict(files).items())
    return files + [(image.id + ".json", image.config), ("manifest.json", json.dumps(manifest).encode())]


def docker_archive(path, image, tags, compressed=""):
    write_tar(path, docker_files(image, tags))
    if compressed:
        data = pathlib.Path(path).read_bytes()
        pathlib.Path(path).write_bytes(compress(data, compressed))
    return path


def old_docker_files(image, tags):
    """As Docker 1.10 to 24 wrote it: a folder a layer with VERSION, json and layer.tar, a layer that came before being a
    link, and `repositories`. Folders are called by what Docker calls its layers' v1 IDs."""
    files, chain, seen = [], "", {}
    for diffid, data in zip(image.diffids, image.layers):
        parent, chain = chain, sha256((chain + diffid).encode())
        v1 = {"id": chain, "created": "1970-01-01T00:00:00Z", "container_config": {}, "os": "linux",
              **({"parent": parent} if parent else {})}
        files += [(chain + "/VERSION", b"1.0"), (chain + "/json", json.dumps(v1).encode())]
        files.append((chain + "/layer.tar", "../" + seen[diffid] if diffid in seen else data))
        seen.setdefault(diffid, chain + "/layer.tar")
    names = [name for name, _ in files if name.endswith("/layer.tar")]
    repositories = {}
    for tag in tags:
        repositories.setdefault(tag.rpartition(":")[0], {})[tag.rpartition(":")[2]] = chain
    return files + [
        (image.id + ".json", image.config),
        ("manifest.json", json.dumps([{"Config": image.id + ".json", "RepoTags": list(tags), "Layers": names}]).encode()),
        ("repositories", json.dumps(repositories).encode())]


def hybrid_files(image, tag):
    """As Docker writes it since version 25: an OCI layout that is a docker-archive, too."""
    files = [f for f in oci_files(image, tag, "") if f[0] != "manifest.json"]
    blob = lambda digest: "blobs/sha256/" + digest
    manifest = [{"Config": blob(image.id), "RepoTags": [tag], "Layers": [blob(d[7:]) for d in image.diffids],
                 "LayerSources": {d: {"mediaType": OCI + "layer.v1.tar", "size": len(l), "digest": d}
                                  for d, l in zip(image.diffids, image.layers)}}]
    return files + [("manifest.json", json.dumps(manifest).encode()),
                    ("repositories", json.dumps({tag.rpartition(":")[0]: {tag.rpartition(":")[2]: "0" * 64}}).encode())]


def descriptor(kind, data, **more):
    return {"mediaType": OCI + kind, "digest": "sha256:" + sha256(data), "size": len(data), **more}


def blob(data):
    return "blobs/sha256/" + sha256(data), data


def oci_index(manifests):
    return json.dumps({"schemaVersion": 2, "mediaType": OCI + "index.v1+json", "manifests": manifests}).encode()


def oci_image_blobs(image, compressed="gzip"):
    """The manifest of an image, and the blobs it needs (itself among them)."""
    layers = [compress(l, compressed) for l in image.layers]
    manifest = json.dumps({
        "schemaVersion": 2, "mediaType": OCI + "manifest.v1+json", "config": descriptor("config.v1+json", image.config),
        "layers": [{**descriptor("", b), "mediaType": LAYER_TYPES[compressed]} for b in layers],
    }).encode()
    return manifest, list(dict(map(blob, [manifest, image.config, *layers])).items())


def oci_files(image, tag, compressed="gzip", blobs=None, digests=None, sizes=None):
    """The files of an OCI layout. blobs, digests and sizes replace what is stored and said of the layers (for lies)."""
    blobs = blobs or [compress(l, compressed) for l in image.layers]
    digests = digests or ["sha256:" + sha256(b) for b in blobs]
    sizes = sizes or [len(b) for b in blobs]
    manifest = json.dumps({
        "schemaVersion": 2, "mediaType": OCI + "manifest.v1+json",
        "config": {"mediaType": OCI + "config.v1+json", "digest": "sha256:" + image.id, "size": len(image.config)},
        "layers": [{"mediaType": LAYER_TYPES[compressed], "digest": d, "size": s} for d, s in zip(digests, sizes)],
    }).encode()
    name, _, version = tag.rpartition(":")
    index = json.dumps({
        "schemaVersion": 2, "mediaType": OCI + "index.v1+json",
        "manifests": [{
            "mediaType": OCI + "manifest.v1+json", "digest": "sha256:" + sha256(manifest), "size": len(manifest),
            "platform": {"architecture": "amd64", "os": "linux"},
            "annotations": {"org.opencontainers.image.ref.name": version,
                            "io.containerd.image.name": "docker.io/library/" + tag},
        }],
    }).encode()
    assert name
    files = [("oci-layout", b'{"imageLayoutVersion":"1.0.0"}'), ("index.json", index),
             ("blobs/sha256/" + sha256(manifest), manifest), ("blobs/sha256/" + image.id, image.config)]
    return files + list({"blobs/sha256/" + d[7:]: b for d, b in zip(digests, blobs)}.items())


def oci_archive(path, image, tag, compressed="gzip"):
    write_tar(path, oci_files(image, tag, compressed))
    return path
