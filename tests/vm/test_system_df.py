# SPDX-License-Identifier: GPL-2.0-or-later
"""`system df`: what the store holds, a shared layer once, and what could be had back."""

import json
import re

import pytest

import archive
import testbox

BASE = archive.layer(*testbox._base())


def size_of(text):
    number, unit = re.fullmatch(r"([\d.]+)([kMG]?B)", text).groups()
    return float(number) * {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9}[unit]


def df(machine):
    """The rows by their type: TOTAL, ACTIVE, SIZE, RECLAIMABLE."""
    lines = machine.ok("docker system df").splitlines()
    assert re.split(r"\s{2,}", lines[0]) == ["TYPE", "TOTAL", "ACTIVE", "SIZE", "RECLAIMABLE"]
    rows = [re.split(r"\s{2,}", line.rstrip()) for line in lines[1:]]
    assert [row[0] for row in rows] == ["Images", "Containers", "Local Volumes", "Build Cache"]
    return {row[0]: row[1:] for row in rows}


@pytest.fixture
def mine(machine):
    machine.forget_images()
    images = machine.images()
    config = {"Env": ["PATH=/bin"], "Cmd": ["sh"]}
    base = archive.Image([BASE], {**config, "Cmd": ["true"]})
    one = archive.Image([BASE, archive.layer(archive.entry("one", data=b"1" * 200000))], config)
    for image, name in ((base, "base"), (one, "one")):
        archive.docker_archive(machine.share / "df.tar", image, [name + ":latest"])
        machine.ok(f"docker load -q -i {machine.share_path}/df.tar")
    machine.one = one
    yield machine
    machine.remove_containers()
    machine.ok("docker rmi -f one base")
    assert machine.images() == images


def test_a_shared_layer_counts_once(mine):
    before = df(mine)["Images"]
    assert before[0] == "4" and before[1] == "0"
    base = size_of(mine.ok("docker system df -v").split("base ")[1].split()[5])
    own = sum(map(size_of, mine.ok("docker system df -v --format '{{range .Images}}{{.UniqueSize}} {{end}}'").split()))
    total = size_of(before[2])
    assert abs(total - (own + base)) < 0.02 * total, (before, own, base)
    # nothing is used: all of it could be had back
    assert before[3] == f"{before[2]} (100%)"
    mine.ok("docker create one")
    images = df(mine)["Images"]
    assert images[:3] == ["4", "1", before[2]]
    assert abs(size_of(images[3].split()[0]) - (total - base - 200000)) < 0.02 * total


def test_containers_and_what_they_wrote(mine):
    assert df(mine)["Containers"] == ["0", "0", "0B", "0B"]
    mine.ok("docker run --name done busybox sh -c 'head -c 3000 /dev/zero >/a; ln /a /b; ln -s /a /c'")
    mine.ok("docker run -d --name web busybox sh -c 'head -c 1000 /dev/zero >/a; rm /etc/passwd; sleep 1000'")
    mine.until("docker system df", r"Containers +2 +1 +4\.002kB +3\.002kB \(75%\)")
    assert df(mine)["Local Volumes"] == df(mine)["Build Cache"] == ["0", "0", "0B", "0B"]


def test_verbose(mine):
    container = mine.ok("docker create --name web one sleep 1000").strip()
    out = mine.ok("docker system df -v")
    heads = ["Images space usage:", "Containers space usage:", "Local Volumes space usage:", "Build cache usage: 0B"]
    assert [line for line in out.splitlines() if ":" in line and "usage" in line] == heads
    rows = {line.split()[0]: re.split(r"\s{2,}", line.rstrip()) for line in out.splitlines() if line}
    assert rows["REPOSITORY"] == ["REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE", "SHARED SIZE", "UNIQUE SIZE", "CONTAINERS"]
    one, base = rows["one"], rows["base"]
    assert one[1:3] == ["latest", mine.one.id[:12]] and one[6:] == ["200kB", "1"]
    assert one[5] == base[5] and base[6:] == ["0B", "0"]
    assert rows["CONTAINER"] == ["CONTAINER ID", "IMAGE", "COMMAND", "LOCAL VOLUMES", "SIZE", "CREATED", "STATUS", "NAMES"]
    row = rows[container[:12]]
    assert row[1:5] == ["one", '"sleep 1000"', "0", "0B"] and row[6:] == ["Created", "web"]


def test_formats(mine):
    objects = [json.loads(line) for line in mine.ok("docker system df --format json").splitlines()]
    assert [o["Type"] for o in objects] == ["Images", "Containers", "Local Volumes", "Build Cache"]
    assert set(objects[0]) == {"Active", "Reclaimable", "Size", "TotalCount", "Type"} and objects[0]["TotalCount"] == "4"
    assert mine.ok("docker system df --format '{{.Type}}={{.TotalCount}}'").splitlines()[0] == "Images=4"
    assert mine.ok("docker system df --format 'table {{.Active}}\\t{{.Type}}'").splitlines()[0].split() == ["ACTIVE", "TYPE"]
    whole = json.loads(mine.ok("docker system df -v --format json"))
    assert {i["Repository"] for i in whole["Images"]} == {"base", "one", "busybox", "testbox"}
    assert whole["Containers"] == whole["Volumes"] == whole["BuildCache"] == []
    assert "one;" in mine.ok("docker system df -v --format '{{range .Images}}{{.Repository}};{{end}}'")
    bad = mine.split("docker system df --format '{{.Nope}}'")
    assert bad.status == 1 and bad.out == "" and bad.err.count("\n") == 1
    assert mine.split("docker system df --format '{{'").status == 1
