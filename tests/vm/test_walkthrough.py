# SPDX-License-Identifier: GPL-2.0-or-later
"""The walk-through at the console, word for word: "An image from a container" and "What an image is made of". nginx_image1
comes from nginx_image.py until `docker build` makes it; packages are installed from .deb files, for the test has no
mirror to offer."""

import re

import pytest

import nginx_image

SLOW = 600  # dpkg, emulated, on a busy machine


@pytest.fixture(scope="module")
def image(debian_files):
    return nginx_image.archive(), nginx_image.packages("wget")


def size(vm, name):
    """The SIZE column of `docker images`, in bytes."""
    row = next(line for line in vm.ok("docker images").splitlines() if line.startswith(name + " "))
    number, unit = re.search(r"([0-9.]+)(B|kB|MB|GB)$", row.strip()).groups()
    return float(number) * {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9}[unit]


def exact(vm, name):
    return int(vm.ok(f"docker inspect -f '{{{{.Size}}}}' {name}"))


def shell(vm, container):
    """`docker exec -it CONTAINER /bin/bash`, waited for until its prompt; the ID's digits are the host's name."""
    s = vm.spawn(f"docker exec -it {container} /bin/bash")
    s.expect(rf"root@{container[:12]}:/etc/nginx# ")
    return s


def in_shell(s, container, line, timeout=SLOW):
    s.line(line)
    s.expect(rf"root@{container[:12]}:/etc/nginx# ", timeout)
    # what was typed comes back first; bash tells the terminal where pasting begins and ends
    return re.sub(r"\x1b\[\?2004[hl]\r?", "", s.child.before).replace("\r\n", "\n").partition("\n")[2]


def test_walkthrough(vm, image):
    archive, debs = image
    try:
        walk(vm, archive, debs)
    finally:
        vm.remove_containers()
        vm.run("docker rmi -f nginx_image3 nginx_image2 nginx_image1")


def walk(vm, archive, debs):
    loaded = vm.ok(f"docker load -i {vm.link(archive)}", SLOW)
    assert "Loaded image: nginx_image1:latest" in loaded
    heads = vm.ok("docker images").splitlines()[0]
    assert re.fullmatch(r"REPOSITORY +TAG +IMAGE ID +CREATED +SIZE", heads.strip())

    # -- what an image is made of
    history = vm.ok("docker history nginx_image1").splitlines()
    assert re.match(r"IMAGE +CREATED +CREATED BY +SIZE( +COMMENT)?", history[0])
    rows = [re.split(r" {2,}", line.strip()) for line in history[1:]]
    assert [row[2].split()[0] for row in rows] == [
        "CMD", "EXPOSE", "WORKDIR", "VOLUME", "/bin/sh", "/bin/sh", "ENV", "debootstrap"]
    assert re.fullmatch(r"[0-9a-f]{12}", rows[0][0]) and all(row[0] == "<missing>" for row in rows[1:])
    sizes = [row[3] for row in rows]
    assert sizes[:4] == ["0B"] * 4 and sizes[6] == "0B"
    assert "0B" not in (sizes[4], sizes[5], sizes[7]) and sizes[4].endswith("MB")

    # -- an image from a container
    first = vm.ok("docker run -d --name test1 nginx_image1").strip()
    assert re.fullmatch(r"[0-9a-f]{64}", first)
    ps = vm.ok("docker ps").splitlines()
    assert re.fullmatch(r"CONTAINER ID +IMAGE +COMMAND +CREATED +STATUS +PORTS +NAMES", ps[0].strip())
    assert re.search(rf"^{first[:12]} +nginx_image1 .* Up .* 80/tcp +test1$", ps[1].rstrip())

    for deb in debs:
        vm.link(deb)
    vm.ok("docker exec test1 mkdir /packages")
    for deb in debs:
        vm.ok(f"docker cp {vm.share_path}/{deb.name} test1:/packages/")
    with shell(vm, first) as s:
        installed = in_shell(s, first, "dpkg -i /packages/*.deb")
        assert "Setting up wget" in installed
        in_shell(s, first, "rm -r /packages")
        s.line("sleep 1000")
        s.control("c")
        s.expect(rf"root@{first[:12]}:/etc/nginx# ")
        s.line("exit")
        assert s.end() == 130
    second_id = vm.ok(f"docker commit {first[:12]} nginx_image2").strip()
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", second_id)
    assert exact(vm, "nginx_image2") > exact(vm, "nginx_image1")
    assert size(vm, "nginx_image2") >= size(vm, "nginx_image1")

    # two nginx cannot share the machine's own port 80, and containers have no network of their own yet
    second = vm.ok("docker run -d --network none --name test2 nginx_image2").strip()
    ps = vm.until("docker ps", rf"{second[:12]} +nginx_image2 .* Up .* test2")
    assert re.search(rf"{first[:12]} +nginx_image1 .* Up .* test1", ps)
    with shell(vm, second) as s:
        assert in_shell(s, second, "which wget").strip() == "/usr/bin/wget"
        assert "Removing wget" in in_shell(s, second, "dpkg --remove wget")
        assert in_shell(s, second, "which wget").strip() == ""
        s.line("exit")
        s.end()
    vm.ok(f"docker commit {second[:12]} nginx_image3")
    # what is removed is hidden by a layer on top, not taken from the one below
    assert exact(vm, "nginx_image3") > exact(vm, "nginx_image2")
    assert "no wget" in vm.ok("docker run --rm nginx_image3 sh -c 'which wget || echo no wget'")
    assert "/usr/bin/wget" in vm.ok("docker run --rm nginx_image2 which wget")
    newest = [line.split()[0] for line in vm.ok("docker images").splitlines()[1:3]]
    assert newest == ["nginx_image3", "nginx_image2"]
    top = vm.ok("docker history nginx_image3").splitlines()[1:3]
    assert "<missing>" in top[1]

    # -- layers are read-only; containers of one image see nothing of each other; removing one removes nothing else
    below = vm.ok("ls -d /run/knarr/layers/*/ | head -n 1").strip()
    refused = vm.run(f"touch {below}x")
    assert refused.status != 0 and "Read-only file system" in refused.out
    other = vm.ok("docker run -d nginx_image2 sleep 1000").strip()
    vm.ok(f"docker exec {other} sh -c 'echo mine > /etc/nginx/only-here'")
    assert vm.run("docker exec test2 cat /etc/nginx/only-here").status != 0
    vm.ok("docker rm -f test2")
    assert vm.ok(f"docker exec {other} cat /etc/nginx/only-here").strip() == "mine"
    assert "/usr/bin/wget" in vm.ok(f"docker exec {other} which wget")
