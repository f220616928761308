# SPDX-License-Identifier: GPL-2.0-or-later
"""`docker commit`: what a container has in its own layer becomes the topmost layer of an image, and nothing is lost on the
way."""

import json
import re

import pytest

CHANGE = r"""
echo new >/new; echo 'more:x:7:7::/:/bin/sh' >>/etc/passwd; rm /etc/group
mkdir -p /a/b/c; echo deep >/a/b/c/file; ln /a/b/c/file /a/hard; ln -s ../nowhere /a/soft; ln /a/soft /a/soft2
chmod 4711 /bin/say; chown 1234:4321 /new; chmod 1777 /a; touch -d '2001-02-03 04:05:06' /a/b
mkfifo -m 600 /a/fifo; mknod /a/null c 1 3; mknod /a/disk b 7 0
rm -r /home/worker; mkdir /home/worker; echo mine >/home/worker/only
rm -r /opaque; echo file >/opaque
rm /etc/lower-only; mkdir /etc/lower-only; echo inside >/etc/lower-only/file
mv /etc/upper-only /etc/moved
: >"/a/$(printf 'no\377text')"; : >"/a/gr\303\274n"; : >'/a/two words'
n=a; while [ ${#n} -lt 200 ]; do n=$n$n; done; n=$(echo $n | cut -c1-200); mkdir /a/$n; echo long >/a/$n/$n
: >/etc/.wh; : >/empty
dd if=/dev/zero of=/holes bs=1 count=1 seek=50M 2>/dev/null; echo end >>/holes
"""

# Everything a tree is made of, but what is mounted over, what a folder's size says, and most of BusyBox's 270 names.
TREE = (r"cd /; find . -xdev ! -path './dev*' ! -path './proc*' ! -path './sys*' ! -path './bin/[!s]*' ! -path './bin/s[!a]*' ! -path ./etc/hosts "
        r"! -path ./etc/hostname ! -path ./etc/resolv.conf ! -name . >/dev/shm/names; sort /dev/shm/names >/dev/shm/all; "
        r"while IFS= read -r f; do if [ -d \"\$f\" ] && [ ! -h \"\$f\" ]; then stat -c '%n %A %u %g %Y' \"\$f\"; "
        r"else stat -c '%n %A %u %g %h %s %Y %t,%T' \"\$f\"; fi; "
        r"if [ -h \"\$f\" ]; then readlink \"\$f\"; elif [ -f \"\$f\" ]; then md5sum <\"\$f\"; fi; done </dev/shm/all")


@pytest.fixture
def tidy(machine):
    """Takes the images away that a test has made, and its containers."""
    before = {name for name, _ in machine.images()}
    ids = {image for _, image in machine.images()}
    yield machine
    machine.remove_containers()
    for name, image in machine.images():
        if name not in before and not name.startswith("<none>"):
            machine.ok(f"docker rmi {name}")
        elif image not in ids:
            machine.ok(f"docker rmi {image}")


def start(machine, words="testbox"):
    return machine.ok(f"docker run -d -u 0 -w / --entrypoint sleep {words} 100000").strip()


def commit(machine, words):
    out = machine.ok(f"docker commit {words}")
    assert re.fullmatch(r"sha256:[0-9a-f]{64}\n", out), out
    return out.strip()


def config(machine, image):
    return json.loads(machine.ok(f"cat {machine.store}/images/sha256/{image.removeprefix('sha256:')}.json"))


def diffids(machine, image):
    return config(machine, image)["rootfs"]["diff_ids"]


def size(machine, image):
    """Bytes of the files of all its layers."""
    return sum(json.loads(machine.ok(f"cat {machine.store}/layers/sha256/{d.removeprefix('sha256:')}.json"))["size"]
               for d in diffids(machine, image))


def change(machine, container, script=CHANGE):
    path = machine.put("change.sh", script)
    machine.ok(f"docker exec -i {container} sh <{path}")


