# SPDX-License-Identifier: GPL-2.0-or-later
"""The ways to end the appliance. Whichever is taken, containers are asked to stop, and the disk is clean."""

import pytest

TRAP = ("docker run -d --name polite busybox sh -c 'trap \"echo asked > /asked; sync; exit 0\" TERM; echo up; "
        "while :; do sleep 0.1; done'")


def with_container(boot, **options):
    vm = boot(disk_size="256M", **options)
    vm.log_in()
    vm.ok(TRAP)
    vm.until("docker logs polite", "up")
    return vm


def check_stopped(vm):
    assert vm.fsck().status == 0, vm.fsck().out
    found = vm.debugfs("ls -p /containers")
    container = [w for w in found.replace("/", " ").split() if len(w) == 64][0]
    assert "asked" in vm.debugfs(f"cat /containers/{container}/upper/asked")


def test_poweroff(boot):
    vm = with_container(boot)
    assert vm.power_off() == 0
    check_stopped(vm)


def test_power_button(boot):
    vm = with_container(boot)
    vm.monitor("system_powerdown")
    assert vm.wait_off() == 0
    check_stopped(vm)


def test_reboot(boot):
    vm = with_container(boot)
    vm.child.send("reboot\r")
    vm.reboot_expected()
    out = vm.ok("docker ps -a")
    assert "Exited (0)" in out
    assert "asked" in vm.ok("cat /var/lib/knarr/containers/*/upper/asked")
    vm.power_off()
    assert vm.fsck().status == 0


def test_ctrl_alt_del(boot):
    vm = with_container(boot)
    if "kbd" not in vm.run("cat /proc/bus/input/devices").out:
        pytest.skip("the appliance's kernel drives no keyboard: there is no Ctrl-Alt-Del to press")
    vm.monitor("sendkey ctrl-alt-delete")
    vm.reboot_expected()
    assert "Exited (0)" in vm.ok("docker ps -a")


def test_sigint_to_pid_1(boot):
    """What the kernel sends for Ctrl-Alt-Del."""
    vm = with_container(boot)
    vm.child.send("kill -INT 1\r")
    vm.reboot_expected()
    assert "Exited (0)" in vm.ok("docker ps -a")


def test_sigterm_to_pid_1(boot):
    """What BusyBox's reboot sends."""
    vm = with_container(boot)
    vm.child.send("kill -TERM 1\r")
    vm.reboot_expected()
    assert "Exited (0)" in vm.ok("docker ps -a")


def test_container_that_does_not_listen_delays_no_longer_than_its_limit(boot):
    vm = boot(disk_size="256M")
    vm.log_in()
    vm.ok("docker run -d --name deaf busybox sh -c 'trap \"\" TERM; echo up; while :; do sleep 0.1; done'")
    vm.until("docker logs deaf", "up")
    assert vm.power_off() == 0
    assert vm.fsck().status == 0


def test_writes_reach_the_disk(boot):
    vm = boot(disk_size="256M")
    vm.log_in()
    vm.ok("docker run --name writer busybox sh -c 'seq 1 100000 > /numbers'")
    want = vm.ok("cat /var/lib/knarr/containers/*/upper/numbers | sha256sum")
    vm.power_off()
    again = boot(disk_size="256M")
    again.log_in()
    assert again.ok("cat /var/lib/knarr/containers/*/upper/numbers | sha256sum") == want
