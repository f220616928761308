# SPDX-License-Identifier: GPL-2.0-or-later
"""`docker volume`, and volumes in containers: made with what the image has, kept, counted, removed."""

import json
import re
import tarfile

import pytest

import archive
import testbox

ID = re.compile(r"[0-9a-f]{64}")


@pytest.fixture(autouse=True)
def no_volumes(machine):
    yield
    machine.remove_containers()
    left = machine.ok("docker volume ls -q").split()
    if left:
        machine.ok("docker volume rm -f " + " ".join(left))


@pytest.fixture(scope="module")
def volume_image(tmp_path_factory):
    """An image with two VOLUMEs: /data with everything a folder can have in it, and /none, which it does not have."""
    entry, folder = archive.entry, archive.folder
    members = testbox._base() + [
        folder("data", mode=0o2750, uid=1000, gid=1000),
        entry("data/file", data=b"from the image\n", mode=0o640, uid=1000, gid=2000, pax={"SCHILY.xattr.user.knarr": "seen"}),
        archive.entry("data/hard", tarfile.LNKTYPE, link="data/file", mode=0o640, uid=1000, gid=2000),
        archive.symlink("data/link", "file"), archive.symlink("data/out", "/etc/passwd"),
        folder("data/deep", mode=0o700, uid=7), entry("data/deep/setuid", data=b"x", mode=0o4755),
        folder("plain"), entry("plain/old", data=b"old\n"),
        archive.symlink("climb", "../../../../../../../../tmp/knarr-climb"),
        archive.symlink("rooted", "/plain"),
    ]
    image = archive.Image([archive.layer(*members)],
                          {"Env": ["PATH=/bin"], "Cmd": ["sh"], "Volumes": {"/data": {}, "/none/deeper/": {}}})
    return archive.docker_archive(tmp_path_factory.mktemp("volumes") / "voltest.tar", image, ["voltest:latest"])


@pytest.fixture
def voltest(machine, volume_image):
    machine.ok("docker load -i " + machine.link(volume_image))
    yield "voltest"
    machine.remove_containers()
    machine.ok("docker rmi voltest")


def inspect(machine, name):
    return json.loads(machine.ok(f"docker volume inspect {name}"))[0]


# ---- The commands


@pytest.mark.host_is_enough
def test_create_and_inspect(machine):
    assert machine.ok("docker volume create --label a=b --label c web") == "web\n"
    assert machine.ok("docker volume create web") == "web\n", "one that is there is all that was asked for"
    got = inspect(machine, "web")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)", got.pop("CreatedAt"))
    assert got.pop("Mountpoint").endswith("/volumes/web/_data")
    assert got == {"Driver": "local", "Labels": {"a": "b", "c": ""}, "Name": "web", "Options": None, "Scope": "local"}
    name = machine.ok("docker volume create").strip()
    assert ID.fullmatch(name)
    assert inspect(machine, name)["Labels"] == {"com.docker.volume.anonymous": ""}
    assert machine.ok("docker volume inspect -f '{{.Name}} {{.Driver}}' web " + name) == f"web local\n{name} local\n"


@pytest.mark.host_is_enough
@pytest.mark.parametrize("command, says", [
    ("volume create a/b", 'create a/b: "a/b" includes invalid characters for a local volume name, only '
                          '"[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path'),
    ("volume create -d nfs x1", 'create x1: error looking up volume plugin nfs: plugin "nfs" not found'),
    ("volume create b", "create b: volume name is too short, names should be at least two alphanumeric characters"),
    ("volume create .x", 'create .x: ".x" includes invalid characters'),
    ("volume create --name a1 b1", "conflicting options: cannot specify a volume-name through both --name and as a positional arg"),
    ("volume create --label =x v1", "invalid label"),
    ("volume create " + "x" * 256, "name is too long"),
    ("volume rm nope", "get nope: no such volume"),
    ("volume rm ../containers", "get ../containers: no such volume"),
    ("volume ls --filter foo=bar", "invalid filter 'foo'"),
    ("volume ls --filter dangling=perhaps", "invalid filter 'dangling=[perhaps]'"),
    ("volume prune -f --filter until=1h", "invalid filter 'until'"),
])
def test_bad_words(machine, command, says):
    result = machine.run("docker " + command)
    assert result.status == 1 and says in result.out and result.out.count("\n") == 1, result