def test_a_new_image_is_listed_and_runs(tidy):
    c = start(tidy)
    tidy.ok(f"docker exec {c} sh -c 'echo inside >/new'")
    image = commit(tidy, f"-a 'A <a@example.org>' -m 'why not' {c} made/here:1")
    assert ("made/here:1", image) in tidy.images()
    assert tidy.ok("docker run --rm --entrypoint cat made/here:1 /new") == "inside\n"
    made = config(tidy, image)
    assert made["author"] == made["history"][-1]["author"] == "A <a@example.org>"
    assert made["history"][-1]["comment"] == "why not"
    assert made["history"][-1]["created"] == made["created"]
    assert made["history"][-1]["created_by"] == "100000"
    assert len(made["rootfs"]["diff_ids"]) == 3
    assert "empty_layer" not in made["history"][-1]


@pytest.mark.parametrize("running", [True, False], ids=["running", "stopped"])
def test_the_whole_tree_is_there(tidy, running):
    c = start(tidy)
    change(tidy, c)
    tree = tidy.ok(f'docker exec {c} sh -c "{TREE}"')
    assert "/a/b/c/file" in tree and "/opaque -" in tree and "/home/worker/only" in tree
    assert "/etc/group" not in tree and "./opaque/" not in tree and "50M" not in tree
    if not running:
        tidy.ok(f"docker kill {c}")
    commit(tidy, f"{c} tree:1")
    again = tidy.ok(f'docker run --rm -u 0 -w / --entrypoint sh tree:1 -c "{TREE}"')
    assert again.splitlines() == tree.splitlines()


def test_the_same_change_is_the_same_layer(tidy):
    c = start(tidy)
    change(tidy, c)
    one = diffids(tidy, commit(tidy, f"{c} same:1"))
    two = diffids(tidy, commit(tidy, f"{c} same:2"))
    tidy.ok(f"docker kill {c}")
    three = diffids(tidy, commit(tidy, f"-m other {c} same:3"))
    assert one == two == three and len(one) == 3


def test_holes_cost_nothing(tidy):
    c = start(tidy)
    tidy.ok(f"docker exec {c} dd if=/dev/zero of=/terabyte bs=1 count=1 seek=1023G")
    image = commit(tidy, f"{c} holes:1")
    tar = f"{tidy.store}/layers/sha256/{diffids(tidy, image)[-1].removeprefix('sha256:')}.tar"
    assert int(tidy.ok(f"wc -c <{tar}")) < 100_000
    assert tidy.ok("docker run --rm --entrypoint stat holes:1 -c %s /terabyte").strip() == str((1023 << 30) + 1)
    assert tidy.ok("docker run --rm --entrypoint sh holes:1 -c 'tail -c 4096 /terabyte | md5sum'").split()[0] == \
        "620f0b67a91f7f74151bc5be745b7110"


def test_removing_makes_larger(tidy):
    """The walk-through's arithmetic: what is removed is hidden by a layer on top, not taken from the one below."""
    c = start(tidy)
    tidy.ok(f"docker exec {c} sh -c 'dd if=/dev/zero bs=1k count=300 of=/wget; echo installed >/status'")
    two = commit(tidy, f"{c} grown:2")
    d = start(tidy, "grown:2")
    tidy.ok(f"docker exec {d} sh -c 'rm /wget; echo removed >>/status'")
    three = commit(tidy, f"{d} grown:3")
    assert diffids(tidy, three)[:-1] == diffids(tidy, two)
    base = dict(tidy.images())["testbox:latest"]
    assert size(tidy, base) + 300 * 1024 < size(tidy, two) < size(tidy, three)
    assert tidy.run("docker run --rm --entrypoint ls grown:3 /wget").status != 0
    assert tidy.ok("docker run --rm --entrypoint cat grown:3 /status") == "installed\nremoved\n"
    assert tidy.ok("docker run --rm --entrypoint sh grown:2 -c 'wc -c </wget'").strip() == str(300 * 1024)


def test_nothing_changed_is_no_layer(tidy):
    c = start(tidy)
    base = dict(tidy.images())["testbox:latest"]
    for container in (c, tidy.ok("docker create testbox").strip()):
        image = commit(tidy, container)
        assert diffids(tidy, image) == diffids(tidy, base)
        assert config(tidy, image)["history"][-1]["empty_layer"] is True


