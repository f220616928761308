# SPDX-License-Identifier: GPL-2.0-or-later
"""The booted appliance, before anyone has done anything: what stands at the prompt and below it."""

import re
import time


def test_prompt_comes_and_the_console_is_a_terminal(vm):
    assert vm.ok("tty").strip().startswith("/dev/")
    assert vm.ok("id -u") == "0\n"
    assert vm.ok("test -t 0 && test -t 1 && test -t 2 && echo yes") == "yes\n"


def test_greeting_says_where_one_is(boot):
    vm = boot()
    greeting = vm.log_in()
    assert "knarr" in greeting.lower()
    assert not re.search(r"(?i)panic|oops|bug:|call trace|segfault|cannot |failed|no such file", greeting), greeting


def test_hostname(vm):
    assert vm.ok("hostname") == "knarr\n"


def test_pid_1_is_knarrs(vm):
    assert vm.ok("readlink /proc/1/exe").strip() in ("/init", "/sbin/init")
    assert "NoNewPrivs:\t0" in vm.ok("cat /proc/1/status")


def test_mounts(vm):
    mounts = {l.split()[1]: l.split() for l in vm.ok("cat /proc/mounts").splitlines()}
    for path, kind in (("/proc", "proc"), ("/sys", "sysfs"), ("/dev", "devtmpfs"), ("/dev/pts", "devpts"),
                       ("/dev/shm", "tmpfs"), ("/run", "tmpfs"), ("/sys/fs/cgroup", "cgroup2"),
                       ("/var/lib/knarr", "ext4")):
        assert mounts[path][2] == kind, path
    assert {"nosuid", "nodev", "noexec"} <= set(mounts["/proc"][3].split(","))


def test_cgroup_controllers(vm):
    have = set(vm.ok("cat /sys/fs/cgroup/cgroup.controllers").split())
    assert {"cpuset", "cpu", "io", "memory", "pids", "hugetlb"} <= have
    vm.ok("docker run -d --name cc busybox sleep 1000")
    got = set(vm.ok("cat /sys/fs/cgroup/knarr/cgroup.controllers").split())
    assert {"cpu", "memory", "pids", "io"} <= got


def test_kernel_has_nothing_to_complain_of(vm):
    """No line of the level of an error or worse, and none of the words of a kernel in trouble. That an emulated processor got
    no time for a while, on a machine that is busy, is none of its faults."""
    out = vm.ok("dmesg -r").splitlines()
    starved = any("detected stalls" in l or "detected expedited stalls" in l for l in out)
    if starved:
        out = [l for l in out if not re.search(r"rcu:|Call Trace", l)]
    bad = [l for l in out if re.match(r"<[0-3]>", l) or re.search(r"BUG:|WARNING:|Oops|Call Trace|segfault|[Pp]anic", l)]
    assert not bad, "\n".join(bad)


def test_kernel_has_what_containers_need(vm):
    filesystems = vm.ok("cat /proc/filesystems")
    for name in ("ext4", "vfat", "erofs", "overlay", "tmpfs", "9p", "cgroup2"):
        assert re.search(rf"\b{name}$", filesystems, re.M), name
    for name in ("cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"):
        vm.ok(f"test -e /proc/self/ns/{name}")
    assert "memory" in vm.ok("cat /proc/pressure/memory; ls /proc/pressure")
    assert not vm.run("test -e /proc/modules").status == 0 or vm.ok("cat /proc/modules") == ""


def test_console_job_control(vm):
    vm.child.send("sleep 1000\r")
    time.sleep(0.5)
    vm.child.send("\x03")
    vm.child.send("echo back-$((1+1))\r")
    vm.child.expect("back-2", timeout=20)
    vm.child.send("sleep 1000\r")
    time.sleep(0.5)
    vm.child.send("\x1a")
    vm.child.expect("Stopped", timeout=20)
    vm.child.send("kill -9 %1; sleep 0.2; echo gone-$((2+1))\r")
    vm.child.expect("gone-3", timeout=20)
    assert vm.ok("echo ok") == "ok\n"


def test_console_size_is_known(boot):
    """A serial line knows no size; what the terminal answers, or 80 by 24, must be set, never 0 by 0."""
    vm = boot()
    vm.child.expect(r"[#$] (\x1b\[6n)?$", timeout=120)
    vm.child.send("stty size | tr ' ' x\r")
    vm.child.expect(r"\n(\d+)x(\d+)\r\n", timeout=20)
    assert int(vm.child.match.group(1)) >= 24 and int(vm.child.match.group(2)) >= 80


def test_shell_is_respawned(vm):
    vm.child.send("exit\r")
    # The new session's greeting. Not the echo of "exit": the hangup may take what the line has not sent yet.
    vm.child.expect(r"\nKnarr [^\n]*\n", timeout=30)
    vm.child.expect(r"[#$] (\x1b\[6n)?$", timeout=30)
    vm.run("stty cols 500; dmesg -n 1")
    assert vm.ok("echo again") == "again\n"


def test_clock_is_right(vm):
    assert abs(int(vm.ok("date +%s")) - time.time()) < 120


def test_loopback_is_up(vm):
    assert "127.0.0.1/8" in vm.ok("ip addr show lo")
    vm.ok("ping -c 1 -W 5 127.0.0.1")


def test_address_by_dhcp(vm):
    """QEMU's user network gives 10.0.2.15 to whoever asks; nothing of the boot waits for it."""
    vm.until("ip -4 addr", r"10\.0\.2\.15/24", timeout=60)
    vm.until("ip route", r"default via 10\.0\.2\.2")
    assert "nameserver 10.0.2.3" in vm.until("cat /etc/resolv.conf", "nameserver")


def test_orphans_are_reaped(vm):
    vm.run("(sh -c 'sleep 0.2 & exec true' &)")
    time.sleep(1.5)
    assert not [l for l in vm.ok("ps -o stat,args").splitlines() if l.startswith("Z")]


def test_share_is_there(vm):
    path = vm.put("hello", "from outside\n")
    assert vm.ok(f"cat {path}") == "from outside\n"


def test_programs_are_static_pie(vm):
    for program in ("/bin/knarr", "/bin/busybox", "/init"):
        assert vm.ok(f"head -c 18 {program} | tail -c 2 | od -An -tx1").split() == ["03", "00"], program
    assert vm.run("ls /lib/ld-musl* /lib64 2>/dev/null").out == ""


def test_memory_left_at_the_prompt(vm):
    free = int(re.search(r"MemAvailable:\s+(\d+)", vm.ok("cat /proc/meminfo")).group(1))
    total = int(re.search(r"MemTotal:\s+(\d+)", vm.ok("cat /proc/meminfo")).group(1))
    assert total - free < 64 << 10, "kB in use beyond what the whole appliance may need"


def test_boots_in_64_mib(boot):
    vm = boot(memory="64M")
    vm.log_in()
    assert vm.ok("docker run --rm busybox echo small") == "small\n"
