# SPDX-License-Identifier: GPL-2.0-or-later
"""Flags of `run` and `create`: what a container of theirs is like inside, what `inspect` shows, how they are refused."""

import json

import pytest


def inside(machine, options, script, image="busybox"):
    return machine.ok(f"docker run --rm {options} {image} sh -c '{script}'")


def inspect(machine, name, what):
    return json.loads(machine.ok(f"docker inspect -f '{{{{json .{what}}}}}' {name}"))


# -- what it is like inside

def test_limits_of_processes(machine):
    out = inside(machine, "--ulimit nofile=100:200 --ulimit core=0", "ulimit -n; ulimit -Hn; ulimit -c")
    assert out.split() == ["100", "200", "0"]


def test_ulimits_hold_for_exec_too(machine):
    machine.ok("docker run -d --name limited --ulimit nofile=77 --oom-score-adj 321 busybox sleep 1000")
    out = machine.ok("docker exec limited sh -c 'ulimit -n; cat /proc/self/oom_score_adj'")
    assert out.split() == ["77", "321"]


def test_shared_memory_of_a_size(machine):
    assert inside(machine, "--shm-size 1m", "df -k /dev/shm | tail -1").split()[1] == "1024"
    assert inside(machine, "", "df -k /dev/shm | tail -1").split()[1] == "65536"


def test_oom_score_adj(machine):
    assert inside(machine, "--oom-score-adj 500", "cat /proc/self/oom_score_adj").strip() == "500"


def test_names(machine):
    out = inside(machine, "-h web --domainname example.org --add-host a:192.0.2.1 --add-host b=[::1] --dns 192.0.2.53 "
                          "--dns-search example.com --dns-option ndots:3",
                 "hostname; cat /proc/sys/kernel/domainname /etc/hostname; echo --; cat /etc/hosts; echo --; cat /etc/resolv.conf")
    names, hosts, resolv = out.split("--\n")
    assert names.split() == ["web", "example.org", "web.example.org"]
    assert "127.0.1.1\tweb.example.org web\n192.0.2.1\ta\n::1\tb\n" in hosts
    assert resolv.splitlines()[:3] == ["nameserver 192.0.2.53", "search example.com", "options ndots:3"]


@pytest.mark.host_is_enough
def test_no_search_domain(machine):
    assert "search" not in inside(machine, "--dns 192.0.2.53 --dns-search .", "cat /etc/resolv.conf")


def test_additional_groups(machine):
    out = inside(machine, "--group-add 1234 --group-add 4321", "id -G").split()
    assert out == ["0", "1234", "4321"]
    result = machine.split("docker run --rm --group-add nosuchgroup busybox true")
    assert result.status == 125 and "unable to find group nosuchgroup: no matching entries in group file" in result.err


@pytest.mark.host_is_enough
def test_groups_hold_for_exec_too(machine):
    machine.ok("docker run -d --name grouped --group-add 1234 busybox sleep 1000")
    assert "1234" in machine.ok("docker exec grouped id -G").split()
    assert "1234" in machine.ok("docker exec -u 7:8 grouped id -G").split()


def test_read_only(machine):
    result = machine.split("docker run --rm --read-only busybox touch /x")
    assert result.status == 1 and "Read-only file system" in result.err
    assert machine.split("docker run --rm --read-only busybox sh -c 'echo x >/etc/hosts'").status != 0
    machine.ok("docker run --rm --read-only busybox touch /dev/shm/x")


def test_init_is_the_first_process(machine):
    out = machine.ok("docker run --rm --init busybox ps -o pid,args").split()
    assert out[2] == "1" and "ps" not in out[3]
    assert machine.run("docker run --rm --init busybox sh -c 'exit 7'").status == 7


@pytest.mark.host_is_enough
def test_labels_and_their_file(machine):
    path = machine.put("flags-labels", "# none\na=1\n\nb\nc=x y\n")
    machine.ok(f"docker create --name labelled --label-file {path} -l a=2 -l d=e=f busybox true")
    assert inspect(machine, "labelled", "Config.Labels") == {"a": "2", "b": "", "c": "x y", "d": "e=f"}


@pytest.mark.host_is_enough
def test_expose(machine):
    machine.ok("docker create --name exposed --expose 80-81 --expose 53/udp busybox true")
    assert list(inspect(machine, "exposed", "Config.ExposedPorts")) == ["53/udp", "80/tcp", "81/tcp"]


