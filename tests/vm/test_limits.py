# SPDX-License-Identifier: GPL-2.0-or-later
"""Limits of containers and what they may do with devices, under cgroup v2: in the appliance alone."""

import json

import pytest

import oci


@pytest.fixture
def machine(places):
    machine = places.get("appliance")
    yield machine
    if machine.usable():
        machine.remove_containers()


def files(machine, flags, names):
    """What a container with these flags reads in its own cgroup."""
    out = machine.ok(f"docker run --rm {flags} busybox sh -c 'cd /sys/fs/cgroup && cat {names}'")
    return out.splitlines()


def test_every_flag_reaches_its_file(machine, clean):
    flags = ("-m 32m --memory-reservation 16m --cpus 0.5 -c 512 --cpuset-cpus 0 --cpuset-mems 0 --pids-limit 20 "
             "--blkio-weight 500 --device-read-bps /dev/vda:1mb --device-write-iops /dev/vda:50")
    assert files(machine, flags, "memory.max memory.swap.max memory.low cpu.max cpu.weight cpuset.cpus cpuset.mems "
                 "pids.max io.weight io.max") == \
        ["33554432", "33554432", "16777216", "50000 100000", "59", "0", "0", "20", "default 4950",
         "254:0 rbps=1048576 wbps=max riops=max wiops=50"]
    assert files(machine, "", "memory.max memory.swap.max cpu.max cpu.weight pids.max io.max") == \
        ["max", "max", "max 100000", "100", "max"]
    assert files(machine, "-m 32m --memory-swap 48m --cpu-period 50000 --cpu-quota 25000 --pids-limit -1",
                 "memory.swap.max cpu.max pids.max") == ["16777216", "25000 50000", "max"]
    assert files(machine, "-m 32m --memory-swap -1 --blkio-weight-device /dev/vda:100",
                 "memory.swap.max io.weight") == ["max", "default 100", "254:0 910"]


def test_what_is_reserved_is_protected(machine, clean):
    """A cgroup's memory.low counts up to what the one above it has."""
    machine.ok("docker run --rm busybox true")
    assert machine.ok("cat /sys/fs/cgroup/knarr/memory.low") == "max\n"
    machine.ok("docker run -d --name kept --memory-reservation 24m busybox sh -c "
               "'dd if=/dev/zero of=/file bs=1M count=8 && cat /file > /dev/null; exec sleep 1000'")
    machine.ok("docker run -d --name plain busybox sh -c "
               "'dd if=/dev/zero of=/file bs=1M count=8 && cat /file > /dev/null; exec sleep 1000'")
    for name in ("kept", "plain"):
        machine.until(f"docker top {name}", "sleep 1000")
    current = "for n in kept plain; do cat /sys/fs/cgroup/knarr/$(docker inspect -f '{{.Id}}' $n)/memory.current; done"
    kept, plain = (int(n) for n in machine.ok(current).split())
    # from the whole machine, bit by bit, until the other one has lost its cache
    machine.ok("sync; for i in $(seq 100); do echo 1M > /sys/fs/cgroup/memory.reclaim; "
               "[ $(cat /sys/fs/cgroup/knarr/$(docker inspect -f '{{.Id}}' plain)/memory.current) -gt 3000000 ] || break; done")
    kept_now, plain_now = (int(n) for n in machine.ok(current).split())
    assert kept - kept_now < 1 << 20 and plain - plain_now > 4 << 20, (kept, kept_now, plain, plain_now)


def test_bad_words(machine, clean):
    for flags, words in (("-m 1m", "Minimum memory limit allowed is 6MB"), ("-m lots", "invalid size: 'lots'"),
                         ("--cpus 1000", "Range of CPUs is from 0.01 to"), ("--cpuset-cpus 900", "not available"),
                         ("--cpuset-cpus x", "Invalid value x for cpuset cpus"),
                         ("--blkio-weight 5", "Range of blkio weight is from 10 to 1000"),
                         ("--cpu-quota 5", "CPU cfs quota can not be less than 1ms"),
                         ("--memory-swap 100m", "You should always set the Memory limit"),
                         ("--device-read-bps /dev/nothing:1mb", "/dev/nothing"),
                         ("--cgroup-parent ../x", "not allowed")):
        result = machine.split(f"docker run --rm {flags} busybox true")
        assert result.status == 125 and words in result.err and len(result.err.splitlines()) == 1, (flags, result)


