# SPDX-License-Identifier: GPL-2.0-or-later
"""A detached container's life: ps, stop, kill, rm, wait."""

import re
import time

import pytest

HEADER = ["CONTAINER ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS", "NAMES"]


def rows(out):
    """The table `docker ps` prints, as dicts; columns are where the header has them."""
    lines = out.replace("\r", "").splitlines()
    starts = [lines[0].index(name) for name in HEADER]
    ends = starts[1:] + [None]
    return [{h: line[a:b].strip() for h, a, b in zip(HEADER, starts, ends)} for line in lines[1:]]


def test_ps_columns(machine):
    container = machine.ok("docker run -d --name web busybox sleep 1000").strip()
    out = machine.ok("docker ps")
    assert re.split(r"\s{2,}", out.splitlines()[0].strip()) == HEADER
    row, = rows(out)
    assert row["CONTAINER ID"] == container[:12]
    assert row["IMAGE"] == "busybox"
    assert row["COMMAND"] == '"sleep 1000"'
    assert re.fullmatch(r"(\d+ seconds?|Less than a second|About a minute) ago", row["CREATED"])
    assert re.fullmatch(r"Up (\d+ seconds?|Less than a second|About a minute)", row["STATUS"])
    assert row["PORTS"] == ""
    assert row["NAMES"] == "web"


def test_ps_shows_the_running_ones_newest_first(machine):
    machine.ok("docker run --name done busybox sh -c 'exit 3'; docker run -d --name first busybox sleep 1000;"
               "sleep 1.1; docker run -d --name second busybox sleep 1000")
    assert [r["NAMES"] for r in rows(machine.ok("docker ps"))] == ["second", "first"]
    everything = rows(machine.ok("docker ps -a"))
    assert [r["NAMES"] for r in everything] == ["second", "first", "done"]
    assert re.fullmatch(r"Exited \(3\) .* ago", everything[2]["STATUS"])


def test_ps_q_and_no_trunc(machine):
    container = machine.ok("docker run -d busybox sleep 1000").strip()
    assert machine.ok("docker ps -q") == container[:12] + "\n"
    assert machine.ok("docker ps -aq --no-trunc") == container + "\n"
    assert machine.ok("docker container ls -q") == container[:12] + "\n"


def test_ps_shortens_long_commands(machine):
    machine.ok("docker run -d busybox sh -c 'sleep 1000; echo a rather long command'")
    assert rows(machine.ok("docker ps"))[0]["COMMAND"] == '"sh -c \'sleep 1000; …"'
    assert "a rather long command" in machine.ok("docker ps --no-trunc")
    machine.ok("docker run -d busybox sh -c \"$(printf 'sleep 1000\\n\\techo two lines')\"")
    assert rows(machine.ok("docker ps"))[0]["COMMAND"] == '"sh -c \'sleep 1000\\n\\t…"'


def test_ps_of_nothing_is_a_header(machine):
    assert machine.ok("docker ps").split() == " ".join(HEADER).split()
    assert machine.ok("docker ps -q") == ""


def test_names_are_invented(machine):
    machine.ok("docker run -d busybox sleep 1000; docker run -d busybox sleep 1000")
    names = [r["NAMES"] for r in rows(machine.ok("docker ps"))]
    assert len(set(names)) == 2 and all(re.fullmatch(r"[a-z0-9]+_[a-z0-9]+", n) for n in names), names


def test_stop_asks_first(machine):
    machine.ok("docker run -d --name polite busybox "
               "sh -c 'trap \"echo asked; exit 4\" TERM; echo up; while :; do sleep 0.1; done'")
    machine.until("docker logs polite", "up")
    assert machine.ok("docker stop polite") == "polite\n"
    assert "asked" in machine.ok("docker logs polite")
    assert "Exited (4)" in machine.ok("docker ps -a")


def test_stop_kills_what_does_not_listen(machine):
    machine.ok("docker run -d --name deaf busybox sh -c 'trap \"\" TERM; echo up; while :; do sleep 0.1; done'")
    machine.until("docker logs deaf", "up")
    begin = time.monotonic()
    machine.ok("docker stop -t 2 deaf")
    assert time.monotonic() - begin >= 1.9
    assert "Exited (137)" in machine.ok("docker ps -a")


def test_stop_uses_the_images_signal(machine):
    machine.ok("docker run -d --name usr1 --entrypoint sh testbox "
               "-c 'trap \"exit 11\" USR1; echo up; while :; do sleep 0.1; done'")
    machine.until("docker logs usr1", "up")
    machine.ok("docker stop usr1")
    assert "Exited (11)" in machine.ok("docker ps -a")