@pytest.mark.host_is_enough
def test_attached_streams(machine):
    script = "sh -c 'echo out; echo err >&2'"
    for flags, expected in (("-a stdout", ("out\n", "")), ("-a STDERR", ("", "err\n")), ("-a stdout -a stderr", ("out\n", "err\n"))):
        result = machine.split(f"docker run --rm {flags} busybox {script}")
        assert (result.out, result.err) == expected, flags
    result = machine.split("docker run --rm -d -a stdout busybox true")
    assert result.status == 125 and "conflicting options: cannot specify both --attach and --detach" in result.err


@pytest.mark.host_is_enough
def test_file_of_the_id(machine):
    path = f"{machine.share_path}/flags-cid"
    machine.run(f"rm -f {path}")
    container = machine.ok(f"docker create --cidfile {path} busybox true").strip()
    assert machine.ok(f"cat {path}") == container
    assert inspect(machine, container, "HostConfig.ContainerIDFile") == path
    result = machine.split(f"docker create --cidfile {path} busybox true")
    assert result.status == 125 or result.status == 1
    assert f"container ID file found, make sure the other container isn't running or delete {path}" in result.err
    assert machine.containers() == [container]
    machine.ok(f"rm {path}")
    assert machine.run(f"docker create --cidfile {path} busybox-no-such-image true").status != 0
    assert machine.run(f"test -e {path}").status == 1, "no file for a container that was not made"


# -- inspect

SHOWN = [
    ("-m 64m", "HostConfig.Memory", 64 << 20),
    ("-m 64m", "HostConfig.MemorySwap", 128 << 20),
    ("--memory-reservation 10m", "HostConfig.MemoryReservation", 10 << 20),
    ("--cpus 0.5", "HostConfig.NanoCpus", 500000000),
    ("--cpus 0.5", "HostConfig.CpuQuota", 0),
    ("-c 512", "HostConfig.CpuShares", 512),
    ("--cpu-period 20000 --cpu-quota 10000", "HostConfig.CpuQuota", 10000),
    ("--cpuset-cpus 0", "HostConfig.CpusetCpus", "0"),
    ("--pids-limit 30", "HostConfig.PidsLimit", 30),
    ("", "HostConfig.PidsLimit", None),
    ("--blkio-weight 300", "HostConfig.BlkioWeight", 300),
    ("--device-read-bps /dev/null:1mb", "HostConfig.BlkioDeviceReadBps", [{"Path": "/dev/null", "Rate": 1 << 20}]),
    ("--ulimit nofile=1:2", "HostConfig.Ulimits", [{"Name": "nofile", "Hard": 2, "Soft": 1}]),
    ("", "HostConfig.Ulimits", []),
    ("--sysctl kernel.shmmax=9", "HostConfig.Sysctls", {"kernel.shmmax": "9"}),
    ("--shm-size 2m", "HostConfig.ShmSize", 2 << 20),
    ("--oom-score-adj 9", "HostConfig.OomScoreAdj", 9),
    ("--cap-add NET_ADMIN", "HostConfig.CapAdd", ["CAP_NET_ADMIN"]),
    ("--privileged", "HostConfig.Privileged", True),
    ("--privileged", "HostConfig.MaskedPaths", None),
    ("--security-opt systempaths=unconfined", "HostConfig.MaskedPaths", []),
    ("--security-opt no-new-privileges", "HostConfig.SecurityOpt", ["no-new-privileges"]),
    ("--group-add 7", "HostConfig.GroupAdd", ["7"]),
    ("--device /dev/null:/dev/x:r", "HostConfig.Devices",
     [{"PathOnHost": "/dev/null", "PathInContainer": "/dev/x", "CgroupPermissions": "r"}]),
    ("--dns 192.0.2.1", "HostConfig.Dns", ["192.0.2.1"]),
    ("--add-host a:192.0.2.1", "HostConfig.ExtraHosts", ["a:192.0.2.1"]),
    ("--pid host", "HostConfig.PidMode", "host"),
    ("--ipc shareable", "HostConfig.IpcMode", "shareable"),
    ("", "HostConfig.IpcMode", "private"),
    ("--uts host", "HostConfig.UTSMode", "host"),
    ("--cgroupns host", "HostConfig.CgroupnsMode", "host"),
    ("--userns auto", "HostConfig.UsernsMode", "auto"),
    ("--network none", "HostConfig.NetworkMode", "none"),
    ("--restart on-failure:3", "HostConfig.RestartPolicy", {"Name": "on-failure", "MaximumRetryCount": 3}),
    ("--log-opt max-size=1m --log-opt max-file=2", "HostConfig.LogConfig",
     {"Type": "json-file", "Config": {"max-file": "2", "max-size": "1m"}}),
    ("--annotation a=b", "HostConfig.Annotations", {"a": "b"}),
    ("--init", "HostConfig.Init", True),
    ("-v /tmp:/x:ro", "HostConfig.Binds", ["/tmp:/x:ro"]),
    ("--tmpfs /t:size=1m", "HostConfig.Tmpfs", {"/t": "size=1m"}),
    ("-v /tmp:/x:ro", "Mounts",
     [{"Type": "bind", "Source": "/tmp", "Destination": "/x", "Mode": "ro", "RW": False, "Propagation": "rprivate"}]),
    ("--health-cmd true --health-interval 5s", "Config.Healthcheck", {"Test": ["CMD-SHELL", "true"], "Interval": 5000000000}),
    ("--no-healthcheck", "Config.Healthcheck", {"Test": ["NONE"]}),
    ("--stop-timeout 3", "Config.StopTimeout", 3),
    ("--stop-signal QUIT", "Config.StopSignal", "QUIT"),
    ("--domainname d", "Config.Domainname", "d"),
    ("-d", "Config.AttachStdout", False),
]


