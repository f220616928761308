# SPDX-License-Identifier: GPL-2.0-or-later
"""--pid, --ipc, --uts, --cgroupns and --network: the machine's namespaces, another container's, or none of these."""

import pytest

FLAGS = {"pid": "--pid", "ipc": "--ipc", "uts": "--uts", "cgroup": "--cgroupns", "net": "--network"}


def namespace(machine, name, options, command="run --rm"):
    return machine.ok(f"docker {command} {options} busybox readlink /proc/self/ns/{name}")


@pytest.mark.parametrize("name", FLAGS)
def test_the_machines(machine, name):
    here = machine.ok(f"readlink /proc/self/ns/{name}")
    assert namespace(machine, name, f"{FLAGS[name]} host") == here


@pytest.fixture
def donor(machine):
    machine.ok("docker run -d --name donor --ipc shareable --network none -h donated busybox sleep 1000")
    return "donor"


@pytest.mark.parametrize("name", ["pid", "ipc", "net"])
def test_another_containers(machine, donor, name):
    theirs = machine.ok(f"docker exec donor readlink /proc/self/ns/{name}")
    assert namespace(machine, name, f"{FLAGS[name]} container:donor") == theirs
    # Only that one.
    others = [n for n in ("pid", "ipc") if n != name]
    for other in others:
        assert namespace(machine, other, f"{FLAGS[name]} container:donor") != machine.ok(
            f"docker exec donor readlink /proc/self/ns/{other}")


def test_processes_of_another(machine, donor):
    out = machine.ok("docker run --rm --pid container:donor busybox ps -o pid,args").splitlines()
    assert out[1].split() == ["1", "sleep", "1000"]


def test_shared_memory_of_another(machine, donor):
    machine.ok("docker exec donor sh -c 'echo shared >/dev/shm/x'")
    assert machine.ok("docker run --rm --ipc container:donor busybox cat /dev/shm/x") == "shared\n"
    machine.ok("docker run --rm --ipc container:donor busybox sh -c 'echo back >/dev/shm/y'")
    assert machine.ok("docker exec donor cat /dev/shm/y") == "back\n"


def test_names_come_with_the_network(machine, donor):
    out = machine.ok("docker run --rm --network container:donor busybox sh -c 'hostname; cat /etc/hostname; tail -1 /etc/hosts'")
    assert out.split() == ["donated", "donated", "127.0.1.1", "donated"]


def test_shared_memory_of_the_machine(machine):
    machine.ok("test -d /dev/shm || mkdir /dev/shm")
    machine.ok("echo machine >/dev/shm/knarr-flags")
    try:
        assert machine.ok("docker run --rm --ipc host busybox cat /dev/shm/knarr-flags") == "machine\n"
        assert machine.run("docker run --rm busybox cat /dev/shm/knarr-flags").status == 1
    finally:
        machine.ok("rm /dev/shm/knarr-flags")


def test_no_shared_memory(machine):
    assert machine.run("docker run --rm --ipc none busybox test -e /dev/shm").status == 1


def test_hostname_of_the_machine(machine):
    here = machine.ok("hostname").strip()
    out = machine.ok("docker run --rm --uts host busybox sh -c 'hostname; echo $HOSTNAME; cat /etc/hostname'")
    assert out.split() == [here] * 3


def test_private_ipc_is_not_shared(machine):
    other = machine.ok("docker run -d --name private busybox sleep 1000").strip()
    result = machine.split("docker run --rm --ipc container:private busybox true")
    assert result.status == 125
    assert (f"failed to join IPC namespace: container {other}: non-shareable IPC (hint: use IpcMode:shareable for the donor "
            "container)") in result.err


@pytest.mark.parametrize("flag,word", [("--pid", "PID"), ("--ipc", "IPC"), ("--network", "network")])
def test_a_container_that_does_not_run(machine, donor, flag, word):
    donor_id = machine.ok("docker inspect -f '{{.Id}}' donor").strip()
    machine.ok(f"docker create --name joiner {flag} container:donor busybox true")
    machine.ok("docker kill donor")
    machine.ok("docker wait donor")
    result = machine.split("docker start joiner")
    assert result.status == 1 and f"failed to join {word} namespace: container {donor_id} is not running" in result.err
    machine.ok("docker rm donor")
    result = machine.split("docker start joiner")
    assert result.status == 1 and f"No such container: {donor_id}" in result.err


def test_the_id_is_kept_not_the_name(machine, donor):
    machine.ok("docker create --name joiner --pid container:donor busybox ps -o pid,args")
    machine.ok("docker rename donor other")
    assert "sleep 1000" in machine.ok("docker start -a joiner")
    assert machine.ok("docker inspect -f '{{.HostConfig.PidMode}}' joiner") == machine.ok(
        "docker inspect -f 'container:{{.Id}}' other")


def test_sysctls_of_its_own_network(machine):
    here = machine.ok("cat /proc/sys/net/ipv4/ip_forward")
    other = "0" if here.strip() == "1" else "1"
    out = machine.ok(f"docker run --rm --network none --sysctl net.ipv4.ip_forward={other} busybox "
                     "cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/ip_unprivileged_port_start")
    assert out.split() == [other, "0"]
    assert machine.ok("cat /proc/sys/net/ipv4/ip_forward") == here


def test_a_restart_joins_anew(machine, donor):
    """Each start of a restarted container is in the donor's namespaces of that moment."""
    machine.ok("docker run -d --name joiner --ipc container:donor --restart always busybox sh -c 'cat /dev/shm/x; sleep 1'")
    machine.ok("docker exec donor sh -c 'echo later >/dev/shm/x'")
    machine.until("docker logs joiner 2>&1", "later")
    theirs = machine.ok("docker exec donor readlink /proc/self/ns/ipc")
    machine.until("docker exec joiner readlink /proc/self/ns/ipc 2>&1", theirs.strip().replace("[", r"\[").replace("]", r"\]"))
    machine.ok("docker rm -f joiner")


def test_nothing_of_it_is_left(clean):
    clean.ok("docker run -d --rm --name donor --ipc shareable --network none busybox sleep 1000")
    for flag in ("--pid", "--ipc", "--network"):
        clean.ok(f"docker run --rm {flag} container:donor busybox true")
    clean.ok("docker kill donor")
