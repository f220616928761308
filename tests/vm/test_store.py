# SPDX-License-Identifier: GPL-2.0-or-later
"""Which disk becomes the store, and that it keeps what it was given."""

import hashlib
import os
import pathlib
import subprocess

import pytest

MIB = 1 << 20


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() if hasattr(hashlib, "file_digest") else _digest(file)


def _digest(file):
    total = hashlib.sha256()
    for chunk in iter(lambda: file.read(MIB), b""):
        total.update(chunk)
    return total.hexdigest()


def blank(folder, size):
    path = folder / "own.img"
    with open(path, "wb") as file:
        file.truncate(size)
    return path


def store_kind(vm):
    return vm.ok("awk '$2 == \"/var/lib/knarr\" { print $3 }' /proc/mounts").split()[-1]


def test_blank_disk_is_formatted_and_labelled(vm):
    assert store_kind(vm) == "ext4"
    label = vm.disk.read_bytes()[1024 + 120:1024 + 136].rstrip(b"\0") if vm.disk.stat().st_size < MIB else _label(vm.disk)
    assert label == b"KNARR"


def _label(path):
    with open(path, "rb") as file:
        file.seek(1024 + 120)
        return file.read(16).rstrip(b"\0")


def test_images_and_containers_survive_a_reboot(boot, images):
    vm = boot()
    vm.log_in()
    vm.ok("docker load -i " + vm.link(images))
    assert vm.run("docker run --name kept busybox sh -c 'echo written > /file; exit 3'").status == 3
    vm.ok("docker run -d --name running busybox sh -c 'trap \"exit 0\" TERM; while :; do sleep 0.1; done'")
    before = vm.images()
    assert vm.power_off() == 0
    again = boot()
    greeting = again.log_in()
    assert "format" not in greeting.lower()
    assert again.images() == before
    out = again.ok("docker ps -a")
    assert "kept" in out and "Exited (3)" in out
    # what was running is stopped, and says so
    assert "running" in out and out.count("Exited") == 2
    assert "written" in again.ok("docker logs kept; cat /var/lib/knarr/containers/*/upper/file")
    assert again.ok("docker run --rm testbox") == "say:2:default words\n"
    assert again.ok("docker rm kept running") == "kept\nrunning\n"


def test_pulled_plug_loses_nothing_that_was_said(boot, images):
    vm = boot()
    vm.log_in()
    vm.ok("docker load -i " + vm.link(images))
    container = vm.ok("docker run -d --name running busybox sleep 1000").strip()
    vm.kill()
    again = boot()
    again.log_in()
    assert again.ok("docker run --rm testbox") == "say:2:default words\n"
    # the container is known and is not said to run; what state it had reached may be lost
    assert again.ok("docker ps -a --no-trunc -q").strip() == container and again.ok("docker ps -q") == ""
    again.ok("docker rm -f running")
    assert again.settled_leftovers() == []
    again.power_off()
    assert again.fsck().status == 0


SIGNATURES = {
    "vfat": ["mkfs.vfat", "-n", "THEIRS"],
    "ext4 of another label": ["mkfs.ext4", "-q", "-L", "theirs"],
    "swap": ["mkswap"],
    "partition table": ["sfdisk", "-q"],
}


@pytest.mark.parametrize("kind", [*SIGNATURES, "one byte somewhere"])
def test_disk_with_a_signature_is_never_touched(boot, tmp_path, kind):
    disk = blank(tmp_path, 64 * MIB)
    if kind == "one byte somewhere":
        with open(disk, "r+b") as file:
            file.seek(20480)
            file.write(b"x")
    else:
        command = SIGNATURES[kind]
        tool = pathlib.Path("/sbin") / command[0]
        if not tool.exists():
            pytest.skip(f"{tool} is not here")
        subprocess.run([tool, *command[1:], disk], input=b",,L\n", check=True, stdout=subprocess.DEVNULL)
    before = digest(disk)
    vm = boot(disk=str(disk))
    greeting = vm.log_in()
    assert "RAM" in greeting or "memory" in greeting.lower(), greeting
    assert store_kind(vm) == "tmpfs"
    assert vm.ok("docker run --rm busybox echo fine") == "fine\n"
    vm.power_off()
    assert digest(disk) == before


