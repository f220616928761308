# SPDX-License-Identifier: GPL-2.0-or-later
"""`docker top`: a container's processes in ps's columns, as the machine sees them."""

import re

import pytest


@pytest.fixture
def running(machine):
    cid = machine.ok("docker run -d --name topped busybox sh -c 'sleep 1001 & exec sleep 1000'").strip()
    machine.until("docker top topped -o pid,args", r" sleep 1000\n(.|\n)* sleep 1001\n")
    return cid


def test_default_columns(machine, clean, running):
    out = machine.ok("docker top topped").splitlines()
    assert out[0].split() == ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"]
    # Docker's columns: twenty wide
    assert [m.start() for m in re.finditer(r"\S+", out[0])] == list(range(0, 160, 20))
    rows = [line.split(None, 7) for line in out[1:]]
    assert [row[7] for row in rows] == ["sleep 1000", "sleep 1001"]
    pid = machine.ok("docker inspect -f '{{.State.Pid}}' topped").strip()
    assert rows[0][0] == "root" and rows[0][1] == pid and rows[1][2] == pid and rows[0][5] == "?"
    assert re.fullmatch(r"\d\d:\d\d", rows[0][4]) and rows[0][6].startswith("00:00:0")
    again = machine.ok(f"docker container top {running[:12]} -ef").splitlines()
    assert again[0] == out[0] and [line.split(None, 7)[7] for line in again[1:]] == ["sleep 1000", "sleep 1001"]


def test_columns_of_ones_choice(machine, running):
    for options in ("-eo pid,user,stat,args", "-e -o pid,user -o stat,args", "axo pid,user,stat,args",
                    "--format pid,user,stat,args", "-o 'pid user stat args'"):
        out = machine.ok(f"docker top topped {options}").splitlines()
        assert out[0].split() == ["PID", "USER", "STAT", "COMMAND"], options
        # N: the whole test may run with less weight
        assert re.fullmatch(r"\d+ +root +[SR][N<]?s +sleep 1000", out[1])
    out = machine.ok("docker top topped -o pid,nlwp,ni,etimes,rss,vsz,pcpu,comm=WHO").splitlines()
    assert out[0].split() == ["PID", "NLWP", "NI", "ELAPSED", "RSS", "VSZ", "%CPU", "WHO"]
    row = out[1].split()
    assert row[1] == "1" and row[7] == "sleep" and int(row[4]) > 0 and int(row[5]) >= int(row[4])


def test_pss_other_layouts(machine, running):
    assert machine.ok("docker top topped aux").split("\n")[0].split() == \
        ["USER", "PID", "%CPU", "%MEM", "VSZ", "RSS", "TTY", "STAT", "START", "TIME", "COMMAND"]
    assert machine.ok("docker top topped ax").split("\n")[0].split() == ["PID", "TTY", "STAT", "TIME", "COMMAND"]
    assert machine.ok("docker top topped -e").split("\n")[0].split() == ["PID", "TTY", "TIME", "CMD"]


def test_users_terminals_and_processes_of_exec(machine, clean):
    machine.ok("docker run -d -t -u 12345 --name termed busybox sleep 1000")
    machine.ok("docker exec -d -u 0 termed sleep 1002")
    out = machine.ok("docker top termed -o pid,uid,tty,args")
    assert re.search(r"\d+ +12345 +pts/\d+ +sleep 1000\n", out)
    assert re.search(r"\d+ +0 +\? +sleep 1002\n", out)


def test_words_of_a_process_stay_in_their_line(machine, clean):
    machine.ok("docker run -d --name loud busybox sh -c 'sleep 1000; : \"$(printf \"\\033[31m\")\"' \"$(printf 'a\\nroot 1\\033[2J')\"")
    out = machine.ok("docker top loud -o pid,args")
    assert "\033" not in out
    assert all(re.match(r"\d+ ", line) for line in out.splitlines()[1:])


def test_bad_words(machine, running):
    for options, words in (("-o comm", "Couldn't find PID field in ps output"), ("-Z", 'option "-Z"'),
                           ("-o pid,nonsense", 'unknown column "nonsense"'), ("-o", "must follow -o"), ("q", 'option "q"')):
        result = machine.split(f"docker top topped {options}")
        assert result.status == 1 and result.out == "" and words in result.err, options
        assert len(result.err.splitlines()) == 1
    machine.ok("docker kill topped")
    result = machine.split("docker top topped")
    assert result.status == 1 and "is not running" in result.err
    assert machine.run("docker top").status == 125
    assert machine.split("docker top no-such").err.endswith("No such container: no-such\n")
