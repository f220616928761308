# SPDX-License-Identifier: GPL-2.0-or-later
"""A clean host after everything that can go wrong in a container's life: mounts, cgroups, processes, descriptors and files
are compared before and after, beside a container that runs on."""

import re
import time

import pytest

DEAF = "sh -c 'trap \"\" TERM; echo up; while :; do sleep 0.1; done'"


def run_folder(machine):
    path = machine.ok("docker inspect --format '{{.HostsPath}}' bystander").strip()
    return path.rsplit("/", 2)[0]


def snapshot(machine, run):
    """What there is of this store on the machine. Layers may stay mounted for a while, and events are told."""
    out = machine.ok("set -- $(docker inspect --format '{{.State.Pid}}' bystander); "
                     "set -- $(awk '/PPid/{print $2}' /proc/$1/status); ls /proc/$1/fd | wc -l; cat /proc/self/mountinfo")
    descriptors, *mounts = out.splitlines()
    mounts = [line for line in mounts if machine._is_ours(line)]
    files = machine.ok(f"find {machine.store}/containers {machine.store}/tmp {machine.store}/volumes {run} -mindepth 1 "
                       f"-path {run}/layers -prune -o -path {run}/skeleton -prune -o "
                       "-path '*/upper/*' -prune -o -path '*/work/*' -prune -o -print 2>/dev/null || true").split()
    cgroups = machine.ok("find /sys/fs/cgroup -maxdepth 4 -type d -path '*knarr*' 2>/dev/null || true").split()
    return {
        "mounts": sorted(line.split(" - ")[1] for line in mounts if "/layers/" not in line),
        "files": sorted(f for f in files if not re.search(r"/events(\.old)?$", f)),
        "processes": sorted(p.split()[0] for p in machine.processes()),
        "descriptors": int(descriptors),
        # other stores of this machine have containers, too
        "cgroups": len([c for c in cgroups if machine.name == "appliance"]),
    }


@pytest.fixture
def bystander(machine):
    machine.ok("docker run -d --name bystander busybox sleep 1000")
    yield machine


@pytest.fixture
def same(bystander):
    """Whatever the test does and takes away again: all is as before."""
    run = run_folder(bystander)
    before = snapshot(bystander, run)
    yield bystander
    end = time.monotonic() + 15
    while (after := snapshot(bystander, run)) != before and time.monotonic() < end:
        time.sleep(0.3)
    assert after == before
    assert bystander.ok("docker exec bystander echo fine") == "fine\n"


# What is typed, the exit status, and a word of what it says.
REFUSED = {
    "no such image": ("run no-such-image:1 true", 125, "no-such-image"),
    "no such program": ("run --rm busybox no-such-program", 127, "no-such-program"),
    "not executable": ("run --rm busybox /etc/passwd", 126, "permission denied"),
    "a folder": ("run --rm busybox /etc", 126, "/etc"),
    "no such user": ("run --rm -u nobody-here busybox true", 125, "nobody-here"),
    "bad name": ("run --name '*' busybox true", 125, "Invalid container name"),
    "name taken": ("run --name bystander busybox true", 125, "already in use"),
    "missing bind source": ("run --rm --mount type=bind,src=/no/such,dst=/x busybox true", 125, "/no/such"),
    "mount over a file's place": ("run --rm --tmpfs /etc/passwd/x busybox true", 125, "/etc/passwd"),
    "bad seccomp profile": ("run --rm --security-opt seccomp=/etc/passwd busybox true", 125, "seccomp"),
    "bad capability": ("run --rm --cap-add NOPE busybox true", 125, "NOPE"),
    "bad flag": ("run --nope busybox true", 125, "--nope"),
    "bad sysctl": ("run --rm --sysctl kernel.no_such=1 busybox true", 125, "no_such"),
    "namespace of nobody": ("run --rm --pid container:no-such busybox true", 125, "no-such"),
    "start of nothing": ("start no-such", 1, "No such container"),
    "rename to a taken name": ("rename bystander bystander", 1, "same name"),
    "rename to nothing": ("rename bystander ''", 1, "may be empty"),
    "exec of no program": ("exec bystander no-such-program", 127, "no-such-program"),
    "exec as no user": ("exec -u nobody-here bystander true", 1, "nobody-here"),
    "remove what runs": ("rm bystander", 1, "is running"),
    "bad signal": ("kill -s NOPE bystander", 1, "invalid signal"),
    "bad detach keys": ("attach --detach-keys shift-x bystander", 1, "Invalid detach keys"),
    "links": ("rm -l bystander", 1, "links"),
}