def test_no_disk_is_said(boot):
    vm = boot(disk=None)
    greeting = vm.log_in()
    assert "RAM" in greeting or "memory" in greeting.lower(), greeting
    assert store_kind(vm) == "tmpfs"
    assert vm.ok("docker run --rm busybox echo fine") == "fine\n"
    assert vm.power_off() == 0


def test_store_is_found_among_other_disks(boot, tmp_path):
    other = blank(tmp_path, 64 * MIB)
    subprocess.run(["/sbin/mkfs.ext4", "-q", "-L", "theirs", other], check=True, stdout=subprocess.DEVNULL)
    store = tmp_path / "store.img"
    with open(store, "wb") as file:
        file.truncate(256 * MIB)
    subprocess.run(["/sbin/mkfs.ext4", "-q", "-L", "KNARR", store], check=True, stdout=subprocess.DEVNULL)
    before = digest(other)
    vm = boot(disk=str(other), extra=["-drive", f"file={store},format=raw,if=virtio"])
    vm.log_in()
    assert store_kind(vm) == "ext4"
    assert "/dev/vdb" in vm.ok("grep ' /var/lib/knarr ' /proc/mounts")
    vm.power_off()
    assert digest(other) == before


def test_second_disk_brings_an_image(boot, tmp_path, images):
    """Files come in by a disk of any filesystem the kernel reads, too."""
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "testbox.tar").write_bytes(pathlib.Path(images).read_bytes())
    disk = blank(tmp_path, 64 * MIB)
    subprocess.run(["/sbin/mkfs.ext4", "-q", "-d", folder, disk], check=True, stdout=subprocess.DEVNULL)
    vm = boot(extra=["-drive", f"file={disk},format=raw,if=virtio,readonly=on"])
    vm.log_in()
    vm.ok("mkdir -p /mnt/disk && mount -o ro /dev/vdb /mnt/disk")
    assert "Loaded image: testbox:latest" in vm.ok("docker load -i /mnt/disk/testbox.tar")
    assert vm.ok("docker run --rm testbox") == "say:2:default words\n"


def test_damaged_store_says_so(boot):
    vm = boot(disk_size="256M")
    vm.log_in()
    assert vm.power_off() == 0
    # the superblock with its label stays; the descriptors behind it and the first inode table go
    with open(vm.disk, "r+b") as file:
        file.seek(4096)
        file.write(os.urandom(2 * MIB))
    again = boot(disk_size="256M")
    greeting = again.log_in()
    assert any(word in greeting.lower() for word in ("damaged", "repair", "e2fsck", "cannot", "corrupt")), greeting
    assert again.ok("docker run --rm busybox echo fine") == "fine\n"


def test_full_disk(boot, tmp_path):
    """A disk that is too small for the image: said in one line, and the store goes on."""
    import archive
    vm = boot(disk_size="64M")
    vm.log_in()
    layer = archive.layer(archive.entry("noise", data=os.urandom(80 * MIB)))
    path = archive.docker_archive(tmp_path / "big.tar", archive.Image([layer]), ["big:1"])
    before = vm.images()
    for command in (f"docker load -i {vm.link(path)}", f"docker load < {vm.share_path}/big.tar"):
        result = vm.split(command)
        assert result.status == 1 and len(result.err.splitlines()) == 1, result
        assert "space" in result.err
    assert vm.images() == before
    assert vm.settled_leftovers() == []
    # a container that fills the disk is told so, and can be removed
    result = vm.run("docker run --name full busybox sh -c 'cat /dev/zero > /fill'")
    assert result.status == 1 and "No space left" in result.out
    assert vm.run("docker run --rm busybox echo x").status in (0, 125)
    vm.ok("docker rm -f full")
    assert vm.ok("docker run --rm busybox echo fine") == "fine\n"
    vm.power_off()
    assert vm.fsck().status == 0