def test_the_containers_configuration_is_the_images(tidy):
    c = tidy.ok("docker run -d -e ADDED=1 -e SHADOWED=flag -w /etc --stop-signal SIGINT --entrypoint sleep testbox 100000").strip()
    made = config(tidy, commit(tidy, f"{c} merged:1"))["config"]
    assert set(made["Env"]) == {"PATH=/bin", "FROM_IMAGE=yes", "SHADOWED=flag", "ADDED=1"}
    assert made["WorkingDir"] == "/etc" and made["User"] == "worker" and made["StopSignal"] == "SIGINT"
    assert made["Entrypoint"] == ["sleep"] and made["Cmd"] == ["100000"]
    assert made["ExposedPorts"] == {"80/tcp": {}}
    assert tidy.ok("docker run --rm --entrypoint sh merged:1 -c 'pwd; echo $ADDED; id -u'") == "/etc\n1\n1000\n"


def test_changes(tidy):
    c = start(tidy)
    made = config(tidy, commit(
        tidy, f"""-c 'ENV A=1 B="two words"' -c 'ENV PATH=$PATH:/more' -c 'LABEL k=v' --change 'EXPOSE 443 53/udp' -c 'USER nobody' \
        -c 'WORKDIR sub' -c 'VOLUME /data' -c 'STOPSIGNAL 9' -c 'ONBUILD RUN x' -c 'cmd ["a", "b"]' -c 'ENTRYPOINT exec me' \
        -c 'HEALTHCHECK --interval=5s CMD true' {c} changed:1"""))["config"]
    assert made["Env"][-2:] == ["A=1", "B=two words"] and "PATH=/bin:/more" in made["Env"]
    assert made["Labels"] == {"k": "v"} and made["User"] == "nobody" and made["WorkingDir"] == "/sub"
    assert made["ExposedPorts"] == {"443/tcp": {}, "53/udp": {}, "80/tcp": {}} and made["Volumes"] == {"/data": {}}
    assert made["StopSignal"] == "9" and made["OnBuild"] == ["RUN x"]
    assert made["Cmd"] == ["a", "b"] and made["Entrypoint"] == ["/bin/sh", "-c", "exec me"]
    assert made["Healthcheck"] == {"Test": ["CMD-SHELL", "true"], "Interval": 5000000000}


@pytest.mark.parametrize("words, message", [
    ("-c 'xyz a' {c} bad", "xyz is not a valid change command"),
    ("-c 'RUN ls' {c} bad", "RUN is not a valid change command"),
    ("-c 'ENV A' {c} bad", "ENV must have two arguments"),
    ("-c 'STOPSIGNAL NOPE' {c} bad", "invalid signal: NOPE"),
    ("-c USER {c} bad", "USER requires exactly one argument"),
    ("{c} Bad", "must be lowercase"),
    ("{c} bad@sha256:" + "0" * 64, "digest"),
    ("nosuch bad", "No such container: nosuch"),
    ("", "requires"),
])
@pytest.mark.host_is_enough
def test_what_is_refused_makes_nothing(tidy, words, message):
    c = start(tidy)
    before = tidy.ok(f"find {tidy.store}/layers {tidy.store}/images {tidy.store}/tmp | sort")
    result = tidy.split(f"docker commit {words.format(c=c)}")
    assert result.status in (1, 125) and message in result.err and len(result.err.splitlines()) == 1, result
    assert result.out == ""
    assert tidy.ok(f"find {tidy.store}/layers {tidy.store}/images {tidy.store}/tmp | sort") == before


def test_names_a_layer_cannot_hold_are_told(tidy):
    c = start(tidy)
    tidy.ok(f"docker exec {c} sh -c 'echo x >/etc/.wh.passwd; echo kept >/kept'")
    result = tidy.split(f"docker commit {c} wh:1")
    assert result.status == 0 and re.match(r"docker: warning: 1 file is not in the image.*/etc/\.wh\.passwd\n$", result.err)
    assert tidy.ok("docker run --rm --entrypoint cat wh:1 /kept") == "kept\n"
    assert "root" in tidy.ok("docker run --rm --entrypoint cat wh:1 /etc/passwd")


# -- a container that runs

WRITER = "sh -c 'i=0; while :; do i=$((i+1)); echo $i >/count; mv /count /counted; done'"


def counted(machine, c):
    return int(machine.ok(f"docker exec {c} cat /counted").strip() or 0)


