# SPDX-License-Identifier: GPL-2.0-or-later
"""`docker exec`: one more process in a running container."""

import re

import pytest


@pytest.fixture
def running(machine):
    return machine.ok("docker run -d -e FROM_RUN=yes --name target busybox sleep 1000").strip()


def test_by_name_id_and_short_id(machine, running):
    for name in ("target", running, running[:12], running[:6]):
        assert machine.ok(f"docker exec {name} echo hi") == "hi\n"


def test_sees_the_containers_processes_and_files(machine, running):
    machine.ok("docker exec target sh -c 'echo x > /tmp/seen'")
    assert machine.ok("docker exec target cat /tmp/seen") == "x\n"
    assert "sleep 1000" in machine.ok("docker exec target ps -o pid,args")
    assert machine.ok("docker exec target sh -c 'cat /proc/1/cmdline | tr \"\\0\" \" \"'").strip() == "sleep 1000"


def test_has_the_containers_namespaces_and_limits(machine, running):
    for ns in ("pid", "mnt", "uts", "ipc", "net", "cgroup"):
        out = machine.ok(f"docker exec target sh -c 'readlink /proc/1/ns/{ns}; readlink /proc/self/ns/{ns}'").split()
        assert out[0] == out[1], ns
    status = machine.ok("docker exec target cat /proc/self/status")
    assert "CapEff:\t00000000a80425fb" in status
    assert "CapBnd:\t00000000a80425fb" in status
    assert "Seccomp:\t2" in status


def test_cgroup_is_the_containers(machine, running):
    out = machine.ok("docker exec target sh -c 'grep ^0:: /proc/1/cgroup /proc/self/cgroup'").split()
    assert len({line.split("::")[1] for line in out}) == 1


@pytest.mark.parametrize("status", [0, 127, 200])
def test_exit_status(machine, running, status):
    assert machine.run(f"docker exec target sh -c 'exit {status}'").status == status


def test_exit_status_of_a_signal(machine, running):
    assert machine.run("docker exec target sh -c 'kill -9 $$'").status == 137


def test_missing_program(machine, running):
    result = machine.split("docker exec target no-such-program")
    assert result.status == 127 and "no-such-program" in result.err and len(result.err.splitlines()) == 1
    assert machine.run("docker exec target /etc/passwd").status == 126


def test_streams(machine, running):
    result = machine.split("docker exec target sh -c 'echo out; echo err >&2'")
    assert (result.out, result.err) == ("out\n", "err\n")
    assert machine.ok("echo in | docker exec -i target cat") == "in\n"
    assert machine.ok("echo in | docker exec target cat") == ""


def test_options(machine, running):
    assert machine.ok("docker exec -e A=1 target sh -c 'echo $A $FROM_RUN'") == "1 yes\n"
    assert machine.ok("docker exec -w /tmp target pwd") == "/tmp\n"
    assert re.match(r"uid=1000(\(\w+\))? gid=7\b", machine.ok("docker exec -u 1000:7 target id"))


def test_terminal_flag_alone(machine, running):
    assert machine.ok("docker exec -t target sh -c 'test -t 1 && echo terminal'").strip() == "terminal"


def test_d_returns_at_once(machine, running):
    machine.ok("docker exec -d target sh -c 'sleep 1; touch /tmp/later; sleep 1000'", timeout=30)
    machine.until("docker exec target ls /tmp", "later")


def test_unknown_and_stopped_container(machine, running):
    result = machine.split("docker exec no-such-container true")
    assert result.status == 1 and "no-such-container" in result.err and len(result.err.splitlines()) == 1
    machine.ok("docker kill target")
    result = machine.split("docker exec target true")
    assert result.status == 1 and "not running" in result.err


def test_ends_with_the_container(machine, running):
    cmd = "(sleep 2; docker kill target >/dev/null) & docker exec target sleep 1000"
    assert machine.run(cmd, timeout=60).status == 137


def test_zombies_of_exec_do_not_pile_up(machine, running):
    machine.ok("for i in 1 2 3 4 5; do docker exec target true; done")
    assert "Z" not in machine.ok("docker exec target ps -o stat")


def test_image_user_and_folder_hold(machine):
    machine.ok("docker run -d --name box --entrypoint sleep testbox 1000")
    assert machine.ok("docker exec box sh -c 'id -u; pwd; echo $HOME'") == "1000\n/home/worker\n/home/worker\n"
