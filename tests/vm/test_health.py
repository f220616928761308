# SPDX-License-Identifier: GPL-2.0-or-later
"""Health checks: what is run, what its results make of the container, where they are shown."""

import json

import pytest


def health(machine, name):
    return json.loads(machine.ok(f"docker inspect --format '{{{{json .State.Health}}}}' {name}"))


def start(machine, name, command, flags="", program="sleep 1000"):
    machine.ok(f"docker run -d --name {name} --health-cmd {command!r} --health-interval 300ms {flags} busybox {program}")


def test_healthy(machine):
    start(machine, "well", "echo fine; id -u")
    machine.until("docker ps", r"Up .* \(healthy\)")
    found = health(machine, "well")
    assert found["Status"] == "healthy" and found["FailingStreak"] == 0
    last = found["Log"][-1]
    assert last["ExitCode"] == 0 and last["Output"] == "fine\n0\n" and last["Start"] < last["End"]
    assert machine.ok("docker ps -q --filter health=healthy") != ""


def test_starting_then_unhealthy(machine):
    start(machine, "ill", "echo no >&2; exit 3", "--health-retries 2 --health-start-period 1s --health-start-interval 200ms")
    assert "(health: starting)" in machine.ok("docker ps")
    assert health(machine, "ill")["Status"] == "starting"
    machine.until("docker ps", r"\(unhealthy\)")
    machine.until("docker inspect --format '{{len .State.Health.Log}}' ill", "5")
    found = health(machine, "ill")
    assert found["FailingStreak"] >= 2 and len(found["Log"]) == 5
    assert {(r["ExitCode"], r["Output"]) for r in found["Log"]} == {(3, "no\n")}
    # it runs on: nobody stops it for that
    assert machine.ok("docker inspect --format '{{.State.Status}}' ill") == "running\n"


def test_recovers(machine):
    start(machine, "moody", "test -e /well", "--health-retries 1")
    machine.until("docker ps", r"\(unhealthy\)")
    machine.ok("docker exec moody touch /well")
    machine.until("docker ps", r"\(healthy\)")
    events = machine.ok("docker events --since 10m --until 0s --filter container=moody --filter event=health_status")
    assert [line.split()[2:4] for line in events.splitlines()] == [
        ["health_status:", "unhealthy"], ["health_status:", "healthy"]]


def test_too_long_is_killed_with_all_it_started(machine):
    start(machine, "slow", "echo begun; sleep 4321 & setsid sleep 4321 & sleep 4321", "--health-timeout 1s --health-retries 1")
    machine.until("docker ps", r"\(unhealthy\)")
    last = health(machine, "slow")["Log"][0]
    assert last["ExitCode"] == -1 and last["Output"] == "Health check exceeded timeout (1s): begun\n"
    machine.until("docker inspect --format '{{len .State.Health.Log}}' slow", "[2-5]")
    # those of the check that may be under way now, and of none before
    assert int(machine.ok("docker exec slow ps | grep -c '[s]leep 4321' || true")) <= 3


def test_recovers_from_timeouts(machine):
    start(machine, "stuck", "test -e /well || (sleep 4323; true)", "--health-timeout 1s --health-retries 1")
    machine.until("docker inspect --format '{{.State.Health.FailingStreak}}' stuck", "[2-9]")
    assert {r["Output"] for r in health(machine, "stuck")["Log"]} == {"Health check exceeded timeout (1s)"}
    machine.ok("docker exec stuck touch /well")
    machine.until("docker ps", r"\(healthy\)")


def test_output_is_cut(machine):
    start(machine, "loud", "yes | head -c 100000")
    machine.until("docker ps", r"\(healthy\)")
    output = health(machine, "loud")["Log"][0]["Output"]
    assert output == "y\n" * 2048 + "..."


@pytest.mark.host_is_enough
def test_a_program_that_is_not_there(machine):
    machine.ok("docker run -d --name lost --health-cmd /no/such --health-interval 300ms --health-retries 1 busybox sleep 1000")
    machine.until("docker ps", r"\(unhealthy\)")
    assert health(machine, "lost")["Log"][0]["ExitCode"] != 0


def test_none(machine):
    machine.ok("docker run -d --name none --no-healthcheck busybox sleep 1000")
    assert machine.ok("docker ps --format '{{.Status}}'").startswith("Up ")
    assert "(" not in machine.ok("docker ps --format '{{.Status}}'")
    assert "Health" not in json.loads(machine.ok("docker inspect none"))[0]["State"]


def test_ends_with_the_container(clean):
    """Nothing of a check outlives its container, however it ends."""
    start(clean, "ends", "sleep 4322", "--health-timeout 1000s")
    clean.until("docker exec ends ps", "sleep 4322")
    clean.ok("docker kill ends")
    assert health(clean, "ends")["Status"] == "unhealthy"
    clean.ok("docker rm ends")


@pytest.mark.host_is_enough
def test_bad_flags(clean):
    for flags in ("--health-cmd x --health-interval 1", "--health-cmd x --health-interval -1s", "--health-cmd x --health-timeout soon",
                  "--health-retries -1 --health-cmd x", "--no-healthcheck --health-cmd x"):
        result = clean.split(f"docker run -d {flags} busybox true")
        assert result.status == 125 and len(result.err.splitlines()) == 1, (flags, result)
