# SPDX-License-Identifier: GPL-2.0-or-later
"""`info`, `version` and `port`: what they say, in Docker's layout and through --format."""

import json
import re

import pytest


def test_info_counts_by_state(machine):
    machine.ok("docker create --name info-made busybox true")
    machine.ok("docker run --name info-ended busybox true")
    machine.ok("docker run -d --name info-runs busybox sleep 1000")
    show = "docker info -f '{{.Containers}} {{.ContainersRunning}} {{.ContainersPaused}} {{.ContainersStopped}}'"
    assert machine.ok(show) == "3 1 0 2\n"
    if machine.run("docker pause info-runs").status == 0:
        assert machine.ok(show) == "3 0 1 2\n"
        machine.ok("docker unpause info-runs")


def test_info_tells_the_machine(machine):
    result = machine.split("docker info")
    assert result.status == 0 and all(l.startswith("WARNING: ") for l in result.err.splitlines() if l)
    told = dict(re.findall(r"^ +([^:\n]+): (.*)$", result.out, re.M))
    assert told["Kernel Version"] == machine.ok("uname -r").strip()
    assert told["Architecture"] == "x86_64" and told["OSType"] == "linux"
    assert told["CPUs"] == machine.ok("nproc").strip()
    assert told["Docker Root Dir"] == machine.store
    assert told["Storage Driver"] == "overlayfs" and told["Cgroup Driver"] in ("cgroupfs", "none")
    memory = int(machine.ok("awk '/MemTotal/ {print $2}' /proc/meminfo")) * 1024
    assert int(machine.ok("docker info -f '{{.MemTotal}}'")) == memory
    whole = json.loads(machine.ok("docker system info --format json"))
    assert whole["Images"] == len(set(i for _, i in machine.images()))
    assert machine.ok(f"docker run --rm --runtime {told['Default Runtime']} busybox echo ran") == "ran\n"
    assert list(whole["Runtimes"]) == [whole["DefaultRuntime"]] == [told["Default Runtime"]]
    assert whole["Driver"] == "overlayfs" and whole["Plugins"]["Volume"] == ["local"]
    assert whole["Name"] == machine.ok("hostname").strip()


@pytest.mark.host_is_enough
def test_version(machine):
    text = machine.ok("docker version")
    assert re.search(r"^Client.*\n Version: +\d+\.\d+\.\d+\n", text, re.M) and "\nServer" in text
    version = re.search(r"Version: +(\S+)", text).group(1)
    assert machine.ok("docker version --format '{{.Server.Version}} {{.Client.Os}}/{{.Client.Arch}}'") == f"{version} linux/amd64\n"
    assert json.loads(machine.ok("docker version -f json"))["Server"]["KernelVersion"] == machine.ok("uname -r").strip()
    assert version in machine.ok("docker --version")


@pytest.mark.host_is_enough
@pytest.mark.parametrize("words, says, status", [
    ("info -f '{{.Nope}}'", 'map has no entry for key "Nope"', 1),
    ("info -f '{{'", "template parsing error", 64),
    ("version -f '{{.Client.Nope}}'", 'map has no entry for key "Nope"', 1),
    ("version extra", "accepts no arguments", 125),
    ("port no-such", "No such container: no-such", 1),
    ("port", "requires at least 1 and at most 2 arguments", 125),
])
def test_bad_words(machine, words, says, status):
    result = machine.split("docker " + words)
    assert (result.status, result.out, result.err.count("\n")) == (status, "", 1) and says in result.err, result


@pytest.mark.host_is_enough
def test_port(machine):
    """No container's ports are published: its network is the machine's, or none."""
    machine.ok("docker create --name ported testbox")
    assert machine.ok("docker port ported") == machine.ok("docker container port ported") == ""
    for asked, says in [("80", "No public port '80/tcp' published for ported"),
                        ("53/udp", "No public port '53/udp' published for ported"), ("web", 'invalid port "web"')]:
        result = machine.run("docker port ported " + asked)
        assert result.status == 1 and says in result.out