def test_stop_of_a_stopped_one_is_fine(machine):
    machine.ok("docker run --name over busybox true")
    assert machine.ok("docker stop over") == "over\n"


def test_kill(machine):
    machine.ok("docker run -d --name victim busybox sleep 1000")
    assert machine.ok("docker kill victim") == "victim\n"
    assert "Exited (137)" in machine.until("docker ps -a", "Exited")
    result = machine.split("docker kill victim")
    assert result.status == 1 and "not running" in result.err


@pytest.mark.parametrize("signal", ["USR2", "SIGUSR2", "12"])
def test_kill_with_a_signal(machine, signal):
    machine.ok("docker run -d --name sig busybox sh -c 'trap \"exit 12\" USR2; echo up; while :; do sleep 0.1; done'")
    machine.until("docker logs sig", "up")
    machine.ok(f"docker kill -s {signal} sig")
    assert machine.ok("docker wait sig") == "12\n"


def test_kill_with_nonsense(machine):
    machine.ok("docker run -d --name sig busybox sleep 1000")
    for signal in ("NOSUCH", "99", "-1"):
        result = machine.split(f"docker kill --signal={signal} sig")
        assert result.status in (1, 125) and len(result.err.splitlines()) <= 2, signal
    assert "Up" in machine.ok("docker ps")


def test_rm_refuses_a_running_one(machine):
    machine.ok("docker run -d --name busy busybox sleep 1000")
    result = machine.split("docker rm busy")
    assert result.status == 1 and "running" in result.err and len(result.err.splitlines()) == 1
    assert machine.ok("docker rm -f busy") == "busy\n"
    assert machine.containers() == []


def test_rm_of_several(machine):
    machine.ok("docker run --name aa busybox true; docker run --name bb busybox true; docker run --name cc busybox true")
    result = machine.split("docker rm aa no-such bb")
    assert result.status == 1 and result.out == "aa\nbb\n" and "no-such" in result.err
    assert machine.ok("docker rm cc") == "cc\n"


def test_rm_f_leaves_nothing(clean):
    clean.ok("docker run -d --name xx busybox sh -c 'sleep 1000 & sleep 1000 & wait'")
    clean.ok("docker rm -f xx")
    assert clean.containers() == []


def test_wait_gives_the_status(machine):
    machine.ok("docker run -d --name ww busybox sh -c 'sleep 1; exit 21'")
    assert machine.ok("docker wait ww") == "21\n"
    assert machine.ok("docker wait ww") == "21\n"
    machine.ok("docker run -d --name vv busybox sh -c 'exit 22'")
    assert machine.ok("docker wait ww vv") == "21\n22\n"


@pytest.mark.host_is_enough
@pytest.mark.parametrize("command", ["stop", "kill", "rm", "wait", "logs", "exec no-such true #"])
def test_unknown_container(clean, command):
    result = clean.split(f"docker {command} no-such")
    assert result.status == 1, result
    lines = result.err.splitlines()
    assert len(lines) == 1 and "no-such" in lines[0] and result.out == ""


@pytest.mark.host_is_enough
@pytest.mark.parametrize("command", ["run", "stop", "kill", "rm", "wait", "logs", "exec", "load x", "ps x", "images a b c"])
def test_wrong_number_of_words(clean, command):
    result = clean.split(f"docker {command} < /dev/null")
    assert result.status in (1, 125) and result.out == "" and result.err, result
    assert command.split()[0] in result.err


def test_short_id_that_fits_two_is_refused(machine):
    ids = machine.ok("for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17; do docker run -d --name n$i busybox true; done")
    first = [i[0] for i in ids.split()]
    twice = next(c for c in first if first.count(c) > 1)
    result = machine.split(f"docker rm {twice}")
    assert result.status == 1 and result.err


def test_processes_of_a_container_end_with_its_first(clean):
    clean.ok("docker run --rm busybox sh -c 'sleep 1000 & sleep 1000 & sleep 0.2'")


def test_orphans_are_reaped_by_no_one_but_the_first_process(machine):
    """As with Docker without --init: PID 1 of the container is the program itself."""
    assert machine.ok("docker run --rm busybox sh -c 'echo $$'") == "1\n"


def test_killing_the_foreground_command_does_not_lose_the_container(machine):
    """Docker's container lives on when its client is killed outright; it must at least be known and removable."""
    with machine.spawn("docker run --name orphan busybox sh -c 'echo up; sleep 1000' & "
                       "sleep 3; kill -9 $!; wait $!; echo killed") as s:
        s.expect("killed")
        s.end()
    assert "orphan" in machine.ok("docker ps -a")
    machine.ok("docker rm -f orphan")
    assert machine.containers() == []