def goes_on(machine, c):
    before = counted(machine, c)
    machine.until(f"test $(docker exec {c} cat /counted) -gt {before} && echo yes", "yes", 20)


def test_it_stands_still_and_goes_on(tidy):
    c = tidy.ok(f"docker run -d busybox {WRITER}").strip()
    tidy.until(f"docker exec {c} ls /", "counted")
    for i in range(5):
        commit(tidy, f"{c} moving:{i}")
        # one of both names, and never both of them half-made
        assert tidy.ok(f"docker run --rm moving:{i} sh -c 'cat /counted /count 2>/dev/null; :'").strip()
    goes_on(tidy, c)
    commit(tidy, f"--pause=false {c} moving:unpaused")
    commit(tidy, f"-p=false {c} moving:unpaused")
    goes_on(tidy, c)


def test_a_commit_that_is_killed_leaves_a_container_that_runs(tidy):
    c = tidy.ok(f"docker run -d busybox {WRITER}").strip()
    tidy.until(f"docker exec {c} ls /", "counted")
    tidy.ok(f"docker exec {c} dd if=/dev/zero of=/large bs=1M count=60")
    for wait in ("0.01", "0.05", "0.1", "0.2"):
        tidy.run(f"docker commit {c} killed:1 >/dev/null 2>&1 & p=$!; sleep {wait}; kill -9 $p; wait $p")
        goes_on(tidy, c)
    assert tidy.ok(f"ls {tidy.store}/tmp") == ""


def test_a_container_with_rm(tidy):
    c = tidy.ok("docker run --rm -d busybox sh -c 'echo x >/x; sleep 100000'").strip()
    tidy.until(f"docker exec {c} ls /", "^x$|\nx\n")
    commit(tidy, f"{c} rm:1")
    assert tidy.ok("docker run --rm rm:1 cat /x") == "x\n"


def test_several_at_once(tidy):
    c = start(tidy)
    change(tidy, c)
    tidy.ok(f"(p=; for i in 1 2 3 4; do docker commit {c} at-once:$i >/dev/null & p=\"$p $!\"; done; "
            "for i in $p; do wait $i || exit 1; done)")
    assert len({tuple(diffids(tidy, dict(tidy.images())[f"at-once:{i}"])) for i in range(1, 5)}) == 1


def test_removed_while_it_is_read(tidy):
    """Either the whole container is in the image, or there is none."""
    for wait in ("0", "0.01", "0.03", "0.06", "0.1"):
        c = tidy.ok("docker run -d busybox sh -c 'i=0; while [ $i -lt 300 ]; do mkdir /d$i; echo $i >/d$i/f; i=$((i+1)); done; "
                    "echo >/ready; sleep 100000'").strip()
        tidy.until(f"docker exec {c} ls /", "ready")
        result = tidy.run(f"docker commit {c} raced:1 2>&1 & p=$!; sleep {wait}; docker rm -f {c} >/dev/null; wait $p")
        if result.status == 0:
            assert tidy.ok("docker run --rm raced:1 sh -c 'cat /d*/f | wc -l'").strip() == "300"
        else:
            assert "No such container" in result.out


def test_waits_for_who_writes_to_a_stopped_container(tidy):
    """`start` and `cp` hold its lock, and so does commit: the layer it reads is nobody else's meanwhile."""
    c = tidy.ok("docker create busybox sleep 1000").strip()
    tidy.ok("rm -f /tmp/commit-fifo; mkfifo /tmp/commit-fifo")
    tidy.ok(f"docker cp - {c}:/ </tmp/commit-fifo & p=$!; exec 9>/tmp/commit-fifo; sleep 0.5; "
            f"docker commit {c} waited:1 >/dev/null 9>&- & q=$!; sleep 1; kill -0 $q || exit 1; "
            "mkdir -p /tmp/commit-late && tar -C /tmp -c commit-late >&9; exec 9>&-; wait $p && wait $q")
    tidy.ok("docker run --rm waited:1 ls -d /commit-late")
    tidy.ok("rm -r /tmp/commit-fifo /tmp/commit-late")


def test_object_verb(tidy):
    c = start(tidy)
    assert tidy.ok(f"docker container commit {c} spelled:1").startswith("sha256:")
    assert "-c, --change" in tidy.ok("docker commit --help")
