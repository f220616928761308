# SPDX-License-Identifier: GPL-2.0-or-later
"""`docker events`: what happened, in Docker's words and order."""

import json
import re

import pytest

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}\S* container ([a-z_]+)(: .*?)? ([0-9a-f]{64}) \((.*)\)$")


def actions(out):
    return [LINE.match(line).group(1) for line in out.splitlines() if LINE.match(line)]


def past(machine, flags):
    return machine.ok(f"docker events --since 30m --until 0s {flags}")


def test_a_life(machine):
    machine.ok("docker run -d --name lived --label zone=a busybox sh -c 'sleep 1000'; docker rename lived renamed;"
               "docker kill -s USR1 renamed; docker stop -t 0 renamed; docker start renamed; docker kill renamed;"
               "docker rm renamed")
    out = past(machine, "--filter label=zone=a")
    seen = [a for a in actions(out) if a in ("create", "start", "rename", "kill", "die", "stop", "destroy")]
    assert seen[:3] == ["create", "start", "rename"]
    assert seen[-3:] == ["kill", "die", "destroy"]
    assert seen.count("die") == 2 and seen.count("stop") == 1 and seen.count("start") == 2
    assert "image=busybox, name=lived, zone=a)" in out.splitlines()[0]
    assert re.search(r"die .*\(execDuration=\d+, exitCode=137, image=busybox, name=renamed, zone=a\)", out)
    assert "oldName=/lived" in out


def test_filters_and_formats(machine):
    machine.ok("docker run --name filtered-aa busybox true; docker run --name filtered-bb busybox sh -c 'exit 3' || true")
    assert actions(past(machine, "--filter container=filtered-bb --filter event=die")) == ["die"]
    assert actions(past(machine, "--filter container=filtered-bb --filter event=die --filter event=create")) == ["create", "die"]
    assert past(machine, "--filter type=network --filter container=filtered-bb") == ""
    assert past(machine, "--filter image=no-such") == ""
    out = past(machine, "--filter container=filtered-bb --filter event=die --format '{{json .}}'")
    event = json.loads(out)
    assert event["Action"] == event["status"] == "die" and event["Type"] == "container"
    assert event["Actor"]["Attributes"] == {"execDuration": event["Actor"]["Attributes"]["execDuration"],
                                            "exitCode": "3", "image": "busybox", "name": "filtered-bb"}
    assert event["timeNano"] // 10**9 == event["time"]
    out = past(machine, "--filter container=filtered-bb --filter event=die --format '{{.Type}} {{.Action}} {{.Actor.Attributes.exitCode}}'")
    assert out == "container die 3\n"


@pytest.mark.host_is_enough
def test_follows(machine):
    with machine.spawn("docker events --filter container=later --format '{{.Action}}'") as s:
        machine.ok("sleep 0.5; docker run --name later busybox true")
        s.expect("create")
        s.expect("start")
        s.expect("die")


@pytest.mark.host_is_enough
def test_until_ends(machine):
    machine.ok("docker events --until $(($(date +%s) + 2)) --filter container=x", timeout=30)
    machine.ok("docker run --name past busybox true")
    assert past(machine, "--filter container=past") != ""


def test_exec(machine):
    # a name of hexadecimal digits would also choose containers whose ID begins so
    machine.ok("docker run -d --name joined busybox sleep 1000; docker exec joined sh -c 'exit 5' || true")
    out = past(machine, "--filter container=joined --filter event=exec_create --filter event=exec_start --filter event=exec_die")
    assert actions(out) == ["exec_create", "exec_start", "exec_die"]
    assert "exec_create: sh -c exit 5" in out and "exitCode=5" in out
    assert len(set(re.findall(r"execID=([0-9a-f]{64})", out))) == 1


@pytest.mark.host_is_enough
@pytest.mark.parametrize("flags", ["--since yesterday", "--until soon", "--filter bogus=x", "--filter x", "--format '{{.Nope'", "word"])
def test_bad_words(clean, flags):
    result = clean.split(f"docker events --until 0s {flags}")
    assert result.status in (1, 125) and result.out == "" and 1 <= len(result.err.splitlines()) <= 2, result