@pytest.mark.host_is_enough
def test_inspect_of_none(machine):
    result = machine.split("docker volume inspect nope")
    assert result.status == 1 and json.loads(result.out) == [] and "get nope: no such volume" in result.err


@pytest.mark.host_is_enough
def test_inspect_finds_volumes_too(machine):
    machine.ok("docker volume create web")
    assert json.loads(machine.ok("docker inspect web"))[0]["Name"] == "web"
    assert machine.ok("docker inspect --type volume -f '{{.Driver}}' web") == "local\n"
    result = machine.run("docker inspect --type volume busybox")
    assert result.status == 1 and "No such volume: busybox" in result.out
    machine.ok("docker create --name web busybox true")
    assert "State" in json.loads(machine.ok("docker inspect web"))[0], "a container comes first"


@pytest.mark.host_is_enough
def test_fsck(machine):
    machine.ok("docker create --name user -v web:/w -v db:/d -v old:/o busybox true; docker fsck")
    machine.ok(f"cd {machine.store}/volumes && : > web/volume.json && rmdir db/_data && rm -r old && mkdir .x 'a b'")
    result = machine.run("docker fsck -q")
    assert result.status == 4
    for says in ("volumes/web: its volume.json is damaged", "volumes/db: has no _data", "volumes/a b: is no volume; take it away",
                 "container user cannot be started: its volume old is gone"):
        assert says in result.out
    machine.ok(f"cd {machine.store}/volumes && rmdir .x 'a b'; docker fsck -q --repair || true")
    assert machine.ok("docker volume ls -q") == "web\n"
    assert machine.ok("docker volume inspect -f '{{.Name}}' web") == "web\n"
    machine.ok("docker volume create db && docker volume create old && docker fsck -q && docker start user")
    machine.ok(f"rm -r {machine.store}/quarantine")


@pytest.mark.host_is_enough
def test_ls(machine):
    machine.ok("docker volume create zebra; docker volume create --label kind=x apple; docker volume create --label kind mango")
    assert machine.ok("docker volume ls").splitlines() == [
        "DRIVER    VOLUME NAME", "local     apple", "local     mango", "local     zebra"]
    assert machine.ok("docker volume ls -q") == "apple\nmango\nzebra\n"
    assert machine.ok("docker volume ls -qf name=an -f name=zeb") == "mango\nzebra\n"
    assert machine.ok("docker volume ls -qf label=kind") == "apple\nmango\n"
    assert machine.ok("docker volume ls -qf label=kind=x") == "apple\n"
    assert machine.ok("docker volume ls -qf driver=nfs") == ""
    assert machine.ok("docker volume ls --format '{{.Name}} {{.Scope}} {{.Label \"kind\"}}' -f name=apple") == "apple local x\n"
    machine.ok("docker run -v zebra:/z busybox true")
    assert machine.ok("docker volume ls -qf dangling=true") == "apple\nmango\n"
    assert machine.ok("docker volume ls -qf dangling=false") == "zebra\n"
    row = json.loads(machine.ok("docker volume ls --format json -f name=apple"))
    assert row["Name"] == "apple" and row["Labels"] == "kind=x" and row["Links"] == "N/A"


def test_in_use_is_not_removed(machine):
    id = machine.ok("docker create -v used:/u busybox true").strip()
    result = machine.run("docker volume rm used")
    assert result.status == 1 and f"remove used: volume is in use - [{id}]" in result.out
    assert machine.run("docker volume rm -f used").status == 1, "force does not mean that"
    machine.ok(f"docker rm {id}")
    assert machine.ok("docker volume rm used") == "used\n"
    assert machine.ok("docker volume rm -f used") == "used\n"


