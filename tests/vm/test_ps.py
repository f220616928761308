# SPDX-License-Identifier: GPL-2.0-or-later
"""`ps` and the states a container can be in. (Its filters and formats in general: test_listing.py.)"""

import json
import re

import pytest


def status(machine, name):
    return machine.ok(f"docker ps -a --format '{{{{.State}}}} {{{{.Status}}}}' -f name=^/{name}$").strip()


def test_paused(machine):
    machine.ok("docker run -d --name frozen busybox sleep 1000")
    if machine.run("docker pause frozen").status:
        pytest.skip("no freezer on this machine")
    assert re.fullmatch(r"paused Up .* \(Paused\)", status(machine, "frozen"))
    assert machine.ok("docker ps -q -f status=paused") == machine.ok("docker ps -q") != ""
    assert machine.ok("docker ps -q -f status=running") == ""
    machine.ok("docker unpause frozen")
    assert re.fullmatch(r"running Up [^(]*", status(machine, "frozen"))


def test_restarting(machine):
    machine.ok("docker run -d --name again --restart always busybox sh -c 'sleep 0.1; exit 3'")
    machine.until("docker ps -a --format '{{.State}} {{.Status}}' -f name=again", r"^restarting Restarting \(3\) .* ago")
    machine.until("docker ps -q -f status=restarting", r"^[0-9a-f]{12}$")
    machine.ok("docker rm -f again")


def test_health(machine):
    machine.ok("docker run -d --name well --health-cmd 'test -e /ok' --health-interval 0.3s --health-retries 2 busybox sleep 1000")
    machine.ok("docker run -d --name plain busybox sleep 1000")
    names = "docker ps --format '{{.Names}}' -f "
    machine.until("docker ps --format '{{.Status}}' -f name=well", r"\(unhealthy\)$")
    assert machine.ok(names + "health=unhealthy") == "well\n"
    assert machine.ok(names + "health=none") == "plain\n"
    machine.ok("docker exec well touch /ok")
    machine.until("docker ps --format '{{.Status}}' -f name=well", r"\(healthy\)$")
    assert machine.ok(names + "health=healthy") == "well\n" and machine.ok(names + "health=starting") == ""


@pytest.mark.host_is_enough
def test_mounts_and_ports(machine):
    machine.ok("docker run -d --name full -v data:/d -v /tmp:/host/tmp:ro -v /some/long/path/of/the/machine:/l --tmpfs /t testbox sh -c 'sleep 1000' "
               "|| true; docker create --name made -v data:/other busybox true")
    try:
        row = json.loads(machine.ok("docker ps -a --format json -f name=full"))
        assert row["Mounts"] == "data,/tmp,/some/long/pat…" and row["LocalVolumes"] == "1"
        assert machine.ok("docker ps -a --no-trunc --format '{{.Mounts}}' -f name=full") == "data,/tmp,/some/long/path/of/the/machine\n"
        names = "docker ps -a --format '{{.Names}}' -f "
        assert machine.ok(names + "volume=data") == "made\nfull\n"
        assert machine.ok(names + "volume=/d") == machine.ok(names + "volume=/tmp") == "full\n"
        assert machine.ok(names + "volume=/nowhere") == machine.ok(names + "publish=80") == ""
    finally:
        machine.remove_containers()
        machine.ok("docker volume rm data; rm -rf /some/long")
        machine.run("rmdir /some")


@pytest.mark.host_is_enough
@pytest.mark.parametrize("words, says", [
    ("-f health=fine", "invalid filter 'health=fine'"),
    ("-f publish=web", "invalid filter 'publish=web'"),
    ("-f is-task=true", "invalid filter 'is-task'"),
    ("-n many", "-n"),
])
def test_bad_words(machine, words, says):
    result = machine.split("docker ps " + words)
    assert result.status in (1, 125) and result.out == "" and result.err.count("\n") == 1 and says in result.err, result
