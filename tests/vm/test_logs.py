# SPDX-License-Identifier: GPL-2.0-or-later
"""`docker logs`: what a container has written, kept when it is over."""

import re


def test_streams_stay_apart(machine):
    machine.ok("docker run -d --name log busybox sh -c 'echo out; echo err >&2'; docker wait log")
    result = machine.split("docker logs log")
    assert (result.out, result.err) == ("out\n", "err\n")


def test_of_a_foreground_container(machine):
    machine.ok("docker run --name log busybox echo seen")
    assert machine.ok("docker logs log") == "seen\n"


def test_last_line_without_newline(machine):
    machine.ok("docker run -d --name log busybox printf 'a\\nb'; docker wait log")
    assert machine.ok("docker logs log") == "a\nb"


def test_bytes_that_are_no_text(machine):
    machine.ok(r"docker run -d --name log busybox printf '\377\000\001\042\134\n'; docker wait log")
    out = machine.ok("docker logs log | od -An -tx1").split()
    # Docker's log is JSON and keeps U+FFFD for a byte that is no UTF-8
    assert out in (["ff", "00", "01", "22", "5c", "0a"], ["ef", "bf", "bd", "00", "01", "22", "5c", "0a"])


def test_long_lines_are_whole(machine):
    machine.ok("docker run -d --name log busybox sh -c 'head -c 100000 /dev/zero | tr \"\\0\" x; echo'; docker wait log")
    assert machine.ok("docker logs log | wc -c").strip() == "100001"


def test_follow_ends_with_the_container(machine):
    machine.ok("docker run -d --name log busybox sh -c 'for i in 1 2 3 4; do echo line$i; sleep 0.5; done'")
    assert machine.ok("docker logs -f log", timeout=60) == "line1\nline2\nline3\nline4\n"


def test_follow_shows_lines_as_they_come(machine):
    machine.ok("docker run -d --name log busybox sh -c 'i=0; while :; do i=$((i+1)); echo line$i; sleep 0.3; done'")
    with machine.spawn("sh -c 'trap : INT; docker logs --follow log; true'") as s:
        s.expect(r"line3\r?\n")
        s.expect(r"line6\r?\n")
        s.control("c")
        s.end()
    assert "Up" in machine.ok("docker ps"), "following must not touch the container"


def test_tail_and_timestamps(machine):
    machine.ok("docker run -d --name log busybox seq 1 10; docker wait log")
    assert machine.ok("docker logs --tail 2 log") == "9\n10\n"
    assert machine.ok("docker logs -n 0 log") == ""
    line = machine.ok("docker logs -t --tail 1 log")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z 10\n", line), line


def test_terminal_output_is_kept(machine):
    machine.ok("docker run -dt --name log busybox echo tty; docker wait log")
    assert machine.ok("docker logs log").replace("\r", "") == "tty\n"
