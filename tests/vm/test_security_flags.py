# SPDX-License-Identifier: GPL-2.0-or-later
"""--cap-add, --cap-drop, --privileged, --security-opt, --device: rights given and taken, for the program and for exec."""

import json
import re

import pytest

DEFAULT = 0xa80425fb
NET_ADMIN, SYS_ADMIN, CHOWN, KILL = 12, 21, 0, 5


def capabilities(machine, options, user=""):
    out = machine.ok(f"docker run --rm {options} {user} busybox cat /proc/self/status")
    return {name: int(value, 16) for name, value in re.findall(r"Cap(\w+):\t(\w+)", out)}


def all_of_the_machine(machine):
    return (2 << int(machine.ok("cat /proc/sys/kernel/cap_last_cap"))) - 1


SETS = [
    ("--cap-add NET_ADMIN", DEFAULT | 1 << NET_ADMIN),
    ("--cap-add cap_net_admin", DEFAULT | 1 << NET_ADMIN),
    ("--cap-drop CHOWN", DEFAULT & ~(1 << CHOWN)),
    ("--cap-drop ALL", 0),
    ("--cap-drop all --cap-add KILL", 1 << KILL),
]


@pytest.mark.parametrize("options,expected", SETS, ids=[o for o, _ in SETS])
def test_capabilities(machine, options, expected):
    found = capabilities(machine, options)
    assert found == {"Inh": 0, "Prm": expected, "Eff": expected, "Bnd": expected, "Amb": 0}


def test_all_capabilities(machine):
    everything = all_of_the_machine(machine) & capabilities(machine, "--privileged")["Bnd"]
    assert everything & (1 << SYS_ADMIN)
    assert capabilities(machine, "--cap-add ALL")["Eff"] == everything
    assert capabilities(machine, "--cap-add ALL --cap-drop CHOWN")["Eff"] == everything & ~1


def test_privileged(machine):
    out = machine.ok("docker run --rm --privileged busybox sh -c 'grep Seccomp: /proc/self/status; grep -E \" /sys| /proc\" "
                     "/proc/self/mounts; ls /dev'")
    assert "Seccomp:\t0" in out
    mounts = {line.split()[1]: line.split()[3].split(",") for line in out.splitlines() if re.match(r"\S+ /(sys|proc)", line)}
    assert "rw" in mounts["/sys"] and "rw" in mounts["/sys/fs/cgroup"] and set(mounts) <= {"/sys", "/sys/fs/cgroup", "/proc"}
    # A device of the machine that no container has of itself.
    assert "kmsg" in out.split()
    machine.ok("docker run --rm --privileged busybox sh -c 'mkdir /m && mount -t tmpfs none /m'")
    assert machine.run("docker run --rm busybox sh -c 'mkdir /m && mount -t tmpfs none /m'").status != 0


def test_privileged_user_has_no_more_than_its_own(machine):
    assert capabilities(machine, "--privileged", "-u 1000")["Eff"] == 0


def test_exec_has_the_containers_capabilities(machine):
    machine.ok("docker run -d --name few --cap-drop ALL --cap-add KILL busybox sleep 1000")
    status = machine.ok("docker exec few cat /proc/self/status")
    assert "CapEff:\t0000000000000020" in status and "CapBnd:\t0000000000000020" in status


def test_exec_privileged(machine):
    machine.ok("docker run -d --name few --cap-drop ALL busybox sleep 1000")
    status = machine.ok("docker exec --privileged few cat /proc/self/status")
    assert int(re.search(r"CapEff:\t(\w+)", status)[1], 16) & (1 << SYS_ADMIN)
    # The filter is the container's, as with Docker.
    assert "Seccomp:\t2" in status
    assert "CapEff:\t0000000000000000" in machine.ok("docker exec --privileged -u 1000 few cat /proc/self/status")


def test_no_new_privileges(machine):
    for option in ("no-new-privileges", "no-new-privileges=true", "no-new-privileges:true"):
        assert "NoNewPrivs:\t1" in machine.ok(f"docker run --rm --security-opt {option} busybox cat /proc/self/status")
    assert "NoNewPrivs:\t0" in machine.ok("docker run --rm --security-opt no-new-privileges=false busybox cat /proc/self/status")


def test_seccomp_unconfined(machine):
    assert "Seccomp:\t0" in machine.ok("docker run --rm --security-opt seccomp=unconfined busybox cat /proc/self/status")
    assert "Seccomp:\t2" in machine.ok("docker run --rm --security-opt seccomp=builtin busybox cat /proc/self/status")


PROFILE = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}]}