def test_who_eats_memory_is_killed(machine, clean):
    assert machine.run("docker run --name eater -m 12m --memory-swap 12m busybox sh -c 'exec tail /dev/zero'").status == 137
    assert machine.ok("docker inspect -f '{{.State.OOMKilled}} {{.State.ExitCode}}' eater") == "true 137\n"
    assert "Exited (137)" in machine.ok("docker ps -a --filter name=eater")
    # a child of it is enough, as with Docker
    machine.ok("docker run --name parent -m 12m --memory-swap 12m busybox sh -c 'tail /dev/zero; exit 0'")
    assert machine.ok("docker inspect -f '{{.State.OOMKilled}} {{.State.ExitCode}}' parent") == "true 0\n"
    machine.ok("docker run --name modest -m 12m busybox true")
    assert machine.ok("docker inspect -f '{{.State.OOMKilled}}' modest") == "false\n"


def test_who_forks_without_end_is_held(machine, clean):
    machine.ok("docker run -d --name forks --pids-limit 12 busybox sh -c 'bomb() { bomb | bomb & }; bomb; exec sleep 1000'")
    machine.until("cat /sys/fs/cgroup/knarr/*/pids.events", r"max [1-9]")
    # the machine works on, and so does what looks at the container
    assert machine.ok("docker run --rm busybox echo fine") == "fine\n"
    assert len(machine.ok("docker top forks").splitlines()) <= 13
    machine.ok("docker rm -f forks")


def test_a_full_cgroup_takes_no_more(machine, clean):
    machine.ok("docker run -d --name full --pids-limit 2 busybox sh -c 'sleep 1000 & wait'")
    machine.until("docker stats --no-stream --format '{{.PIDs}}' full", "^2$")
    result = machine.split("docker exec full true")
    assert result.status in (1, 126) and "Resource temporarily unavailable" in result.err
    assert len(result.err.splitlines()) == 1
    machine.ok("docker kill full")


def test_cpu_is_held_back(machine, clean):
    machine.ok("docker run -d --name slow --cpus 0.1 busybox sh -c 'while :; do :; done'")
    machine.until("cat /sys/fs/cgroup/knarr/*/cpu.stat", r"nr_throttled [1-9]")
    usage = float(machine.ok("docker stats --no-stream --format '{{.CPUPerc}}' slow").rstrip("%\n"))
    assert usage < 30


def test_disk_is_held_back(machine, clean):
    script = "dd if=/dev/vda of=/dev/null bs=64k count=16 iflag=direct 2>/dev/null; cat /proc/uptime"
    times = machine.ok("docker run --rm --device /dev/vda:/dev/vda:r --device-read-bps /dev/vda:512kb busybox sh -c "
                       f"'cat /proc/uptime; {script}'")
    before, after = (float(line.split()[0]) for line in times.splitlines())
    assert after - before > 1.4  # 1 MiB at half a MiB a second


# The disk, which nobody may write to while it is mounted, to read from, and /dev/net/tun to write to.
READ = "mknod /node b 254 0; head -c 4 /node | wc -c"
WRITE = "mknod /node c 10 200; : > /node && echo opened"
REFUSED = "Operation not permitted"