@pytest.mark.host_is_enough
@pytest.mark.parametrize("flags,what,value", SHOWN, ids=[f"{f} {w}" for f, w, _ in SHOWN])
def test_inspect_shows(machine, flags, what, value):
    if flags == "-d":
        machine.ok("docker run -d --name shown busybox true")
    else:
        machine.ok(f"docker create --name shown {flags} busybox true")
    assert inspect(machine, "shown", what) == value


@pytest.mark.host_is_enough
def test_templates_over_them(machine):
    machine.ok("docker create --name shown -m 64m --sysctl kernel.shmmax=9 --tmpfs /t busybox true")
    line = machine.ok("docker inspect -f '{{.HostConfig.Memory}} {{.HostConfig.Sysctls}} {{.HostConfig.PidsLimit}} "
                      "{{.HostConfig.Init}} {{.State.Health}} {{.Config.StopTimeout}} {{.HostConfig.CapAdd}}' shown")
    assert line == "67108864 map[kernel.shmmax:9] <nil> <nil> <nil> <nil> []\n"


# -- refused

REFUSED = [
    ("--no-such-flag", "unknown flag: --no-such-flag"),
    ("--memroy 1g", "unknown flag: --memroy; did you mean --memory?"),
    ("-m x", "invalid argument \"x\" for \"-m, --memory\" flag: invalid size: 'x'"),
    ("-m 1m", "Minimum memory limit allowed is 6MB"),
    ("--restart always --rm", "conflicting options: cannot specify both --restart and --rm"),
    ("-p 80:80", "ports cannot be published"),
    ("--pull always", "--pull always: images cannot be pulled yet"),
    ("--pull x", "invalid pull option: 'x': must be one of \"always\", \"missing\" or \"never\""),
    ("--network container:nobody", "No such container: nobody"),
    ("--volumes-from nobody", "No such container: nobody"),
    ("--oom-kill-disable", "cgroup v2"),
    ("--device /dev/nosuch", "error gathering device information while adding custom device \"/dev/nosuch\": no such file or directory"),
    ("--device-read-bps /dev/nosuch:1", "/dev/nosuch"),
    ("--sysctl kernel.pid_max=1", "sysctl 'kernel.pid_max=1' is not allowed"),
    ("--sysctl net.core.somaxconn=1", "sysctl \"net.core.somaxconn\" not allowed in host network namespace"),
]


@pytest.mark.host_is_enough
@pytest.mark.parametrize("flags,words", REFUSED, ids=[f for f, _ in REFUSED])
def test_refused_in_one_line(clean, flags, words):
    result = clean.split(f"docker run {'' if 'restart' in flags else '--rm'} {flags} busybox true")
    assert result.status == 125 and words in result.err and len(result.err.splitlines()) == 1, result
    assert clean.containers() == []


@pytest.mark.host_is_enough
def test_what_is_discarded_is_told(machine):
    result = machine.split("docker run --rm --network host -p 80:80 busybox true")
    assert result.status == 0
    assert result.err.splitlines()[0] == "WARNING: Published ports are discarded when using host network mode"


def test_what_cannot_start_stays_created(clean):
    result = clean.split("docker run --name unborn busybox no-such-program")
    assert result.status == 127
    state = inspect(clean, "unborn", "State")
    assert state["Status"] == "created" and state["ExitCode"] == 127 and "no-such-program" in state["Error"]
    assert clean.run("docker start unborn").status == 1
    assert clean.run("docker run --rm busybox no-such-program").status == 127
    assert len(clean.containers()) == 1