@pytest.mark.host_is_enough
def test_prune(machine):
    machine.ok("docker volume create named; docker volume create --label keep=1 kept")
    anonymous = machine.ok("docker volume create").strip()
    used = machine.ok("docker run -v /a busybox sh -c 'echo x > /a/x'; docker volume ls -qf dangling=false").strip()
    result = machine.run("printf 'n\\n' | docker volume prune")
    assert "WARNING! This will remove anonymous local volumes not used by at least one container.\n" in result.out
    assert result.status == 0 and len(machine.ok("docker volume ls -q").split()) == 4
    assert machine.ok("docker volume prune -f") == f"Deleted Volumes:\n{anonymous}\n\nTotal reclaimed space: 0B\n"
    assert machine.ok("docker volume prune -f") == "Total reclaimed space: 0B\n"
    out = machine.ok("docker volume prune -af --filter 'label!=keep=1'")
    assert out == "Deleted Volumes:\nnamed\n\nTotal reclaimed space: 0B\n"
    assert sorted(machine.ok("docker volume ls -q").split()) == sorted([used, "kept"])


def test_system_df_and_prune(machine):
    machine.ok("docker run -v big:/b busybox sh -c 'head -c 2000000 /dev/zero > /b/f'; docker volume create other")
    row = [l for l in machine.ok("docker system df").splitlines() if l.startswith("Local Volumes")][0]
    assert row.split() == ["Local", "Volumes", "2", "1", "2MB", "0B", "(0%)"]
    verbose = machine.ok("docker system df -v")
    assert re.search(r"VOLUME NAME +LINKS +SIZE\nbig +1 +2MB\nother +0 +0B\n", verbose), verbose
    anonymous = machine.ok("docker volume create").strip()
    out = machine.ok("docker system prune -f --volumes")
    assert f"Deleted Volumes:\n{anonymous}\n" in out
    assert machine.ok("docker volume ls -q") == "big\nother\n", "names are kept"


# ---- In containers


def test_data_outlives_its_container(machine):
    machine.ok("docker run --rm -v web:/data busybox sh -c 'echo kept > /data/f'")
    assert machine.ok("docker run --rm -v web:/other:ro busybox cat /other/f") == "kept\n"
    result = machine.run("docker run --rm -v web:/data:ro busybox sh -c 'echo x > /data/f'")
    assert result.status == 1 and "Read-only file system" in result.out
    machine.ok("docker volume rm web")
    assert machine.ok("docker run --rm -v web:/data busybox ls /data") == ""


@pytest.mark.host_is_enough
def test_two_containers_see_each_other(machine):
    machine.ok("docker run -d --name one -v shared:/a busybox sh -c 'while ! [ -e /a/go ]; do sleep 0.1; done; echo seen > /a/back'")
    machine.ok("docker run --rm -v shared:/b busybox touch /b/go")
    machine.ok("docker wait one")
    assert machine.ok("docker run --rm -v shared:/b busybox cat /b/back") == "seen\n"


FILES = ("stat -c '%n %a %u:%g %F' /data /data/* /data/deep/*; readlink /data/link; readlink /data/out; cat /data/file; "
         "stat -c %Y /data; [ /data/file -ef /data/hard ] && echo linked")
EXPECTED = """/data 2750 1000:1000 directory
/data/deep 700 7:0 directory
/data/file 640 1000:2000 regular file
/data/hard 640 1000:2000 regular file
/data/link 777 0:0 symbolic link
/data/out 777 0:0 symbolic link
/data/deep/setuid 4755 0:0 regular file
file
/etc/passwd
from the image
1704067200
linked
"""


@pytest.mark.parametrize("flags", ["", "-v named:/data", "--mount dst=/data", "--mount src=named,dst=/data", "-v /data"])
def test_begins_with_what_the_image_has(machine, voltest, flags):
    assert machine.ok(f"docker run {flags} --name cc {voltest} sh -c \"{FILES}\"") == EXPECTED
    path = machine.ok("docker volume ls --format '{{.Mountpoint}}' -f name=named; true").split()
    assert bool(path) == ("named" in flags)


