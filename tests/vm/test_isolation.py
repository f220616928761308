# SPDX-License-Identifier: GPL-2.0-or-later
"""What a container sees of the machine, and what it is refused: Docker's defaults."""

import re

import pytest

# CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE SYS_CHROOT KILL AUDIT_WRITE
DOCKER_CAPABILITIES = "00000000a80425fb"


def inside(machine, script, options="", image="busybox"):
    return machine.ok(f"docker run --rm {options} {image} sh -c '{script}'")


def test_first_process_is_the_program(machine):
    assert inside(machine, "echo $$; cat /proc/1/comm; true").split() == ["1", "sh"]


def test_no_helper_process_in_the_container(machine):
    out = machine.ok("docker run --rm busybox ps -o pid,args").splitlines()
    assert len(out) == 2, out


@pytest.mark.parametrize("namespace", ["mnt", "pid", "uts", "ipc", "cgroup"])
def test_namespaces_are_its_own(machine, namespace):
    here = machine.ok(f"readlink /proc/self/ns/{namespace}")
    one = machine.ok(f"docker run --rm busybox readlink /proc/self/ns/{namespace}")
    assert re.fullmatch(namespace + r":\[\d+\]\n", one)
    assert one != here


def test_network_host_is_the_default_and_none_is_empty(machine):
    here = machine.ok("readlink /proc/self/ns/net")
    assert machine.ok("docker run --rm busybox readlink /proc/self/ns/net") == here
    assert machine.ok("docker run --rm --network host busybox readlink /proc/self/ns/net") == here
    out = machine.ok("docker run --rm --network none busybox sh -c 'readlink /proc/self/ns/net; ls /sys/class/net; ip addr'")
    assert out.splitlines()[0] != here.strip()
    assert "lo" in out.splitlines()[1].split() and "eth0" not in out
    assert "127.0.0.1/8" in out, "lo is up"


def test_capabilities_of_root(machine):
    status = inside(machine, "cat /proc/self/status")
    caps = dict(re.findall(r"Cap(\w+):\t(\w+)", status))
    assert caps == {"Inh": "0" * 16, "Prm": DOCKER_CAPABILITIES, "Eff": DOCKER_CAPABILITIES, "Bnd": DOCKER_CAPABILITIES,
                    "Amb": "0" * 16}


def test_capabilities_of_others(machine):
    status = machine.ok("docker run --rm -u 1000 busybox cat /proc/self/status")
    caps = dict(re.findall(r"Cap(\w+):\t(\w+)", status))
    assert caps == {"Inh": "0" * 16, "Prm": "0" * 16, "Eff": "0" * 16, "Bnd": DOCKER_CAPABILITIES, "Amb": "0" * 16}


def test_set_user_id_programs_may_work(machine):
    """Neither no_new_privs nor nosuid, unless asked for, as with Docker."""
    assert "NoNewPrivs:\t0" in inside(machine, "cat /proc/self/status")
    root, = [l for l in inside(machine, "cat /proc/self/mounts").splitlines() if l.split()[1] == "/"]
    assert "nosuid" not in root


def test_seccomp_filters(machine):
    status = inside(machine, "cat /proc/self/status")
    assert "Seccomp:\t2\n" in status
    assert re.search(r"Seccomp_filters:\t[12]\n", status)


@pytest.mark.parametrize("attempt", [
    "mount -t tmpfs none /mnt",
    "mount -o remount,rw /proc/sys",
    "umount /proc/sys",
    "umount /dev/shm",
    "unshare -U true",
    "unshare -m true",
    "hostname other",
    "chroot / unshare -n true",
    "dmesg",
    "swapoff -a; swapon /dev/null",
    "reboot -f",
    "date -s 2000-01-01",
    "echo 1 > /proc/sys/kernel/panic",
    "echo x > /proc/sysrq-trigger",
    "echo 1 > /sys/kernel/mm/ksm/run || touch /sys/x",
    "mkdir /sys/fs/cgroup/x",
    "ip link add dummy9 type dummy",
])
def test_is_refused(machine, attempt):
    result = machine.run(f"docker run --rm busybox sh -c '{attempt}'")
    # busybox date says it could not set the clock, and ends well
    assert result.status != 0 or attempt.startswith("date"), result.out
    assert re.search(r"(?i)not permitted|permission denied|read-only|not found|can't|nonexistent|invalid", result.out), result.out


@pytest.mark.parametrize("path", ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/latency_stats"])
def test_masked_files_are_empty(machine, path):
    assert inside(machine, f"test ! -e {path} || head -c 10 {path} | wc -c").strip() in ("", "0")


@pytest.mark.parametrize("path", ["/proc/acpi", "/proc/scsi", "/sys/firmware", "/sys/devices/virtual/powercap"])
def test_masked_folders_are_empty(machine, path):
    assert inside(machine, f"test ! -e {path} || ls -A {path}") == ""


@pytest.mark.parametrize("path", ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger", "/sys",
                                  "/sys/fs/cgroup"])
