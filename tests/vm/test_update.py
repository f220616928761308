# SPDX-License-Identifier: GPL-2.0-or-later
"""`docker update`: other limits, another restart policy, for containers that run or not."""

import json

import pytest


def v2(machine):
    return machine.run("test -e /sys/fs/cgroup/cgroup.controllers").status == 0


@pytest.fixture
def running(machine):
    return machine.ok("docker run -d --name changed busybox sleep 1000 2>/dev/null").strip()


def host_config(machine, name="changed"):
    return json.loads(machine.ok(f"docker inspect -f '{{{{json .HostConfig}}}}' {name}"))


def test_limits_are_written_down(machine, clean, running):
    machine.ok("docker update -m 64m --memory-swap 96m --memory-reservation 32m --cpus 0.5 -c 512 --cpuset-cpus 0 "
               "--pids-limit 20 --blkio-weight 300 changed 2>/dev/null")
    h = host_config(machine)
    assert (h["Memory"], h["MemorySwap"], h["MemoryReservation"]) == (64 << 20, 96 << 20, 32 << 20)
    assert (h["NanoCpus"], h["CpuShares"], h["CpusetCpus"], h["PidsLimit"], h["BlkioWeight"]) == \
        (500000000, 512, "0", 20, 300)
    # one alone leaves the others
    assert machine.split(f"docker container update --pids-limit 30 {running[:12]}").out == f"{running[:12]}\n"
    h = host_config(machine)
    assert (h["PidsLimit"], h["Memory"], h["NanoCpus"]) == (30, 64 << 20, 500000000)


def test_limits_of_a_running_container_count_at_once(machine, clean, running):
    if not v2(machine):
        result = machine.split("docker update -m 64m --pids-limit 20 changed")
        assert result.out == "changed\n" and result.err.splitlines() == \
            ["docker: warning: cgroup v1 has this machine's controllers: not all limits hold here"]
        return
    machine.ok("docker update -m 64m --cpus 0.5 -c 512 --cpuset-cpus 0 --pids-limit 20 --blkio-weight 300 changed")
    read = "docker exec changed sh -c 'cd /sys/fs/cgroup; cat memory.max memory.swap.max cpu.max cpu.weight cpuset.cpus pids.max io.weight'"
    assert machine.ok(read).split("\n")[:-1] == \
        ["67108864", "67108864", "50000 100000", "59", "0", "20", "default 2930"]
    machine.ok("docker pause changed && docker update --pids-limit -1 changed && docker unpause changed")
    assert machine.ok(read).split("\n")[5] == "max"
    # and are there again after the next start
    machine.ok("docker restart -t 0 changed")
    assert machine.ok(read).split("\n")[:2] == ["67108864", "67108864"]


def test_a_container_that_does_not_run(machine, clean):
    machine.ok("docker create --name still busybox cat /sys/fs/cgroup/pids.max")
    assert machine.ok("docker update --pids-limit 17 still") == "still\n"
    assert host_config(machine, "still")["PidsLimit"] == 17
    if v2(machine):
        assert machine.ok("docker start -a still") == "17\n"


def refused(machine, cmd, words, status=1):
    result = machine.split(cmd)
    assert result.status == status and words in result.err and len(result.err.splitlines()) == 1, result


def test_bad_words(machine, clean, running):
    before = host_config(machine)
    refused(machine, "docker update changed", "you must provide one or more flags when using this command")
    refused(machine, "docker update -m 1m changed", "Minimum memory limit allowed is 6MB")
    refused(machine, "docker update -m much changed", "invalid size: 'much'", 125)
    refused(machine, "docker update --cpuset-cpus 900 changed", "Requested CPUs are not available")
    refused(machine, "docker update --blkio-weight 5000 changed", "Range of blkio weight is from 10 to 1000")
    refused(machine, "docker update --restart sometimes changed", "sometimes")
    refused(machine, "docker update --pids-limit 5 no-such", "No such container: no-such")
    refused(machine, "docker update --pids-limit 5", "requires at least 1 argument", 125)
    machine.ok("docker update -m 64m changed 2>/dev/null")
    refused(machine, "docker update -m 500m changed", "update the memoryswap at the same time")
    refused(machine, "docker update --memory-swap 32m changed",
            "Minimum memoryswap limit should be larger than memory limit")
    machine.ok("docker update --cpus 1 changed 2>/dev/null")
    refused(machine, "docker update --cpu-quota 50000 changed", "CPU Quota cannot be updated as NanoCPUs")
    after = host_config(machine)
    assert {k for k in after if after[k] != before[k]} == {"Memory", "MemorySwap", "NanoCpus"}


def test_what_the_kernel_refuses_changes_nothing(machine, clean, running):
    if not v2(machine):
        pytest.skip("cgroup v1 has the controllers here")
    machine.ok("docker update --pids-limit 20 changed")
    # no burst may be above the quota
    cid = machine.ok("docker inspect -f '{{.Id}}' changed").strip()
    machine.ok(f"cd /sys/fs/cgroup/knarr/{cid} && echo '50000 100000' > cpu.max && echo 40000 > cpu.max.burst; cd /")
    refused(machine, "docker update --cpu-quota 30000 changed", "cannot set cpu.max to 30000: Invalid argument")
    assert host_config(machine)["CpuQuota"] == 0
    assert machine.ok(f"cat /sys/fs/cgroup/knarr/{cid}/pids.max") == "20\n"


def test_restart_policy(machine, clean):
    machine.ok("docker run -d --name comes-back busybox sh -c 'sleep 0.3; exit 3'")
    machine.ok("docker update --restart on-failure:2 comes-back")
    policy = host_config(machine, "comes-back")["RestartPolicy"]
    assert policy == {"Name": "on-failure", "MaximumRetryCount": 2}
    machine.until("docker inspect -f '{{.State.Status}} {{.RestartCount}}' comes-back", "^exited 2$")
    machine.ok("docker run -d --rm --name goes busybox sleep 1000")
    refused(machine, "docker update --restart always goes", "because AutoRemove is enabled for the container")


def test_two_at_once(machine, clean, running):
    machine.ok("for i in 1 2 3 4 5 6; do docker update --pids-limit 10$i changed & docker update -c 50$i changed & done "
               ">/dev/null 2>&1; wait")
    h = host_config(machine)
    assert h["PidsLimit"] in range(101, 107) and h["CpuShares"] in range(501, 507)