def test_an_empty_volume_is_filled_and_another_is_not(machine, voltest):
    machine.ok("docker volume create empty")
    assert machine.ok(f"docker run --rm -v empty:/plain {voltest} cat /plain/old") == "old\n"
    machine.ok("docker volume create full")
    machine.ok("docker run --rm -v full:/x busybox touch /x/mine")
    assert machine.ok(f"docker run --rm -v full:/plain {voltest} ls /plain") == "mine\n"
    # once emptied it is filled again, as with Docker
    machine.ok(f"docker run --rm -v empty:/x busybox rm /x/old")
    assert machine.ok(f"docker run --rm -v empty:/plain {voltest} ls /plain") == "old\n"


@pytest.mark.host_is_enough
def test_nocopy_and_binds_stay_as_they_are(machine, voltest):
    assert machine.ok(f"docker run --rm -v new1:/plain:nocopy {voltest} ls /plain") == ""
    assert machine.ok(f"docker run --rm --mount src=new2,dst=/plain,volume-nocopy {voltest} ls /plain") == ""
    machine.ok("mkdir -p /tmp/knarr-bind")
    assert machine.ok(f"docker run --rm -v /tmp/knarr-bind:/plain {voltest} ls /plain") == ""
    machine.ok("rmdir /tmp/knarr-bind")


def test_a_link_at_the_target_does_not_lead_out(machine, voltest):
    """Neither the mount nor the filling follows it further than the container's own root."""
    machine.ok("rm -rf /tmp/knarr-climb; mkdir /tmp/knarr-climb; echo secret > /tmp/knarr-climb/secret")
    assert machine.ok(f"docker run --rm -v climb:/climb {voltest} ls -A /climb/") == ""
    assert machine.ok("ls -A /tmp/knarr-climb; cat /tmp/knarr-climb/secret") == "secret\nsecret\n"
    machine.ok("rm -r /tmp/knarr-climb")
    # where it leads inside is where the volume goes
    assert machine.ok(f"docker run --rm -v rooted:/rooted {voltest} sh -c 'cat /rooted/old; touch /plain/new; ls /rooted'") == "old\nnew\nold\n"


def test_anonymous_volumes_go_with_rm(machine, voltest):
    machine.ok(f"docker run --rm -v /mine -v stays:/named {voltest} true")
    assert machine.ok("docker volume ls -q") == "stays\n"
    machine.ok(f"docker run --name cc -v /mine {voltest} true")
    assert len(machine.ok("docker volume ls -q").split()) == 4  # /data, /none/deeper, /mine and stays
    machine.ok("docker rm cc")
    assert len(machine.ok("docker volume ls -q").split()) == 4, "rm leaves them"
    machine.ok(f"docker run --name cc -v /mine {voltest} true")
    machine.ok("docker rm -v cc")
    assert len(machine.ok("docker volume ls -q").split()) == 4
    machine.ok(f"docker run -d --name cc --rm {voltest} sleep 1000")
    machine.ok("docker rm -f cc")
    machine.until("docker volume ls -q | wc -l", r"^4\s")


@pytest.mark.host_is_enough
def test_anonymous_volumes_are_kept_over_a_restart(machine, voltest):
    machine.ok(f"docker run --name cc {voltest} sh -c 'cat /none/deeper/* /data/n*; echo again > /none/deeper/f; echo x > /data/new'; true")
    assert machine.ok("docker start -a cc") == "again\nx\n"


@pytest.mark.host_is_enough
def test_what_cannot_be_made_leaves_no_volume(machine, voltest):
    machine.ok("docker create --name taken busybox true")
    result = machine.run(f"docker run --name taken -v new:/n {voltest} true")
    assert result.status == 125 and machine.ok("docker volume ls -q") == ""
    result = machine.run(f"docker run --rm {voltest} /does/not/exist")
    assert result.status == 127 and machine.ok("docker volume ls -q") == ""