def test_read_only_places(machine, path):
    out = inside(machine, f"grep \" {path} \" /proc/self/mounts || test ! -e {path}")
    assert not out or re.search(r" ro[, ]", out.splitlines()[-1]), out


def test_mounts(machine):
    mounts = {l.split()[1]: l.split() for l in inside(machine, "cat /proc/self/mounts").splitlines()}
    assert mounts["/"][2] == "overlay" and mounts["/"][3].startswith("rw")
    for path, kind in (("/proc", "proc"), ("/sys", "sysfs"), ("/dev", "tmpfs"), ("/dev/pts", "devpts"),
                       ("/dev/shm", "tmpfs"), ("/dev/mqueue", "mqueue"), ("/sys/fs/cgroup", "cgroup2")):
        assert mounts[path][2] == kind, path
    for path in ("/proc", "/sys", "/dev/shm", "/dev/mqueue"):
        assert {"nosuid", "nodev", "noexec"} <= set(mounts[path][3].split(",")), path
    assert "size=65536k" in mounts["/dev/shm"][3]
    assert {"nosuid"} <= set(mounts["/dev"][3].split(","))
    assert {"gid=5", "mode=620", "ptmxmode=666"} <= set(mounts["/dev/pts"][3].split(","))


def test_machine_does_not_show_through_the_mount_table(machine):
    known = ("/proc", "/sys", "/dev", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf")
    for line in inside(machine, "cat /proc/self/mounts").splitlines():
        point = line.split()[1]
        assert point == "/" or point.startswith(known), line


def test_devices(machine):
    out = inside(machine, "cd /dev; ls -l null zero full random urandom tty ptmx fd stdin stdout stderr")
    for name, number in (("null", "1, +3"), ("zero", "1, +5"), ("full", "1, +7"), ("random", "1, +8"),
                         ("urandom", "1, +9"), ("tty", "5, +0")):
        assert re.search(rf"crw-rw-rw- .* {number} .* {name}\n", out), (name, out)
    for name, target in (("ptmx", "pts/ptmx"), ("fd", "/proc/self/fd"), ("stdin", "/proc/self/fd/0"),
                         ("stdout", "/proc/self/fd/1"), ("stderr", "/proc/self/fd/2")):
        assert f"{name} -> {target}" in out
    names = set(inside(machine, "ls /dev").split())
    assert names <= {"null", "zero", "full", "random", "urandom", "tty", "ptmx", "fd", "stdin", "stdout", "stderr",
                     "pts", "shm", "mqueue", "console", "core"}, names
    assert inside(machine, "echo x > /dev/null; head -c 4 /dev/zero | wc -c; echo > /dev/full || echo full").split()[0] == "4"


@pytest.mark.parametrize("device", ["c 1 1", "c 1 2", "b 7 0", "b 8 0", "b 254 0", "c 10 229", "c 4 64"])
def test_other_devices_cannot_be_opened(machine, device):
    """mknod is allowed, as with Docker; the cgroup's device filter refuses to open what it makes."""
    out = machine.run(f"docker run --rm busybox sh -c 'mknod /d {device} && head -c 1 /d'")
    assert out.status != 0 and "not permitted" in out.out, out.out


def test_allowed_devices_can(machine):
    assert inside(machine, "mknod /n c 1 5 && head -c 3 /n | wc -c").strip() == "3"


def test_no_descriptor_leaks(machine):
    out = machine.ok("docker run --rm busybox ls -l /proc/self/fd")
    numbers = re.findall(r" (\d+) -> (\S+)", out)
    # 3 is the folder ls itself reads
    assert {n for n, _ in numbers} <= {"0", "1", "2", "3"}, out
    assert all(target.endswith("/fd") for number, target in numbers if number == "3"), out


def test_no_descriptor_leaks_from_the_caller(machine):
    out = machine.ok("docker run --rm busybox sh -c 'ls /proc/self/fd' 7</etc/passwd 9>/dev/null")
    assert "7" not in out.split() and "9" not in out.split()


def test_no_descriptor_leaks_into_exec_and_detached(machine):
    machine.ok("docker run -d --name leak busybox sleep 1000 7</etc/passwd")
    assert set(machine.ok("docker exec leak ls /proc/1/fd 8</etc/passwd").split()) == {"0", "1", "2"}
    assert set(machine.ok("docker exec leak ls /proc/self/fd 8</etc/passwd").split()) <= {"0", "1", "2", "3"}


def test_environment_of_the_caller_does_not_leak(machine):
    assert "SECRET" not in machine.ok("SECRET=1 docker run --rm busybox env")


def test_cgroup_namespace_hides_the_path(machine):
    assert "0::/\n" in inside(machine, "cat /proc/self/cgroup")


def test_cgroup_is_its_own(machine):
    a = machine.ok("docker run -d --name aa busybox sleep 1000").strip()
    b = machine.ok("docker run -d --name bb busybox sleep 1000").strip()
    found = machine.ok("for p in /proc/[0-9]*; do grep -H ^0:: $p/cgroup; done 2>/dev/null; true")
    for container in (a, b):
        assert container in found


def test_two_containers_see_nothing_of_each_other(machine):
    machine.ok("docker run -d --name aa busybox sh -c 'echo a > /mine; touch /dev/shm/a; sleep 1000'")
    machine.ok("docker run -d --name bb busybox sh -c 'echo b > /mine; sleep 1001'")
    machine.until("docker exec aa cat /mine", "a")
    assert machine.until("docker exec bb cat /mine", "b") == "b\n"
    assert machine.ok("docker exec bb ls /dev/shm") == ""
    assert "sleep 1000" not in machine.ok("docker exec bb ps -o args")
    assert machine.ok("docker run --rm busybox sh -c 'ls /mine 2>/dev/null; true'") == ""


def test_processes_of_the_machine_are_hidden(machine):
    out = inside(machine, "ls -d /proc/[0-9]*")
    assert len(out.split()) <= 3, out


def test_layers_stay_as_they_were(machine):
    """Whatever a container does to its files, the layer below hashes to its name."""
    machine.ok("docker run --rm busybox sh -c 'rm -rf /bin/* /etc; echo x > /x'")
    assert machine.ok("docker run --rm busybox echo still") == "still\n"
    out = machine.ok(f"(cd {machine.store}/layers/sha256 && sha256sum *.tar)")
    assert out.strip()
    for line in out.splitlines():
        digest, name = line.split()
        assert name == digest + ".tar"


def test_layer_mounts_are_read_only(machine):
    machine.ok("docker run -d busybox sleep 1000")
    mounts = [l for l in machine.ok("cat /proc/self/mountinfo").splitlines() if " - erofs " in l]
    for line in mounts:
        assert re.search(r" ro,[^ ]*nodev", line) or re.search(r" ro[, ]", line), line


def test_root_of_the_container_cannot_be_left(machine):
    out = inside(machine, "cd /; cd ../../../..; pwd; ls -d ../../proc/1/root/etc/passwd")
    assert out.splitlines()[0] == "/"
    assert machine.ok("docker run --rm busybox readlink /proc/1/root") == "/\n"


def test_own_binary_cannot_be_written_from_inside(machine):
    """CVE-2019-5736: a container executes /proc/self/exe, which at that moment is the program that made the container,
    keeps a descriptor of it, and writes to it when it is no longer busy."""
    before = machine.ok(f"sha256sum {machine.binary}")
    machine.ok("docker run -d --name evil busybox sleep 1000")
    hold = "(sleep 4 | docker exec -i evil /proc/self/exe load) >/dev/null 2>&1 & sleep 1.5; "
    attack = ("for p in /proc/[0-9]*; do case $(readlink $p/exe) in *busybox|*/sh|*/sleep|'') ;; "
              "*) { sleep 5; echo evil > /proc/self/fd/3; } 3<$p/exe;; esac; done")
    machine.run(f'{hold} docker exec evil sh -c "{attack}"'.replace("$", "\\$"), timeout=60)
    assert machine.ok(f"sha256sum {machine.binary}") == before


def test_working_folder_through_a_descriptor(machine):
    """CVE-2024-21626: a working folder of /proc/self/fd/N must not lead out of the container."""
    for number in range(3, 12):
        result = machine.run(f"docker run --rm -w /proc/self/fd/{number} busybox sh -c 'ls ../../../../ | head -n 50'")
        if result.status == 0:
            assert "share" not in result.out.split()
    assert machine.run("docker run --rm -w /proc/self/fd/7/../../../.. busybox cat etc/shadow").status != 0


def test_limits_are_sane(machine):
    out = inside(machine, "umask; ulimit -c; cat /proc/self/oom_score_adj; pwd")
    assert out.split()[0] == "0022" and out.split()[2:] == ["0", "/"]


def test_signals_are_not_blocked_or_ignored(machine):
    status = machine.ok("trap '' USR1 HUP; docker run --rm busybox cat /proc/self/status; trap - USR1 HUP")
    assert "SigBlk:\t0000000000000000" in status
    assert "SigIgn:\t0000000000000000" in status


def test_session_is_its_own(machine):
    out = inside(machine, "cat /proc/self/stat").split()
    assert out[4:6] != ["0", "0"], "process group and session lie inside the container"