def test_devices(machine, clean):
    assert machine.run(f"docker run --rm busybox sh -c '{READ}'").out.endswith(f"{REFUSED}\n0\n")
    assert REFUSED in machine.run(f"docker run --rm busybox sh -c '{WRITE}'").out
    assert machine.ok(f"docker run --rm --privileged busybox sh -c '{READ}; rm /node; {WRITE}'") == "4\nopened\n"
    # with the right to load BPF programs, the default filter still stands
    assert REFUSED in machine.run(f"docker run --rm --cap-add SYS_ADMIN busybox sh -c '{READ}'").out
    assert machine.ok("docker run --rm --device /dev/vda:/dev/disk:r --device /dev/net/tun busybox sh -c "
                      "'head -c 4 /dev/disk | wc -c; : > /dev/net/tun && echo opened'") == "4\nopened\n"
    out = machine.run("docker run --rm --device /dev/net/tun:/dev/tun:r busybox sh -c ': < /dev/tun && : > /dev/tun'").out
    assert "/dev/tun" in out and REFUSED in out
    assert machine.ok(f"docker run --rm --device-cgroup-rule 'c 10:* rmw' busybox sh -c '{WRITE}'") == "opened\n"
    for rule in ("c 10:* rm", "c 11:* rmw", "b 10:200 rmw"):
        assert REFUSED in machine.run(f"docker run --rm --device-cgroup-rule '{rule}' busybox sh -c '{WRITE}'").out, rule
    # the usual ones, whatever the rules say
    assert machine.ok("docker run --rm --device /dev/vda busybox sh -c 'echo x > /dev/null; head -c 3 /dev/urandom | wc -c; "
                      "test -c /dev/full && echo y'") == "3\ny\n"


def test_parent_of_ones_choice(machine, clean):
    machine.ok("docker run -d --name child --cgroup-parent /pods/a -m 32m busybox sleep 1000")
    cid = machine.ok("docker inspect -f '{{.Id}}' child").strip()
    assert machine.ok(f"cat /sys/fs/cgroup/pods/a/{cid}/memory.max") == "33554432\n"
    assert "sleep 1000" in machine.ok("docker top child")
    machine.ok("docker exec child true && docker pause child && docker unpause child && docker stats --no-stream child")
    machine.ok("docker rm -f child && rmdir /sys/fs/cgroup/pods/a /sys/fs/cgroup/pods")


def test_a_limit_that_the_machine_lacks(machine, clean):
    """The controller was not given to the cgroups below: an error that names it, not a container without limits."""
    machine.ok("mkdir /sys/fs/cgroup/bare && echo $$ > /sys/fs/cgroup/bare/cgroup.procs && "
               "mkdir /sys/fs/cgroup/bare/inner")
    result = machine.split("docker run --rm --cgroup-parent /bare/inner --cpus 0.5 busybox true")
    machine.ok("echo $$ > /sys/fs/cgroup/cgroup.procs && rmdir /sys/fs/cgroup/bare/inner /sys/fs/cgroup/bare")
    assert result.status == 125
    assert "cannot set cpu.max to 50000 100000: cgroup v2 has no cpu controller here" in result.err


def test_limits_are_not_changed_from_inside(machine, clean):
    """Not even by root with all rights: its cgroup namespace is a boundary (nsdelegate)."""
    raise_them = "for f in memory.max pids.max cpu.max; do echo max > {0}/$f; done; cat {0}/memory.max {0}/pids.max {0}/cpu.max"
    for flags, before, at in (("--privileged", "true", "/sys/fs/cgroup"),
                              ("--cap-add SYS_ADMIN --security-opt seccomp=unconfined",
                               "mkdir /tmp/c && mount -t cgroup2 x /tmp/c", "/tmp/c")):
        out = machine.run(f"docker run --rm -m 32m --pids-limit 30 --cpus 0.5 {flags} busybox sh -c '{before}; "
                          f"{raise_them.format(at)}'").out
        assert out.endswith("33554432\n30\n50000 100000\n"), out
    # what is below is its own
    assert machine.ok("docker run --rm --privileged busybox sh -c 'mkdir /sys/fs/cgroup/in && "
                      "echo 0 > /sys/fs/cgroup/in/cgroup.procs && cat /proc/self/cgroup'") == "0::/in\n"


# ---- knarr-oci: what no flag of the engine asks for

@pytest.fixture
def box(machine):
    box = oci.Bundles(machine)
    yield box
    box.close()


def resources(**members):
    return lambda config: config["linux"].update(resources=members)


def own(box, names):
    return box.ok("exec", "a", f"sh -c 'cd /sys/fs/cgroup && cat {names}'").splitlines()


