# SPDX-License-Identifier: GPL-2.0-or-later
"""Mounts of a bundle, on both kernels: what tests/unit/test_mounts.c tells in more detail, and on this machine's kernel alone."""

import pytest

import oci

TOP = "/run/kinds"  # where IDs can be mapped: the appliance's /tmp is a ramfs

OPTIONS = {
    "plain": ([], "rw,relatime rw"),
    "closed": (["ro", "nosuid", "nodev", "noexec"], "ro,nosuid,nodev,noexec,relatime rw"),
    "noatime": (["noatime"], "rw,noatime rw"),
    "strict": (["strictatime", "nodiratime"], "rw,nodiratime rw"),
    "nofollow": (["nosymfollow"], "rw,relatime,nosymfollow rw"),
    "sync": (["sync", "dirsync", "lazytime"], "rw,relatime rw,sync,dirsync,lazytime"),
    "all": (["rro", "rnosuid", "rnoatime"], "ro,nosuid,noatime rw"),
    "sized": (["size=64k", "mode=711"], "rw,relatime rw,size=64k,mode=711"),
}

POINTS = "while read -r i p d r at rest; do case $at in {};; esac; done </proc/self/mountinfo"


@pytest.fixture
def box(machine):
    machine.ok(f"rm -rf {TOP}; mkdir -p {TOP}/a/below {TOP}/b; echo A >{TOP}/a/file; chown 1000:2000 {TOP}/a/file")
    bundles = oci.Bundles(machine)
    yield bundles
    bundles.close()
    machine.run(f"umount {TOP}/a/below; umount {TOP}/b/in; umount {TOP}/b/out; umount {TOP}/b")
    assert TOP not in machine.ok("cat /proc/self/mountinfo")
    machine.ok(f"rm -rf {TOP}")


def run(box, script, mounts, userns=False, **more):
    def change(config):
        config["mounts"] += mounts
        caps = config["process"]["capabilities"]
        config["process"]["capabilities"] = {name: caps[name] + ["CAP_SYS_ADMIN"] for name in caps}
        if userns:
            config["linux"]["namespaces"].append({"type": "user"})
            maps = [{"containerID": 0, "hostID": 0, "size": 1}, {"containerID": 1, "hostID": 100001, "size": 65535}]
            config["linux"].update(uidMappings=maps, gidMappings=maps)
        config["linux"].update(more)
    box.shell(script, change=change)
    return box.ok(f"run -b {box.bundle}", "kinds")


def test_options(box):
    mounts = [{"destination": f"/m/{name}", "type": "tmpfs", "source": "tmpfs", "options": words} for name, (words, _) in OPTIONS.items()]
    out = run(box, "while read -r i p d r at own rest; do case $at in /m/*) echo ${at#/m/} $own ${rest##* };; esac; done "
                   "</proc/self/mountinfo", mounts)
    # kernels differ in what else they tell of a tmpfs
    lines = [line.replace(",inode64", "") for line in out.splitlines()]
    assert lines == [f"{name} {expected}" for name, (_, expected) in OPTIONS.items()]


def test_binds_between_filesystems_in_order(box):
    box.machine.ok(f"mount -t tmpfs below {TOP}/a/below")
    bind = {"source": f"{TOP}/a", "type": "bind"}
    out = run(box, "touch /v/1/x 2>/dev/null || echo ro; touch /v/1/below/x && echo rw; touch /v/2/below/x 2>/dev/null || echo rro; "
                   "cat /v/3/file; ls -A /v/4/below; " + POINTS.format("/v*) echo $at"), [
                       {"destination": "/v", "type": "tmpfs", "options": ["ro"]},
                       {"destination": "/v/1", **bind, "options": ["rbind", "ro"]},
                       {"destination": "/v/2", **bind, "options": ["rbind", "rro"]},
                       {"destination": "/v/3", "type": "tmpfs"},
                       {"destination": "/v/3/file", "source": f"{TOP}/a/file", "options": ["bind"]},
                       {"destination": "/v/4", **bind, "options": ["bind"]}])
    assert out == "ro\nrw\nrro\nA\n/v\n/v/1\n/v/1/below\n/v/2\n/v/2/below\n/v/3\n/v/3/file\n/v/4\n"


def test_copy_up_and_remount(box):
    box.machine.ok(f"mkdir -p {box.bundle}/rootfs/seed/deep; cd {box.bundle}/rootfs/seed && echo seed >deep/f && ln -s deep/f l && "
                   "chmod 1750 . && chown 5:6 deep; cd /")
    out = run(box, "cd /seed; cat l; stat -c '%a %u:%g' . deep; echo new >deep/f; stat -f -c %T /seed; touch /late/x 2>/dev/null || echo ro", [
        {"destination": "/seed", "type": "tmpfs", "options": ["tmpcopyup"]},
        {"destination": "/late", "type": "tmpfs"},
        {"destination": "/late", "type": "none", "options": ["remount", "ro"]}])
    assert out == "seed\n1750 0:0\n755 5:6\ntmpfs\nro\n"
    assert box.machine.ok(f"cat {box.bundle}/rootfs/seed/deep/f") == "seed\n"


@pytest.mark.parametrize("userns", [False, True])
def test_mapped_ids(box, userns):
    maps = {"uidMappings": [{"containerID": 1000, "hostID": 100007 if userns else 7, "size": 1}],
            "gidMappings": [{"containerID": 2000, "hostID": 100008 if userns else 8, "size": 1}]}
    out = run(box, "stat -c %u:%g /v/file /w/file; stat -c '%u %a %t:%T' /dev/null; echo x >/dev/null; "
                   + POINTS.format("/proc*|/dev*|/sys*|/v|/w) ;; *) echo $at"), [
                       {"destination": "/v", "source": f"{TOP}/a", "type": "bind", "options": ["bind", "idmap"], **maps},
                       {"destination": "/w", "source": f"{TOP}/a", "type": "bind", "options": ["bind"]}], userns)
    plain = "65534:65534" if userns else "1000:2000"
    assert out == f"7:8\n{plain}\n0 666 1:3\n/\n"


@pytest.mark.parametrize("words,inward,outward", [(["rbind"], False, False), (["rbind", "rslave"], True, False),
                                                  (["rbind", "rshared"], True, True)])
def test_propagation(box, words, inward, outward):
    machine = box.machine
    machine.ok(f"mount -t tmpfs b {TOP}/b && mount --make-shared {TOP}/b && mkdir {TOP}/b/in {TOP}/b/out")
    script = (f"( while test ! -e {TOP}/b/ready; do sleep 0.1; done; mount -t tmpfs in {TOP}/b/in && touch {TOP}/b/in/file; "
              f"touch {TOP}/b/go ) >/dev/null 2>&1 </dev/null &")
    machine.ok(script)
    out = run(box, "touch /v/ready; while test ! -e /v/go; do sleep 0.1; done; ls /v/in; mount -t tmpfs out /v/out && touch /v/out/file", [
        {"destination": "/v", "source": f"{TOP}/b", "type": "bind", "options": words}], rootfsPropagation="private")
    assert out == ("file\n" if inward else "")
    assert machine.ok(f"ls {TOP}/b/out") == ("file\n" if outward else "")
