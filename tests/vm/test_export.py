# SPDX-License-Identifier: GPL-2.0-or-later
"""`docker export`: what a container's layers hold, as one tar."""

import io
import tarfile

import pytest

SETUP = ("echo mine > /mine; ln /mine /hard; ln -s mine /soft; mkdir -p /d/e; chown 5:6 /d/e; chmod 2750 /d/e; rm /etc/group; mkfifo /p; "
         "truncate -s 20M /sparse; mknod /null c 1 3; touch -d @987654321 /d/e /d; rm -r /home; mkdir /home; echo x > /home/new")

LISTING = ("cd {} && find . -mindepth 1 | sort | grep -v -e ./proc -e ./sys -e ./dev -e ./etc/host -e ./etc/resolv | while IFS= read -r n; do "
           "stat -c '%n %f %u:%g %s %h %Y' \"$n\"; done; cat {}/mine {}/home/new; readlink {}/soft")


@pytest.fixture(params=["running", "stopped"])
def web(machine, request):
    machine.ok(f"docker run -d --name web busybox sh -c '{SETUP}; echo done; exec sleep 1000'")
    machine.until("docker logs web", "done")
    if request.param == "stopped":
        machine.ok("docker kill web; docker wait web")
    machine.ok("cd /; rm -rf /tmp/ex; mkdir /tmp/ex")
    yield request.param
    machine.run("cd /; rm -rf /tmp/ex")


def read(machine, path="/tmp/ex/out.tar"):
    machine.ok(f"cp {path} {machine.share_path}/export.tar")
    data = (machine.share / "export.tar").read_bytes()
    return tarfile.open(fileobj=io.BytesIO(data)), data


def test_everything_is_in_it(machine, web):
    machine.ok("docker export web >/tmp/ex/out.tar")
    tar, _ = read(machine)
    names = tar.getnames()
    assert names == sorted(names, key=lambda n: [p.encode() for p in n.split("/")]), "in the order of the names"
    assert "etc/group" not in names and "home/worker" not in names and "etc/passwd" in names and "home/new" in names
    assert tar.getmember("hard").isreg() and tar.getmember("mine").islnk() and tar.getmember("soft").linkname == "mine"
    e = tar.getmember("d/e")
    assert (e.uid, e.gid, e.mode, e.mtime) == (5, 6, 0o2750, 987654321)
    assert tar.getmember("p").isfifo() and tar.getmember("null").ischr() and tar.getmember("sparse").size == 20 << 20


def test_mount_points_are_empty(machine, web):
    machine.ok("docker export -o /tmp/ex/out.tar web")
    names = read(machine)[0].getnames()
    assert {"proc", "sys", "dev", "etc/hosts"} <= set(names)
    assert not [n for n in names if n.startswith(("proc/", "sys/", "dev/"))]
    assert read(machine)[0].getmember("etc/hosts").size == 0


def test_twice_the_same(machine, web):
    machine.ok("docker export web >/tmp/ex/out.tar; docker container export -o /tmp/ex/again.tar web; cmp /tmp/ex/out.tar /tmp/ex/again.tar")


def test_import_gives_the_same_tree(machine, web):
    machine.ok("docker export web | docker import - exported:1 && docker create --name again exported:1 sh")
    machine.ok("docker cp -a web:/ /tmp/ex/a; docker cp -a again:/ /tmp/ex/b")
    listings = [machine.ok(LISTING.format(*[f"/tmp/ex/{n}"] * 4)) for n in "ab"]
    assert listings[0] == listings[1]
    assert listings[0].endswith("mine\nx\nmine\n")
    machine.ok("docker rm again; docker rmi exported:1")


def test_a_file_is_whole_or_not_there(machine):
    machine.ok("docker create --name web busybox; rm -rf /tmp/ex; mkdir /tmp/ex; echo old >/tmp/ex/out")
    for words in ("-o /tmp/ex/out nobody", "-o /tmp/ex/missing/out web", "-o /tmp/ex web"):
        result = machine.split(f"docker export {words}")
        assert result.status == 1 and result.err.count("\n") == 1
        assert machine.ok("ls -A /tmp/ex; cat /tmp/ex/out") == "out\nold\n"
    machine.ok("docker export -o /tmp/ex/out web; tar tf /tmp/ex/out >/dev/null")
    assert machine.ok("ls -A /tmp/ex") == "out\n"
    full = machine.split("docker export web >/dev/full")
    assert full.status == 1 and "No space left" in full.err
    machine.ok("rm -rf /tmp/ex")


@pytest.mark.parametrize("words", ["export web", "cp web:/ -"])
def test_removed_while_it_is_read(machine, words):
    """Files that went with the container are not silently missing."""
    machine.ok("docker run -d --name web busybox sh -c 'for i in $(seq 300); do head -c 20000 /bin/busybox >/z$i; done; "
               "echo done; exec sleep 1000'")
    machine.until("docker logs web", "done")
    machine.ok("rm -f /tmp/ex-fifo; mkfifo /tmp/ex-fifo")
    out = machine.ok(f"docker {words} >/tmp/ex-fifo 2>/tmp/ex-said & p=$!; exec 9</tmp/ex-fifo; head -c 1000 <&9 >/dev/null; "
                     "docker rm -f web >/dev/null; cat <&9 >/dev/null; wait $p; echo $?; cat /tmp/ex-said; rm /tmp/ex-fifo /tmp/ex-said")
    assert out.startswith("1\n") and "No such container: web" in out, out


@pytest.mark.host_is_enough
def test_not_on_a_terminal(machine):
    machine.ok("docker create --name web busybox")
    with machine.spawn("docker export web") as session:
        assert session.end() == 1
        assert session.rest == "docker: cowardly refusing to save to a terminal. Use the -o flag or redirect\n"


def test_nothing_is_left(clean):
    clean.ok("docker create --name off busybox; docker run -d --name on busybox sleep 1000; for n in on off; do docker export $n >/dev/null; done")
    clean.ok("docker export off | head -c 1000 >/dev/null; docker start off")
