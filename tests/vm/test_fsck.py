# SPDX-License-Identifier: GPL-2.0-or-later
"""`knarr fsck`: what it says, what it mends, what it leaves alone. (What it finds in detail: tests/unit/test_fsck.c.)"""

import pytest

import archive
import testbox


@pytest.fixture
def own(machine, tmp_path):
    """An image of the test's own, fsck:1, with a layer that only it has; gone afterwards."""
    layer = archive.layer(archive.folder("etc"), archive.entry("etc/fsck", data=b"whole\n" * 1000))
    image = archive.Image([archive.layer(*testbox._base()), layer], {"Cmd": ["head", "-n1", "/etc/fsck"], "Env": ["PATH=/bin"]})
    machine.own_file = machine.link(archive.docker_archive(tmp_path / "fsck.tar", image, ["fsck:1"]))
    machine.ok(f"docker load -i {machine.own_file}")
    machine.own_layer = f"{machine.store}/layers/sha256/{image.diffids[1][7:]}"
    machine.own_diffid = image.diffids[1]
    yield machine
    machine.remove_containers()
    machine.run("docker rmi fsck:1; docker fsck -q --repair; rm -rf " + machine.store + "/quarantine")


def spoil(machine, file, at=1600):
    machine.ok(f"printf spoilt | dd of={file} bs=1 seek={at} conv=notrunc 2>/dev/null")


def test_a_store_in_order(own):
    result = own.split("docker fsck")
    assert result.status == 0 and result.err == ""
    assert result.out.endswith("clean\n") and len(result.out.splitlines()) == 1
    assert own.split("docker fsck -q") == ("", "", 0)


def test_damaged_layer_is_named_quarantined_and_healed(own):
    own.ok("docker shutdown")
    spoil(own, own.own_layer + ".tar")
    result = own.split("docker fsck -q")
    assert result.status == 4
    layer, image = result.out.splitlines()
    assert layer.startswith(f"layer {own.own_diffid}: its tar has digest ") and layer.endswith("--repair moves it to quarantine")
    assert image.startswith("image fsck:1 cannot be used") and own.own_diffid in image
    # nothing was touched
    assert own.split("docker fsck -q").out == result.out
    result = own.split("docker fsck -q --repair")
    assert result.status == 4 and "moved to quarantine" in result.out
    assert "its tar has digest" in own.ok(f"cat {own.store}/quarantine/layer-{own.own_diffid[7:]}.tar.reason")
    result = own.split("docker run --rm fsck:1")
    assert result.status == 125 and len(result.err.splitlines()) == 1 and own.own_diffid in result.err
    # the others are as they were
    assert own.ok("docker run --rm testbox") == "say:2:default words\n"
    own.ok(f"docker load -i {own.own_file}")
    assert own.ok("docker run --rm fsck:1") == "whole\n"
    result = own.split("docker fsck -q --repair")
    assert result.status == 0 and "the store has it whole again; removed" in result.out
    assert own.split("docker fsck -q") == ("", "", 0)


@pytest.mark.parametrize("what", ["cut", "missing", "index"])
def test_damage_is_noticed_when_the_layer_is_used(own, what):
    own.ok("docker shutdown")
    file = own.own_layer + (".erofs" if what == "index" else ".tar")
    if what == "cut":
        own.ok(f"truncate -s 1024 {file}")
    elif what == "missing":
        own.ok(f"rm {file}")
    else:
        spoil(own, file, 1024)
    result = own.split("docker run --rm fsck:1")
    assert result.status == 125 and len(result.err.splitlines()) == 1, result
    assert "knarr fsck --repair" in result.err and own.own_diffid in result.err
    result = own.split("docker fsck -q --repair")
    assert result.status == (1 if what == "index" else 4)
    if what != "index":
        own.ok(f"docker load -i {own.own_file}")
    assert own.ok("docker run --rm fsck:1") == "whole\n"


def test_running_container_outlives_its_layers_quarantine(own):
    own.ok("docker run -d --name old fsck:1 sleep 1000")
    spoil(own, own.own_layer + ".tar")
    own.run("docker fsck -q --repair")
    assert own.ok("docker exec old echo runs") == "runs\n"
    own.ok(f"docker load -i {own.own_file}")
    result = own.split("docker run --rm fsck:1")
    assert result.status == 125 and "containers still run on what it was" in result.err
    own.ok("docker rm -f old")
    own.until("docker run --rm fsck:1", "whole", timeout=10)


def test_containers(own):
    own.ok("docker create --name lost fsck:1")
    own.ok("docker create --name broken fsck:1")
    ids = {n: own.ok(f"docker ps -aq --no-trunc --filter name={n}").strip() for n in ("lost", "broken")}
    own.ok(f"rm {own.store}/containers/by-name/lost; echo '{{' > {own.store}/containers/{ids['broken']}/container.json")
    result = own.split("docker fsck -q")
    assert result.status == 4 and len(result.out.splitlines()) == 2, result.out
    assert "its name lost does not lead to it" in result.out
    assert f"containers/{ids['broken'][:12]}: " in result.out
    result = own.split("docker fsck -q --repair")
    assert result.status == 1, result.out
    assert own.ok(f"ls {own.store}/quarantine").split() == [f"container-{ids['broken']}", f"container-{ids['broken']}.reason"]
    assert own.ok("docker rm lost") == "lost\n"
    own.ok(f"rm -rf {own.store}/quarantine")


def test_words(machine):
    assert machine.split("docker fsck --mend").status == 125
    assert machine.split("docker fsck something").status == 125
    out = machine.ok("docker fsck --help")
    assert "Exit status: 0" in out and "--repair" in out
