# SPDX-License-Identifier: GPL-2.0-or-later
"""`docker pause` and `unpause`, and what other commands make of a paused container."""

import re

import pytest

COUNT = "docker run -d --name counter busybox sh -c 'i=0; while :; do i=$((i+1)); echo $i > /count; usleep 20000; done'"


@pytest.fixture
def counter(machine):
    cid = machine.ok(COUNT).strip()
    machine.until("docker exec counter cat /count", r"\d")
    return cid


def count(machine):
    """What it has counted to, read beside it: exec is refused while it is paused."""
    return machine.ok("docker cp counter:/count - | tar xO")


def test_it_stands_still_and_goes_on(machine, clean, counter):
    assert machine.ok("docker pause counter") == "counter\n"
    status = machine.ok("docker ps --format '{{.Names}} {{.Status}} {{.State}}'")
    assert re.fullmatch(r"counter Up .* \(Paused\) paused\n", status)
    assert machine.ok("docker inspect -f '{{.State.Status}} {{.State.Running}} {{.State.Paused}}' counter") \
        == "paused true true\n"
    before = count(machine)
    machine.ok("sleep 0.3")
    assert count(machine) == before
    assert machine.ok("docker unpause counter") == "counter\n"
    assert "Paused" not in machine.ok("docker ps")
    machine.until("docker exec counter cat /count", rf"^(?!{before.strip()}$)\d+")
    assert machine.ok("docker inspect -f '{{.State.Status}} {{.State.Paused}}' counter") == "running false\n"


def test_by_id_and_several(machine, counter):
    machine.ok("docker run -d --name other busybox sleep 1000")
    assert machine.ok(f"docker container pause {counter[:12]} other").split() == [counter[:12], "other"]
    assert machine.ok("docker ps -q --filter status=paused").split().__len__() == 2
    result = machine.split("docker unpause nothing other")
    assert (result.status, result.out) == (1, "other\n") and "No such container: nothing" in result.err
    assert machine.ok("docker ps --filter status=paused --format '{{.Names}}'") == "counter\n"


def refused(machine, cmd, words, status=1):
    result = machine.split(cmd)
    assert result.status == status and result.out == "" and len(result.err.splitlines()) == 1, result
    assert words in result.err


def test_twice_is_refused(machine, counter):
    refused(machine, "docker unpause counter", f"Container {counter} is not paused")
    machine.ok("docker pause counter")
    refused(machine, "docker pause counter", f"Container {counter} is already paused")
    machine.ok("docker unpause counter")
    machine.ok("docker kill counter")
    refused(machine, "docker pause counter", "is not running")
    refused(machine, "docker unpause counter", f"Container {counter} is not paused")
    refused(machine, "docker pause no-such", "No such container: no-such")
    refused(machine, "docker pause", "requires at least 1 argument", 125)


def test_nothing_is_added_to_it(machine, counter):
    machine.ok("docker pause counter")
    refused(machine, "docker exec counter true", "is paused, unpause the container before exec")
    refused(machine, "docker attach counter", "You cannot attach to a paused container, unpause it first")
    refused(machine, "docker start counter", "cannot start a paused container, try unpause instead")
    refused(machine, "docker rm counter", "container is paused and must be unpaused first")
    assert machine.ok("docker ps -q --filter status=paused").strip()


def test_kill(machine, clean, counter):
    machine.ok("docker pause counter")
    assert machine.ok("docker kill counter") == "counter\n"
    assert machine.ok("docker inspect -f '{{.State.Status}} {{.State.ExitCode}} {{.State.Paused}}' counter") \
        == "exited 137 false\n"


def test_stop_thaws(machine, clean):
    machine.ok("docker run -d --name polite busybox sh -c 'trap \"echo bye; exit 3\" TERM; touch /got; while :; do usleep 20000; done'")
    machine.until("docker exec polite ls /", r"\bgot\b")
    machine.ok("docker pause polite")
    assert machine.ok("docker stop polite") == "polite\n"
    assert machine.ok("docker logs polite") == "bye\n"
    assert machine.ok("docker inspect -f '{{.State.ExitCode}}' polite") == "3\n"


def test_a_harmless_signal_waits(machine, clean):
    machine.ok("docker run -d --stop-signal TERM --name waits busybox sh -c 'trap \"echo usr >> /got\" USR1; touch /got; "
               "while :; do usleep 20000; done'")
    machine.until("docker exec waits ls /", r"\bgot\b")
    machine.ok("docker pause waits")
    machine.ok("docker kill -s USR1 waits")
    machine.ok("sleep 0.2")
    assert machine.ok("docker cp waits:/got - | tar xO") == ""
    assert machine.ok("docker ps --filter status=paused --format '{{.Names}}'") == "waits\n"
    machine.ok("docker unpause waits")
    machine.until("docker exec waits cat /got", "usr")


def test_removed_by_force_and_files_are_read(machine, clean, counter):
    machine.ok("docker pause counter")
    machine.ok("docker cp counter:/etc/hostname /tmp/pause-hostname && rm /tmp/pause-hostname")
    machine.ok("docker commit counter pausedimage && docker rmi pausedimage")
    assert machine.ok("docker inspect -f '{{.State.Status}}' counter") == "paused\n"
    assert machine.ok("docker top counter -o pid,comm").splitlines()[1].split()[1] == "sh"
    assert machine.ok("docker rm -f counter") == "counter\n"


def test_restart_of_a_paused_one(machine, clean, counter):
    machine.ok("docker pause counter")
    machine.ok("docker restart -t 0 counter")
    assert machine.ok("docker inspect -f '{{.State.Status}} {{.State.Paused}}' counter") == "running false\n"