def test_resources_of_a_bundle(box):
    box.start("a", change=resources(
        cpu={"shares": 2048, "quota": 50000, "period": 200000, "burst": 10000, "cpus": "0-1", "mems": "0"},
        memory={"limit": 64 << 20, "swap": 96 << 20, "reservation": 32 << 20}, pids={"limit": 33},
        blockIO={"weight": 1000, "throttleWriteBpsDevice": [{"major": 254, "minor": 0, "rate": 4096}]},
        hugepageLimits=[{"pageSize": "2MB", "limit": 4 << 20}],
        unified={"memory.high": "50000000", "memory.oom.group": "1"}))
    assert own(box, "cpu.weight cpu.max cpu.max.burst cpuset.cpus cpuset.mems memory.max memory.swap.max memory.low pids.max "
               "io.weight io.max hugetlb.2MB.max hugetlb.2MB.rsvd.max memory.high memory.oom.group") == \
        ["174", "50000 200000", "10000", "0-1", "0", str(64 << 20), str(32 << 20), str(32 << 20), "33", "default 10000",
         "254:0 rbps=max wbps=4096 riops=max wiops=max", str(4 << 20), str(4 << 20), "49999872", "1"]
    # half of what belongs together: the other half stays
    box.ok("update --memory-swap 128m --cpu-period 100000", "a")
    assert own(box, "memory.max memory.swap.max cpu.max") == [str(64 << 20), str(64 << 20), "50000 100000"]
    box.ok("update --cpu-quota 20000 --pids-limit -1", "a")
    assert own(box, "cpu.max pids.max") == ["20000 100000", "max"]
    stats = json.loads(box.ok("events --stats", "a"))["data"]
    assert stats["memory"]["usage"]["limit"] == 64 << 20 and stats["pids"]["current"] == 1
    box.ok("delete --force", "a")


def test_idle_and_devices_of_a_bundle(box):
    def change(config):
        config["linux"]["cgroupsPath"] = "oci-test.slice:knarr:" + box.id("a")
        config["linux"]["resources"] = {
            "cpu": {"idle": 1, "shares": 512},
            "devices": [{"allow": False, "access": "rwm"}, {"allow": True, "type": "b", "major": 254, "access": "rm"},
                        {"allow": False, "type": "b", "major": 254, "minor": 0, "access": "r"}]}

    box.start("a", change=change)
    path = f"/sys/fs/cgroup/oci.slice/oci-test.slice/knarr-{box.id('a')}.scope"
    assert box.machine.ok(f"cat {path}/cpu.idle") == "1\n"
    out = box.run("exec", "a", "sh -c 'mknod /tmp-a b 254 0; mknod /tmp-b b 254 1; PATH=/bin:/usr/bin; head -c 1 /tmp-a; head -c 1 /tmp-b; echo x > /dev/null && echo y'").out
    assert "/tmp-a: Operation not permitted" in out
    assert "/tmp-b: Operation not permitted" not in out and out.endswith("y\n")
    box.ok("delete --force", "a")
    box.machine.ok("rmdir /sys/fs/cgroup/oci.slice/oci-test.slice /sys/fs/cgroup/oci.slice")


def test_what_a_bundle_may_not_ask(box):
    for change, words in (
            (resources(unified={"../../cgroup.freeze": "1"}), "no file of a cgroup"),
            (resources(unified={"memory.nonsense": "1"}), "this kernel has no such limit"),
            (resources(unified={"memory.high": "lots"}), "cannot set memory.high to lots: Invalid argument"),
            (resources(unified={"rdma.max": "x"}), "cgroup v2 has no rdma controller here"),
            (resources(hugepageLimits=[{"pageSize": "3MB", "limit": 1}]), "hugetlb.3MB.max"),
            (resources(memory={"limit": 20 << 20, "swap": 10 << 20}), "linux.resources.memory.swap"),
            (resources(cpu={"cpus": "7-"}), "cpus"), (resources(cpu={"cpus": "1000"}), "cpuset.cpus"),
            (resources(blockIO={"throttleReadBpsDevice": [{"major": 77, "minor": 7, "rate": 1}]}), "io.max")):
        box.config("true", change=change)
        line = box.fails(f"run --bundle {box.bundle}", "a")
        assert words in line, words
    assert not box.leftovers()
