# SPDX-License-Identifier: GPL-2.0-or-later
"""`docker import`: a root filesystem's tar becomes an image of one layer."""

import hashlib
import json
import re

import pytest

import archive
import testbox


def rootfs(label):
    return archive.layer(*testbox._base(), archive.entry("etc/label", data=label.encode() + b"\n"))


def config_of(machine, id):
    return json.loads(machine.ok(f"cat {machine.store}/images/sha256/{id.strip()[7:]}.json"))


def test_import(machine):
    tar = rootfs("imported")
    path = machine.put("import.tar", tar)
    result = machine.split(f"docker import {path} imported:1")
    assert result.status == 0 and result.err == "" and re.fullmatch(r"sha256:[0-9a-f]{64}\n", result.out)
    assert ("imported:1", result.out.strip()) in machine.images()
    assert machine.ok("docker run --rm imported:1 cat /etc/label") == "imported\n"
    # an imported image has no command of its own
    refused = machine.split("docker run --rm imported:1")
    assert refused.status == 125 and "command" in refused.err.lower()
    assert hashlib.sha256(tar).hexdigest() + ".tar" in machine.ok(f"ls {machine.store}/layers/sha256")


@pytest.mark.parametrize("how", [pytest.param(h, marks=[] if h == "xz" else pytest.mark.host_is_enough)
                                 for h in archive.COMPRESSIONS])
def test_from_standard_input(machine, how):
    tar = rootfs("piped-" + how)
    path = machine.put(f"piped-{how}.tar", archive.compress(tar, how))
    assert machine.split(f"docker import - piped:1 < {path}").out.startswith("sha256:")
    assert machine.ok("docker run --rm piped:1 cat /etc/label") == f"piped-{how}\n"
    assert machine.split(f"cat {path} | docker import -").out.startswith("sha256:")
    # what is kept is the tar, whatever it came in
    assert hashlib.sha256(tar).hexdigest() + ".tar" in machine.ok(f"ls {machine.store}/layers/sha256")


@pytest.mark.host_is_enough
def test_without_a_name(machine):
    path = machine.put("nameless.tar", rootfs("nameless"))
    id = machine.split(f"docker import {path}").out.strip()
    assert ("<none>:<none>", id) in machine.images()
    assert machine.ok(f"docker run --rm {id[7:19]} cat /etc/label") == "nameless\n"


@pytest.mark.host_is_enough
def test_message(machine):
    path = machine.put("message.tar", rootfs("message"))
    for words, comment in (("", "Imported from -"), ("-m 'taken in by hand'", "taken in by hand"),
                           ("--message=two", "two")):
        config = config_of(machine, machine.split(f"docker import {words} {path} message:1").out)
        assert [h["comment"] for h in config["history"]] == [comment]
        assert config["history"][0]["created"] == config["created"]
        assert config["os"] == "linux" and config["architecture"] == "amd64"


def test_changes(machine):
    """-c, with what the image then says, and does."""
    path = machine.put("changes.tar", rootfs("changes"))
    id = machine.split(f"docker import -c 'ENV PATH=/bin A=\"1 2\"' -c 'CMD [\"cat\", \"label\"]' --change 'WORKDIR /etc' "
                       f"-c 'EXPOSE 80' -c 'LABEL who=me' -c 'USER worker' {path} changes:1").out
    config = config_of(machine, id)["config"]
    assert config["Env"] == ["PATH=/bin", "A=1 2"] and config["Cmd"] == ["cat", "label"]
    assert config["ExposedPorts"] == {"80/tcp": {}} and config["Labels"] == {"who": "me"}
    assert machine.ok("docker run --rm changes:1") == "changes\n"
    assert machine.ok("docker run --rm changes:1 sh -c 'id -un; pwd; echo $A'") == "worker\n/etc\n1 2\n"


@pytest.mark.host_is_enough
@pytest.mark.parametrize("change", ["RUN true", "NONSENSE x", "ENV", "EXPOSE x"])
def test_change_that_means_nothing(clean, change):
    result = clean.split(f"docker import -c '{change}' {clean.put('never-read.tar', b'')} x:1")
    assert result.status == 1 and result.out == "" and len(result.err.splitlines()) == 1
    assert "archive" not in result.err


@pytest.mark.host_is_enough
def test_platform(machine):
    path = machine.put("platform.tar", rootfs("platform"))
    assert machine.split(f"docker import --platform linux/amd64 {path} platform:1").out.startswith("sha256:")
    result = machine.split(f"docker import --platform linux/riscv64 {path} platform:2")
    assert result.status == 1 and "linux/riscv64" in result.err and len(result.err.splitlines()) == 1


@pytest.mark.host_is_enough
@pytest.mark.parametrize("address", ["http://127.0.0.1:9/x.tar", "https://127.0.0.1:9/x.tar"])
def test_address_is_refused(clean, address):
    result = clean.split(f"docker import {address} address:1")
    assert result.status == 1 and result.out == "" and address in result.err and len(result.err.splitlines()) == 1
