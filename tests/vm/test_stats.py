# SPDX-License-Identifier: GPL-2.0-or-later
"""`docker stats`: what containers use. The figures themselves are looked at where cgroup v2 counts them."""

import json
import re

import pytest

HEADING = ["CONTAINER ID", "NAME", "CPU %", "MEM USAGE / LIMIT", "MEM %", "NET I/O", "BLOCK I/O", "PIDS"]


def rows(out):
    return [re.split(r" {3,}", line.rstrip()) for line in out.splitlines()]


@pytest.fixture
def two(machine):
    busy = machine.ok("docker run -d --name busy busybox sh -c 'while :; do :; done'").strip()
    machine.ok("docker run -d --name idle busybox sleep 1000")
    machine.ok("docker create --name made busybox true")
    return busy


def test_table(machine, clean, two):
    out = rows(machine.ok("docker stats --no-stream"))
    assert out[0] == HEADING
    assert [row[1] for row in out[1:]] == ["idle", "busy"]
    idle, busy = out[1:]
    assert busy[0] == two[:12] and float(busy[2].rstrip("%")) > float(idle[2].rstrip("%"))
    assert idle[7] == "1" and re.fullmatch(r"[\d.]+\w+B? / [\d.]+\w*B", idle[3]) and idle[5] == "0B / 0B"
    # one that does not run uses nothing
    out = rows(machine.ok("docker stats -a --no-stream"))
    assert ["made", "0.00%", "0B / 0B", "0.00%", "0B / 0B", "0B / 0B", "0"] in [row[1:] for row in out]


def test_named_ones_and_formats(machine, two):
    assert rows(machine.ok("docker stats --no-stream made busy"))[1][1] == "made"
    assert machine.ok(f"docker stats --no-stream --no-trunc --format '{{{{.ID}}}} {{{{.Container}}}} {{{{.PIDs}}}}' {two[:6]}") \
        == f"{two} {two[:6]} 1\n"
    row = json.loads(machine.ok("docker stats --no-stream --format json idle"))
    assert sorted(row) == ["BlockIO", "CPUPerc", "Container", "ID", "MemPerc", "MemUsage", "Name", "NetIO", "PIDs"]
    assert row["Name"] == row["Container"] == "idle"
    assert rows(machine.ok("docker stats --no-stream --format 'table {{.Name}}\\t{{.PIDs}}' idle")) \
        == [["NAME", "PIDS"], ["idle", "1"]]


def test_memory_is_counted(machine, two):
    if machine.run("test -e /sys/fs/cgroup/cgroup.controllers").status != 0:
        pytest.skip("cgroup v1 counts memory here")
    machine.ok("docker run -d --name fat busybox sh -c 'dd if=/dev/zero of=/dev/shm/x bs=1M count=20; exec sleep 1000'")
    machine.until("docker exec fat ls -l /dev/shm/x", "20971520")
    usage = machine.ok("docker stats --no-stream --format '{{.MemUsage}}' fat")
    number, unit, _, limit = re.match(r"([\d.]+)(\w+) (/) (.+)", usage).groups()
    assert unit == "MiB" and 20 <= float(number) < 40 and limit != "0B"


@pytest.mark.host_is_enough
def test_live_until_one_has_seen_enough(machine, clean, two):
    with machine.spawn("docker stats busy", rows=24, cols=120) as live:
        live.expect("CONTAINER ID +NAME +CPU %")
        live.expect("busy +[\\d.]+%")
        live.expect("CONTAINER ID +NAME +CPU %")
        live.expect("busy +[\\d.]+%")
        live.control("c")
        live.end()


def test_nothing_runs(machine, clean):
    assert machine.ok("docker stats --no-stream").split() == " ".join(HEADING).split()


def test_bad_words(machine, clean):
    result = machine.split("docker stats --no-stream no-such")
    assert result.status == 1 and result.out == "" and result.err.endswith("No such container: no-such\n")
    result = machine.split("docker stats --no-stream --format '{{.Nope}}'; docker stats --no-stream --format '{{'")
    assert result.status == 1 and len(result.err.splitlines()) <= 2
