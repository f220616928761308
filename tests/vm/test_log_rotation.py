# SPDX-License-Identifier: GPL-2.0-or-later
"""`--log-opt max-size`, `max-file` and `--log-driver none`: what is kept of a log, and that no line is lost on the way."""

import os
import random
import signal
import time

import pytest

COUNT = "i=0; while [ $i -lt {n} ]; do i=$((i+1)); echo line $i of many; done"


def numbers(text):
    lines = text.splitlines()
    assert all(l.startswith("line ") and l.endswith(" of many") for l in lines), text[-300:]
    return [int(l.split()[1]) for l in lines]


def is_row(found, last):
    """No gap, nothing twice, and the end is there."""
    assert found and found[-1] == last and found == list(range(found[0], last + 1)), (found[:3], found[-3:], len(found))


def files(machine, name):
    folder = f"{machine.store}/containers/" + machine.ok(f"docker inspect -f '{{{{.Id}}}}' {name}").strip()
    rows = machine.ok(f"cd {folder} && wc -c log* | grep -v total").splitlines()
    return {row.split()[1]: int(row.split()[0]) for row in rows}


def test_rotated(machine):
    machine.ok("docker run -d --name rotating --log-opt max-size=10k --log-opt max-file=3 busybox sh -c '"
               + COUNT.format(n=2000) + "'; docker wait rotating")
    sizes = files(machine, "rotating")
    assert len(sizes) == 3 and max(sizes.values()) < 10 * 1024 + 200, sizes
    found = numbers(machine.ok("docker logs rotating"))
    is_row(found, 2000)
    assert 200 < len(found) < 500
    assert numbers(machine.ok("docker logs --tail 200 rotating")) == list(range(1801, 2001)), "over the files' border"
    assert numbers(machine.ok("docker logs -n 1 rotating")) == [2000]
    # the next run goes on behind it
    machine.ok("docker start -a rotating")
    is_row(numbers(machine.ok("docker logs --tail 100 rotating")), 2000)
    assert len(files(machine, "rotating")) == 3


@pytest.mark.host_is_enough
def test_one_file_is_all_there_is_without_max_file(machine):
    machine.ok("docker run --name single --log-opt max-size=5k busybox sh -c '" + COUNT.format(n=500) + "' >/dev/null")
    assert len(files(machine, "single")) == 1
    is_row(numbers(machine.ok("docker logs single")), 500)
    machine.ok("docker run --name plain busybox sh -c '" + COUNT.format(n=500) + "' >/dev/null")
    assert list(files(machine, "plain")) == ["log"]
    assert numbers(machine.ok("docker logs plain")) == list(range(1, 501))


def test_followed_while_it_rotates(machine):
    machine.ok("docker create --name followed --log-opt max-size=4k --log-opt max-file=200 busybox sh -c '"
               "sleep 1; " + COUNT.format(n=3000) + "; sleep 0.5; echo line 3001 of many' && docker start followed")
    out = machine.ok("docker logs -f followed", timeout=120)
    assert numbers(out) == list(range(1, 3002))
    assert len(files(machine, "followed")) > 20


@pytest.mark.host_is_enough
def test_none(machine):
    assert machine.ok("docker run --name silent --log-driver none busybox echo seen") == "seen\n"
    result = machine.run("docker logs silent")
    assert result.status == 1 and "configured logging driver does not support reading" in result.out
    machine.ok("! ls " + machine.store + "/containers/*/log 2>/dev/null")


@pytest.mark.host_is_enough
def test_until_and_details(machine):
    machine.ok("docker run --name timed busybox sh -c 'echo first; sleep 2; echo second' >/dev/null")
    first, second = [l.split(" ", 1) for l in machine.ok("docker logs -t timed").splitlines()]
    assert (first[1], second[1]) == ("first", "second")
    assert machine.ok(f"docker logs --until {first[0]} timed") == "first\n"
    assert machine.ok(f"docker logs --since {second[0]} timed") == "second\n"
    assert machine.ok("docker logs --since 1h timed") == "first\nsecond\n"
    assert machine.ok("docker logs --until 1h timed") == ""
    assert machine.ok("docker logs --since 4102444800 timed") == "", "the year 2100"
    assert machine.ok("docker logs --details timed") == " first\n second\n"


@pytest.mark.host_is_enough
def test_following_ends_at_until(machine):
    machine.ok("docker run -d --name endless busybox sh -c 'while :; do echo tick; sleep 0.2; done'")
    until = machine.ok("date -u -d '+2 seconds' +%Y-%m-%dT%H:%M:%SZ").strip()
    begun = time.monotonic()
    out = machine.ok(f"docker logs -f --until {until} endless", timeout=20)
    assert out.startswith("tick\n") and time.monotonic() - begun < 6


@pytest.mark.host_is_enough
def test_one_log_over_restarts(machine):
    """Following ends with the run, as with Docker; the log is that of all runs."""
    machine.ok("docker run -d --name retried --restart on-failure:2 busybox sh -c 'echo run; sleep 0.7; exit 1'")
    assert machine.ok("docker logs -f retried", timeout=60) == "run\n"
    machine.until("docker ps -a", r"Exited \(1\)")
    assert machine.ok("docker logs retried") == 3 * "run\n"


@pytest.mark.host_is_enough
@pytest.mark.parametrize("words", ["--since nonsense", "--until 12:00", "--tail many"])
def test_bad_words(machine, words):
    machine.ok("docker run --name worded busybox true")
    result = machine.split(f"docker logs {words} worded")
    assert result.status == 1 and result.out == "" and result.err.count("\n") == 1 and "invalid" in result.err


@pytest.mark.host_is_enough
def test_monitor_killed_while_it_rotates(machine):
    """A dozen SIGKILLs at random moments: what is in the log has no hole, and the next run goes on."""
    rng = random.Random(4)
    machine.ok("docker create --name hurt --log-opt max-size=200k --log-opt max-file=256 busybox sh -c '"
               "i=$(cat /n 2>/dev/null || echo 0); while :; do i=$((i+1)); echo line $i of many; done'")
    id = machine.ok("docker inspect -f '{{.Id}}' hurt").strip()
    for n in range(8):
        machine.ok("docker start hurt")
        time.sleep(0.05 + 0.2 * rng.random())
        first = int(machine.ok("docker inspect -f '{{.State.Pid}}' hurt"))
        monitor = int(open(f"/proc/{first}/stat").read().rsplit(")", 1)[1].split()[1])
        assert "knarr-monitor" in open(f"/proc/{monitor}/comm").read()
        os.kill(monitor, signal.SIGKILL)
        machine.until("docker ps -a --filter name=hurt", r"Exited \(255\)")
    text = machine.ok("docker logs hurt")
    runs = []
    for i in numbers(text):
        if i == 1:
            runs.append([])
        assert i == len(runs[-1]) + 1, f"a hole before line {i} of run {len(runs)}"
        runs[-1].append(i)
    assert len(runs) == 8 and len(files(machine, "hurt")) > 4, (len(runs), id)