def test_volumes_from(machine, voltest):
    machine.ok("mkdir -p /tmp/knarr-from; echo host > /tmp/knarr-from/f")
    machine.ok(f"docker create --name source -v named:/n -v /tmp/knarr-from:/b:ro --tmpfs /t {voltest} true")
    out = machine.ok(f"docker run --rm --name cc --volumes-from source -v /own busybox sh -c "
                     "'cat /data/file /b/f; touch /n/x; ls -d /t; touch /b/x; echo y > /none/deeper/y'; true")
    assert "from the image\nhost\n" in out and "/t: No such file" in out and "Read-only file system" in out
    assert machine.ok("docker start -a source; docker run --rm --volumes-from source busybox ls /n /none/deeper") == "/n:\nx\n\n/none/deeper:\ny\n"
    result = machine.run("docker run --rm --volumes-from source:ro busybox touch /n/z")
    assert result.status == 1 and "Read-only file system" in result.out
    # what is asked for by name stands above what comes along
    assert machine.ok("docker run --rm --volumes-from source -v other:/n busybox ls /n") == ""
    # the last container that uses an anonymous volume takes it along
    machine.ok("docker create --name third --volumes-from source busybox true")
    before = len(machine.ok("docker volume ls -q").split())
    machine.ok("docker rm -v source")
    assert len(machine.ok("docker volume ls -q").split()) == before
    machine.ok("docker rm -v third")
    assert sorted(machine.ok("docker volume ls -q").split()) == ["named", "other"]
    machine.ok("rm -r /tmp/knarr-from")
    for bad, says in [("nope", "No such container: nope"), ("''", "cannot be an empty string")]:
        result = machine.run(f"docker run --volumes-from {bad} busybox true")
        assert result.status == 125 and says in result.out


def test_cp_sees_volumes(machine):
    """Of a running container and of one that does not run, as with Docker."""
    file = machine.put("volume-cp", "copied\n")
    machine.ok("docker run -d --name cc -v web:/v -v /w busybox sleep 1000")
    machine.ok(f"docker cp {file} cc:/v/one && docker cp {file} cc:/w/one")
    assert machine.ok("docker exec cc cat /v/one /w/one") == "copied\ncopied\n"
    machine.ok("docker stop -t 0 cc")
    machine.ok(f"docker cp {file} cc:/v/two")
    assert machine.ok("docker cp cc:/v/one - | tar -xO; docker cp cc:/w/one - | tar -xO") == "copied\ncopied\n"
    assert machine.ok("docker run --rm -v web:/v busybox ls /v") == "one\ntwo\n"
    # a volume that is mounted read-only is none to write to
    machine.ok("docker create --name rr -v web:/v:ro busybox true")
    assert machine.run(f"docker cp {file} rr:/v/three").status == 1
    assert machine.ok("docker run --rm -v web:/v busybox ls /v") == "one\ntwo\n"
    # and what is written to the container's own layer is not in the volume
    machine.ok(f"docker cp {file} rr:/four")
    assert sorted(machine.ok("docker diff rr").splitlines()) == ["A /four", "A /v"]
    machine.ok("docker create --name ww --read-only -v web:/v busybox true")
    machine.ok(f"docker cp {file} ww:/v/five")
    assert machine.run(f"docker cp {file} ww:/five").status == 1
    assert machine.ok("docker run --rm -v web:/v busybox ls /v") == "five\none\ntwo\n"


@pytest.mark.host_is_enough
def test_nested_and_covering(machine):
    machine.ok("docker run --rm -v out:/a -v in:/a/b busybox sh -c 'echo 1 > /a/x; echo 2 > /a/b/y'")
    assert machine.ok("docker run --rm -v in:/a/b -v out:/a busybox cat /a/x /a/b/y") == "1\n2\n", "whatever the order of flags"
    assert machine.ok("docker run --rm -v out:/etc busybox sh -c 'cat /etc/x; grep -c . /etc/hosts'").startswith("1\n")


@pytest.mark.host_is_enough
def test_many_at_once(machine):
    """Twenty containers that make the same volume at the same time, and others that remove it."""
    machine.ok("for i in $(seq 20); do docker run --rm -v same:/s busybox sh -c \"echo $i >> /s/f\" & done; "
               "for i in $(seq 10); do docker volume rm same >/dev/null 2>&1; done & wait", timeout=120)
    assert machine.run("docker volume ls -q").out in ("same\n", "")
    assert machine.ok(f"ls -A {machine.store}/tmp") == ""
