# SPDX-License-Identifier: GPL-2.0-or-later
"""Restart policies: who is started again, how often, what stops that, and what a boot brings back."""

import pytest


def state(machine, name, field="Status"):
    return machine.ok(f"docker inspect --format '{{{{.State.{field}}}}}' {name}").strip()


def restarts(machine, name):
    return int(machine.ok(f"docker inspect --format '{{{{.RestartCount}}}}' {name}"))


def test_always_comes_back_whatever_it_ended_with(machine):
    machine.ok("docker run -d --name back --restart always busybox sh -c 'echo run; exit 0'")
    machine.until("docker logs back", "(run\\s+){3}")
    out = machine.until("docker ps", "Restarting")
    assert "Restarting (0) " in out and " ago" in out
    assert machine.until("docker ps --filter status=restarting -q", ".")
    assert restarts(machine, "back") >= 2
    machine.ok("docker stop back")
    count = machine.ok("docker logs back").count("run")
    assert state(machine, "back") == "exited"
    machine.ok("sleep 1")
    assert machine.ok("docker logs back").count("run") == count
    assert state(machine, "back") == "exited"


def test_on_failure_counts(machine):
    machine.ok("docker run -d --name few --restart on-failure:2 busybox sh -c 'echo run; exit 7'")
    machine.until("docker ps -a", r"Exited \(7\)")
    assert machine.ok("docker logs few").split() == ["run"] * 3
    assert restarts(machine, "few") == 2
    machine.ok("docker run -d --name good --restart on-failure busybox true")
    machine.until("docker ps -a", r"Exited \(0\)")
    assert restarts(machine, "good") == 0
    # a person's start begins to count anew
    machine.ok("docker start few")
    machine.until("docker logs few", "(run\\s+){6}")
    machine.until("docker ps -a", r"Exited \(7\)")
    assert machine.ok("docker logs few").split() == ["run"] * 6


def test_same_container_new_processes(machine):
    """A file written in one run is there in the next; /tmp on tmpfs is not; the monitor is the same process."""
    machine.ok("docker run -d --name same --restart always busybox "
               "sh -c 'cat /count; echo x >>/count; test $(wc -l </count) -lt 3 && exit 1; echo steady; sleep 1000'")
    machine.until("docker logs same", "steady")
    assert machine.ok("docker logs same").split().count("x") == 3
    assert state(machine, "same") == "running" and int(state(machine, "same", "Pid")) > 0


def test_killed_by_hand_stays_down(machine):
    machine.ok("docker run -d --name victim --restart always busybox sh -c 'echo up; sleep 1000'")
    machine.until("docker logs victim", "up")
    machine.ok("docker kill victim")
    machine.ok("sleep 1")
    assert state(machine, "victim") == "exited"
    machine.ok("docker start victim")
    assert state(machine, "victim") == "running"


@pytest.mark.host_is_enough
def test_stop_while_it_waits(machine):
    """Stopped in the pause between two runs: at once, for there is nothing to wait for."""
    machine.ok("docker run -d --name waits --restart always busybox sh -c 'echo run; exit 1'")
    machine.until("docker logs waits", "(run\\s+){5}")
    machine.until("docker ps", "Restarting")
    for word in ("exec waits true", "pause waits", "attach waits", "rm waits"):
        result = machine.split(f"docker {word}")
        if result.status == 0:
            continue  # it ran this very moment
        assert result.status == 1 and len(result.err.splitlines()) == 1, (word, result)
    machine.ok("docker stop -t 60 waits", timeout=30)
    assert state(machine, "waits") == "exited" and state(machine, "waits", "Restarting") == "false"
    assert machine.ok("docker wait waits") == "1\n"


def test_wait_sees_the_end_of_a_run(machine):
    machine.ok("docker run -d --name one --restart always busybox sh -c 'sleep 1; exit 9'")
    assert machine.ok("docker wait one") == "9\n"
    machine.until("docker inspect --format '{{.RestartCount}}' one", "[1-9]")