def test_seccomp_profile(machine):
    path = machine.put("flags-profile.json", json.dumps(PROFILE, indent=4))
    machine.ok(f"docker run -d --name filtered --security-opt seccomp={path} busybox sleep 1000")
    machine.put("flags-profile.json", "{}")  # the text was taken, not the name
    for command in ("docker exec filtered mkdir /x", "docker exec --privileged filtered mkdir /x"):
        result = machine.split(command)
        assert result.status == 1 and "Operation not permitted" in result.err
    machine.ok("docker exec filtered touch /x")
    shown = json.loads(machine.ok("docker inspect -f '{{json .HostConfig.SecurityOpt}}' filtered"))
    assert shown == ["seccomp=" + json.dumps(PROFILE, separators=(",", ":"))]
    machine.ok("docker restart -t 0 filtered")
    assert machine.run("docker exec filtered mkdir /x").status == 1


@pytest.mark.host_is_enough
@pytest.mark.parametrize("text,words", [
    ("{", "compacting json for seccomp profile"),
    ('{"defaultAction": "SCMP_ACT_NOTHING"}', "--security-opt seccomp: "),
    ('{"syscalls": []}', "--security-opt seccomp: "),
    ("[]", ""),
])
def test_bad_profiles(clean, text, words):
    path = clean.put("flags-bad-profile.json", text)
    result = clean.split(f"docker run --rm --security-opt seccomp={path} busybox true")
    assert result.status == 125 and words in result.err and len(result.err.splitlines()) == 1, result


def test_the_default_profile_follows_the_capabilities(machine):
    """Docker's profile lets mount(2) through for who has CAP_SYS_ADMIN."""
    script = "mkdir /m && mount -t tmpfs none /m"
    assert machine.run(f"docker run --rm --cap-add SYS_ADMIN busybox sh -c '{script}'").status == 0
    assert machine.run(f"docker run --rm busybox sh -c '{script}'").status != 0


def test_device(machine):
    out = machine.ok("docker run --rm --device /dev/kmsg:/dev/x --device /dev/null:/dev/nil:r busybox ls -l /dev/x /dev/nil")
    assert "1,  11" in out and "1,   3" in out


def test_device_permissions(machine):
    """/dev/mem cannot be opened for other reasons: kmsg can."""
    assert machine.run("docker run --rm --device /dev/kmsg busybox sh -c ': >/dev/kmsg'").status == 0
    if machine.run("test -e /sys/fs/cgroup/cgroup.controllers").status:
        pytest.skip("no cgroup v2 that rules over devices")
    assert machine.run("docker run --rm --device /dev/kmsg:r busybox sh -c ': >/dev/kmsg'").status != 0
    node = "mknod /tmp/k c 1 11 && : >/tmp/k"
    assert machine.run(f"docker run --rm busybox sh -c '{node}'").status != 0
    assert machine.run(f"docker run --rm --device-cgroup-rule 'c 1:11 rwm' busybox sh -c '{node}'").status == 0


def test_folder_of_devices(machine):
    machine.ok("mkdir -p /tmp/flags-devices/in && mknod /tmp/flags-devices/a c 1 3 && mknod /tmp/flags-devices/in/b c 1 5")
    try:
        out = machine.ok("docker run --rm --device /tmp/flags-devices:/dev/more busybox sh -c 'cd /dev/more; ls -l a in/b'")
        assert "1,   3" in out and "1,   5" in out
    finally:
        machine.ok("rm -r /tmp/flags-devices")


def test_system_paths_unmasked(machine):
    masked = machine.ok("docker run --rm busybox sh -c 'cat /proc/keys /proc/timer_list 2>/dev/null | wc -c'")
    assert masked.strip() == "0"
    out = machine.ok("docker run --rm --security-opt systempaths=unconfined busybox sh -c 'grep -c \" /proc/\" /proc/self/mounts; true'")
    assert out.strip() == "0"


def test_paused_containers_take_no_exec(machine):
    machine.ok("docker run -d --name still busybox sleep 1000")
    machine.ok("docker pause still")
    try:
        result = machine.split("docker exec still true")
        assert result.status == 1 and "Container still is paused, unpause the container before exec" in result.err
    finally:
        machine.ok("docker unpause still")
    machine.ok("docker exec still true")


def test_inspect_names_what_exec_has_under_way(machine):
    machine.ok("docker run -d --name busy busybox sleep 1000")
    assert machine.ok("docker inspect -f '{{json .ExecIDs}}' busy") == "null\n"
    machine.ok("docker exec -d busy sleep 3")
    ids = json.loads(machine.ok("docker inspect -f '{{json .ExecIDs}}' busy"))
    assert len(ids) == 1 and re.fullmatch("[0-9a-f]{64}", ids[0])
    machine.ok("docker exec busy true")
    assert json.loads(machine.ok("docker inspect -f '{{json .ExecIDs}}' busy")) == ids
    machine.until("docker inspect -f '{{json .ExecIDs}}' busy", "null")
