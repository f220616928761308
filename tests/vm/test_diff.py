# SPDX-License-Identifier: GPL-2.0-or-later
"""`docker diff`: A, C and D, by comparing a container's own layer with those below it."""

import pytest


@pytest.fixture
def box(machine):
    c = machine.ok("docker run -d -u 0 -w / --entrypoint sleep testbox 100000").strip()

    def diff(script):
        path = machine.put("diff.sh", script)
        machine.ok(f"docker exec -i {c} sh <{path}")
        return machine.ok(f"docker diff {c}").splitlines()

    diff.machine, diff.container = machine, c
    return diff


def test_nothing_at_first(box):
    assert box(":") == []


def test_a_container_that_was_never_started(machine):
    c = machine.ok("docker create testbox").strip()
    assert machine.ok(f"docker diff {c}") == ""


def test_added_changed_deleted(box):
    assert box("""
        echo x >/new; echo y >>/etc/passwd; rm /etc/lower-only; rm -r /home/worker
        mkdir -p /x/y; echo z >/x/y/z
        """) == ["C /etc", "D /etc/lower-only", "C /etc/passwd", "C /home", "D /home/worker", "A /new",
                 "A /x", "A /x/y", "A /x/y/z"]


def test_a_folder_comes_before_what_is_in_it(box):
    assert box("mkdir /d; : >/d.a; : >/d/z; : >/d/a; : >/d0") == ["A /d", "A /d/a", "A /d/z", "A /d.a", "A /d0"]


def test_a_folder_that_took_its_own_place(box):
    assert box("""
        rm -r /home/worker; mkdir /home/worker; : >/home/worker/new
        rm -r /etc/../opaque; mkdir /opaque; mkdir /opaque/sub; echo 2 >/opaque/new
        """) == ["C /home", "C /home/worker", "A /home/worker/new", "C /opaque", "C /opaque/new", "A /opaque/sub"]


def test_what_an_opaque_folder_hides_is_deleted(box):
    assert box("rm -r /opaque; mkdir /opaque; : >/opaque/other") == ["C /opaque", "D /opaque/new", "A /opaque/other"]


def test_a_folder_in_place_of_a_file_and_the_other_way_round(box):
    assert box("rm /etc/lower-only; mkdir /etc/lower-only; : >/etc/lower-only/f; rm -r /opaque; : >/opaque") == \
        ["C /etc", "C /etc/lower-only", "A /etc/lower-only/f", "C /opaque"]


def test_modes_and_owners(box):
    assert box("chmod 700 /root; chown 1 /etc/passwd; ln /etc/group /etc/linked") == \
        ["C /etc", "C /etc/group", "A /etc/linked", "C /etc/passwd", "C /root"]


def test_what_came_and_went(box):
    assert box("echo x >/tmp/x; rm /tmp/x") == ["C /tmp"]
    assert box(": >/gone; rm /gone") == ["C /tmp"]


def test_what_is_mounted_does_not_show(box):
    box("echo x >/dev/shm/x; echo '1.2.3.4 name' >>/etc/hosts; echo x >/proc/sys/kernel/x 2>/dev/null; : ")
    assert box(": >/seen") == ["A /seen"]


def test_stopped_and_spelled_out(box):
    box(": >/a")
    box.machine.ok(f"docker kill {box.container}")
    assert box.machine.ok(f"docker diff {box.container}") == "A /a\n"
    assert box.machine.ok(f"docker container diff {box.container}") == "A /a\n"


@pytest.mark.host_is_enough
def test_errors(machine):
    result = machine.split("docker diff nosuch")
    assert result.status == 1 and result.err.endswith("No such container: nosuch\n") and result.out == ""
    assert machine.run("docker diff").status != 0


def test_deep_folders(box):
    path = "/d" * 600
    lines = box(f"mkdir -p {path}; : >{path}/f")
    assert len(lines) == 601 and lines[0] == "A /d" and lines[-1] == f"A {path}/f"


def test_nothing_is_left(clean):
    c = clean.ok("docker run -d busybox sleep 100000").strip()
    clean.ok(f"docker diff {c}")
