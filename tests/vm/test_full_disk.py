# SPDX-License-Identifier: GPL-2.0-or-later
"""A store whose disk fills up: one line says so, nothing is changed, the store is whole, and room can be made."""

import os
import random
import subprocess

import pytest

import archive
import host
import model


@pytest.fixture
def small(request, place, tmp_path):
    """A store on a filesystem of 48 MiB, with kept:1 in it and a container `changed` of some 1.5 MB."""
    if os.getuid() != 0:
        pytest.skip("needs root: containers are made on this machine")
    disk, mount = tmp_path / "disk", tmp_path / "mnt"
    mount.mkdir()
    with open(disk, "wb") as file:
        file.truncate(48 << 20)
    subprocess.run(["/sbin/mkfs.ext4", "-q", "-m", "0", disk], check=True)
    subprocess.run(["mount", "-o", "loop", disk, mount], check=True)
    made = host.Host(request.config.getoption("--knarr"))
    made.env["KNARR_ROOT"] = made.store = str(mount)
    path, _ = model.kept(tmp_path, made.link)
    made.ok(f"docker load -i {path}")
    made.ok("docker run --name changed kept:1 sh -c 'seq 1 250000 > /changed'")
    yield made
    made.remove_containers()
    made.run("docker shutdown")
    subprocess.run(["umount", mount], check=True)
    made.close()


def fill(machine, leave):
    """Fills the disk up to so many bytes."""
    # as far as it goes, whatever dd says
    machine.run(f"dd if=/dev/zero of={machine.store}/fill bs=64k 2>/dev/null; sync {machine.store}/fill")
    size = os.path.getsize(f"{machine.store}/fill")
    os.truncate(f"{machine.store}/fill", max(0, size - leave))
    machine.ok("sync")


def refused(machine, command):
    before, files = machine.images(), machine.ok(f"find {machine.store} | sort")
    result = machine.split(command)
    assert result.status == 1 and len(result.err.splitlines()) == 1 and "space" in result.err.lower(), (command, result)
    assert machine.images() == before
    assert machine.ok(f"find {machine.store} | sort") == files
    result = machine.run("docker fsck -q")
    assert result.status == 0 and not result.out, result.out


@pytest.mark.host_is_enough
def test_more_than_fits(small, tmp_path):
    layer = archive.layer(archive.entry("noise", data=random.Random(1).randbytes(64 << 20)))
    path = small.link(archive.docker_archive(tmp_path / "big.tar", archive.Image([layer]), ["big:1"]))
    tar = small.put("big-root.tar", layer)
    for command in (f"docker load -i {path}", f"docker load < {path}", f"docker import {tar} big:2"):
        refused(small, command)


@pytest.mark.host_is_enough
@pytest.mark.parametrize("leave", [0, 64 << 10, 1 << 20, 4 << 20])
def test_almost_full(small, tmp_path, leave):
    image = archive.Image([archive.layer(archive.entry("noise", data=random.Random(1).randbytes(3 << 20)))])
    path = small.link(archive.docker_archive(tmp_path / "some.tar", image, ["some:1"]))
    fill(small, leave)
    refused(small, f"docker load -i {path}")
    refused(small, "docker commit changed committed:1")
    # what needs little is done or refused, and images go even from a disk without a free block
    for command in ("docker tag kept:1 again:1", "docker rmi again:1"):
        result = small.split(command)
        assert result.status in (0, 1) and len(result.err.splitlines()) == (result.status != 0), (command, result)
        result = small.run("docker fsck -q")
        assert result.status == 0 and not result.out, result.out
    small.ok(f"rm {small.store}/fill")
    assert small.ok(f"docker load -q -i {path}").endswith("some:1\n")
    small.ok("docker commit changed committed:1")
    small.ok("docker rmi some:1")