@pytest.mark.host_is_enough
def test_refused(same):
    """All one after the other, and one look at what they leave."""
    for what, (command, status, word) in REFUSED.items():
        result = same.split(f"docker {command} </dev/null")
        assert result.status == status, (what, result)
        assert len(result.err.splitlines()) <= 2 and word in result.err, (what, result.err)
        assert same.ok("docker ps -aq --no-trunc | wc -l") == "1\n", what


# What is done, ending with the containers gone.
ENDINGS = {
    "exits at once": "for i in 1 2 3 4 5; do docker run --rm busybox true; done",
    "exits at once, detached": "docker run -d --name x1 busybox false; docker wait x1; docker rm x1",
    "ignores SIGTERM": f"docker run -d --name x1 busybox {DEAF}; docker stop -t 1 x1; docker rm x1",
    "killed with children": "docker run -d --name x1 busybox sh -c 'sleep 1000 & sleep 1000 & wait'; docker rm -f x1",
    "killed while paused": "docker run -d --name x1 busybox sleep 1000; docker pause x1; docker rm -f x1",
    "stopped while paused": f"docker run -d --name x1 busybox {DEAF}; docker pause x1; docker stop -t 1 x1; docker rm x1",
    "in a restart loop": "docker run -d --name x1 --restart always busybox false; sleep 1; docker rm -f x1",
    "restarted by hand": "docker run -d --name x1 busybox sleep 1000; docker restart -t 0 x1; docker restart -t 0 x1; docker rm -f x1",
    "unhealthy": "docker run -d --name x1 --health-cmd 'sleep 100' --health-interval 100ms busybox sleep 1000; sleep 0.5; docker rm -f x1",
    "started twice": "docker create --name x1 busybox sleep 1000; docker start x1 & docker start x1; wait; docker start x1; docker rm -f x1",
    "name used again": "for i in 1 2 3; do docker run -d --name x1 busybox sleep 1000; docker rename x1 x2; docker rm -f x2; done",
    "never started": "docker create --name x1 busybox true; docker rm x1",
    "fails to start": "docker create --name x1 busybox no-such-program; docker start x1 || true; docker start x1 || true; docker rm x1",
    "fills its disk": "docker run --rm --tmpfs /full:size=1m busybox sh -c 'dd if=/dev/zero of=/full/x bs=64k' || true",
    "its monitor killed": "docker run -d --name x1 busybox sleep 1000; "
                          "kill -9 $(awk '/PPid/{print $2}' /proc/$(docker inspect --format '{{.State.Pid}}' x1)/status);"
                          "sleep 0.2; docker ps -a; docker rm x1",
    "its command killed": "docker run --name x1 busybox sleep 1000 & sleep 0.7; kill -9 $!; wait $! || true; docker rm -f x1",
    "its command killed at once": "for d in 0.002 0.006 0.012 0.02 0.04; do docker run --rm --name x1 busybox true & sleep $d;"
                                  "kill -9 $! || true; wait $! || true; sleep 0.3; docker rm -f x1 2>/dev/null || true; done",
    "execs left behind": "docker run -d --name x1 busybox sleep 1000; docker exec -d x1 sleep 1000; docker exec x1 true; docker rm -f x1",
    "all at once": "for i in 1 2 3 4 5 6; do docker run -d --name x$i busybox sleep 1000 & done; wait; docker rm -f x1 x2 x3 x4 x5 x6",
}


BOTH = ("killed with children", "in a restart loop", "unhealthy", "its monitor killed", "all at once")


@pytest.mark.parametrize("what", [pytest.param(w, marks=[] if w in BOTH else pytest.mark.host_is_enough) for w in ENDINGS])
def test_ending(same, what):
    same.ok(f"( {ENDINGS[what]} ) >/dev/null 2>&1 </dev/null; docker ps -a --format '{{{{.Names}}}}'", timeout=60)
    assert same.ok("docker ps -a --format '{{.Names}}'") == "bystander\n"