def test_foreground_ends_with_the_first_run(machine):
    """As with Docker: the client sees one run, and the container goes on."""
    result = machine.run("docker run --name front --restart always busybox sh -c 'echo here; exit 4'")
    assert result.status == 4 and result.out == "here\n"
    machine.until("docker logs front", "(here\\s+){2}")


def test_restart_command(machine):
    machine.ok("docker run -d --name web busybox sh -c 'trap \"echo asked; exit 0\" TERM; echo up; while :; do sleep 0.1; done';"
               "docker create --name made busybox sh -c 'echo made; sleep 1000'")
    machine.until("docker logs web", "up")
    assert machine.ok("docker restart web made") == "web\nmade\n"
    machine.until("docker logs web", "asked\\s+up")
    machine.until("docker logs made", "made")
    assert restarts(machine, "web") == 0
    result = machine.split("docker restart no-such web")
    assert result.status == 1 and result.out == "web\n" and "no-such" in result.err
    machine.ok("docker restart -t 0 made")
    assert state(machine, "made") == "running"


def test_restart_keeps_what_rm_would_take(machine):
    machine.ok("docker run -d --rm --name kept busybox sh -c 'echo up; sleep 1000'")
    machine.ok("docker restart -t 0 kept")
    machine.until("docker logs kept", "(up\\s+){2}")
    machine.ok("docker stop -t 0 kept")
    assert machine.containers() == []


def test_update_reaches_what_runs(machine):
    """The policy as it stands when a run ends counts, whatever it was when the container was started."""
    machine.ok("docker run -d --name late busybox sh -c 'echo run; sleep 1; exit 1'; docker update --restart always late;"
               "docker run -d --name never --restart always busybox sh -c 'echo run; sleep 1; exit 1'; docker update --restart no never")
    machine.until("docker logs late", "(run\\s+){2}")
    machine.until("docker ps -a", "Exited \\(1\\)")
    assert machine.ok("docker logs never") == "run\n"
    # also in the pause between two runs
    machine.until("docker ps", "Restarting")
    machine.ok("docker update --restart no late")
    machine.until("docker inspect --format '{{.State.Status}}' late", "exited")


@pytest.mark.host_is_enough
def test_bad_policies(clean):
    for policy in ("never", "always:3", "on-failure:x", "on-failure:-1", "unless-stopped:1"):
        result = clean.split(f"docker run -d --restart {policy} busybox true")
        assert result.status == 125 and len(result.err.splitlines()) == 1, (policy, result)
    result = clean.split("docker run --rm --restart always busybox true")
    assert result.status == 125 and "--rm" in result.err


def test_a_restart_that_fails_is_told(machine):
    machine.ok("docker run -d --name breaks --restart always busybox sh -c 'rm /bin/sh; exit 1'")
    machine.until("docker ps -a", "Exited")
    assert "sh" in state(machine, "breaks", "Error")
    assert state(machine, "breaks", "ExitCode") == "127"


@pytest.mark.host_is_enough
def test_boot_starts_what_must_run(machine):
    """`shutdown` and `boot` are what init calls; a store of its own would be the same."""
    if "DOCKER_HOST" in getattr(machine, "env", {}):
        pytest.skip("Docker's daemon is not restarted for this")
    for policy in ("no", "always", "unless-stopped", "on-failure"):
        machine.ok(f"docker run -d --name {policy} --stop-timeout 1 --restart {policy} busybox sleep 1000;"
                   f"docker run -d --name {policy}-by-hand --stop-timeout 1 --restart {policy} busybox sleep 1000;"
                   f"docker stop -t 0 {policy}-by-hand")
    machine.ok("docker create --name never --restart always busybox sleep 1000")
    machine.ok("docker shutdown", timeout=60)
    assert machine.ok("docker ps -q") == ""
    machine.ok("docker boot")
    names = machine.ok("docker ps --format '{{.Names}}'").split()
    assert sorted(names) == ["always", "always-by-hand", "unless-stopped"]
