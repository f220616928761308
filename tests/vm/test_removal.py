# SPDX-License-Identifier: GPL-2.0-or-later
"""Names, images and containers that go: tag, rmi, prune. And at once with what needs them."""

import re

import pytest

import archive
import testbox

BASE = archive.layer(*testbox._base())
CONFIG = {"Env": ["PATH=/bin"], "Cmd": ["sh"]}
NONE = re.compile(r'image "\S+" not found; see \'knarr images\'')


def load(machine, name, own=b"", created="2024-01-01T00:00:00Z", **config):
    """An image of a layer with BusyBox, the same for all of them, and one of its own; returns it."""
    layers = [BASE] + ([archive.layer(archive.entry(name.replace(":", "-"), data=own))] if own else [])
    image = archive.Image(layers, {**CONFIG, **config}, created=created)
    path = machine.share / "image.tar"
    archive.docker_archive(path, image, [name if ":" in name else name + ":latest"])
    machine.ok("docker load -q -i " + machine.share_path + "/image.tar")
    return image


@pytest.fixture
def mine(machine):
    """Takes away what a test has loaded, and looks whether the layers went with it."""
    machine.forget_images()
    layers = f"ls {machine.store}/layers/sha256 | sort"
    before, images = machine.ok(layers), machine.images()
    yield machine
    machine.remove_containers()
    for name, _ in machine.images():
        if (name, _) not in images:
            machine.run("docker rmi -f " + (name if "<none>" not in name else _))
    machine.run("docker image prune -f")
    assert machine.images() == images
    assert machine.ok(layers) == before


def names(machine, image):
    return [name for name, id in machine.images() if id == "sha256:" + image.id]


# ---- tag


def test_tag_gives_names_and_moves_them(mine):
    one, two = load(mine, "one", b"1"), load(mine, "two", b"2")
    assert mine.ok("docker tag one copy") == ""
    mine.ok(f"docker tag {one.id[:12]} 127.0.0.1:5000/deep/er:v1; docker image tag two copy")
    assert names(mine, one) == ["127.0.0.1:5000/deep/er:v1", "one:latest"]
    assert names(mine, two) == ["copy:latest", "two:latest"]
    mine.ok(f"docker tag sha256:{one.id} copy:latest; docker tag two two:latest")
    assert names(mine, one) == ["127.0.0.1:5000/deep/er:v1", "copy:latest", "one:latest"]
    assert mine.ok("docker run --rm 127.0.0.1:5000/deep/er:v1 cat /one") == "1"


@pytest.mark.host_is_enough
@pytest.mark.parametrize("target, says", [
    ("Upper", 'error parsing reference: "Upper" is not a valid repository/tag: invalid reference format: repository name'),
    ("a:b:c", 'error parsing reference: "a:b:c" is not a valid repository/tag: invalid reference format'),
    ("''", 'error parsing reference: "" is not a valid repository/tag: invalid reference format'),
    ("a@sha256:" + 64 * "0", "refusing to create a tag with a digest reference"),
    ("sha256:abc", "refusing to create an ambiguous tag using digest algorithm as name"),
    (64 * "a", "is not a valid repository/tag"),
])
def test_tag_refuses_names_that_are_none(machine, target, says):
    before = machine.images()
    result = machine.split("docker tag busybox " + target)
    assert result.status == 1 and says in result.err and result.out == "" and result.err.count("\n") == 1
    assert machine.images() == before


def test_tag_of_what_is_not_there(machine):
    result = machine.split("docker tag nosuch:1 new")
    assert result.status == 1 and NONE.search(result.err)
    assert machine.split("docker tag busybox").status == 125


# ---- rmi


def test_rmi_lists_what_goes(mine):
    load(mine, "base")
    image = load(mine, "one", b"1")
    out = mine.ok("docker rmi one")
    assert out.splitlines() == ["Untagged: one:latest", "Deleted: sha256:" + image.id, "Deleted: " + image.diffids[1]]
    assert mine.ok("docker run --rm base echo the shared layer stays") == "the shared layer stays\n"
    assert NONE.search(mine.split("docker rmi one").err)


def test_rmi_of_one_name_of_several(mine):
    image = load(mine, "one", b"1")
    mine.ok("docker tag one two:2")
    assert mine.ok("docker rmi one") == "Untagged: one:latest\n"
    assert names(mine, image) == ["two:2"]
    mine.ok("docker tag two:2 one")
    refused = mine.split("docker image rm " + image.id[:12])
    assert refused.status == 1 and refused.out == "" and refused.err.rstrip().endswith(
        f"conflict: unable to delete {image.id[:12]} (must be forced) - image is referenced in multiple repositories")
    out = mine.ok("docker image remove -f " + image.id[:12])
    assert out.splitlines()[:3] == ["Untagged: one:latest", "Untagged: two:2", "Deleted: sha256:" + image.id]


def test_rmi_of_several_does_what_it_can(mine):
    one, two = load(mine, "one", b"1"), load(mine, "two", b"2")
    result = mine.split("docker rmi one nosuch two")
    assert result.status == 1 and NONE.search(result.err)
    assert "Untagged: one:latest" in result.out and "Untagged: two:latest" in result.out
    assert names(mine, one) == names(mine, two) == []
    # what is to be gone and was not there is no failure of -f
    assert mine.split("docker rmi -f nosuch").status == 0


def test_image_of_a_running_container(mine):
    image = load(mine, "one", b"1")
    container = mine.ok("docker run -d --name web one sleep 1000").strip()
    short, c = image.id[:12], container[:12]
    by_name = mine.split("docker rmi one")
    assert by_name.status == 1 and by_name.err.rstrip().endswith(
        f'conflict: unable to remove repository reference "one" (must force) - container {c} is using its referenced image {short}')
    for force in ("", "-f "):
        by_id = mine.split(f"docker rmi {force}{short}")
        assert by_id.status == 1 and by_id.err.rstrip().endswith(
            f"conflict: unable to delete {short} (cannot be forced) - image is being used by running container {c}")
    # as with Docker, force takes the name, and the image stays as long as the container
    assert mine.ok("docker rmi -f one") == "Untagged: one:latest\n"
    assert mine.ok("docker exec web cat /one") == "1"
    mine.ok("docker create busybox; docker create testbox; docker image prune -af; docker stop -t0 web; docker start web")
    assert mine.ok("docker exec web cat /one") == "1"


def test_image_of_a_stopped_container(mine):
    image = load(mine, "one", b"1")
    mine.ok("docker create --name web one cat /one")
    refused = mine.split("docker rmi " + image.id)
    assert refused.status == 1 and "(must be forced) - image is being used by stopped container" in refused.err
    assert mine.ok("docker rmi -f " + image.id) == "Untagged: one:latest\n"
    assert "Total reclaimed space: 0B" in mine.ok("docker image prune -f")
    assert mine.ok("docker start -a web") == "1"
    mine.ok("docker rm web")
    assert f"deleted: sha256:{image.id}" in mine.ok("docker image prune -f")


# ---- prune


def test_image_prune(mine):
    load(mine, "base")
    old = load(mine, "web", b"old" * 1000)
    new = load(mine, "web", b"new")
    assert mine.ok("docker image prune -f").splitlines() == [
        "Deleted Images:", "deleted: sha256:" + old.id, "deleted: " + old.diffids[1], "", "Total reclaimed space: 3kB"]
    assert mine.ok("docker image prune -f") == "Total reclaimed space: 0B\n"
    mine.ok("docker create --name keeps base; docker create busybox; docker create testbox; docker tag web web:2")
    assert mine.ok("docker image prune -af").splitlines()[:4] == [
        "Deleted Images:", "untagged: web:2", "untagged: web:latest", "deleted: sha256:" + new.id]


def test_prune_asks(mine):
    old = load(mine, "web", b"old")
    load(mine, "web", b"new")
    question = "WARNING! This will remove all dangling images.\nAre you sure you want to continue? [y/N] "
    # a standard input that is no terminal is read all the same, as with Docker; its end means no
    for answer in ("</dev/null", "<<E\nno\nE", "<<E\nyes\nE"):
        assert mine.split("docker image prune " + answer) == (question, "", 0)
    assert "sha256:" + old.id in mine.ok("docker images -q --no-trunc")
    with mine.spawn("docker image prune") as session:
        session.expect(r"\[y/N\] ")
        session.line("y")
        assert "deleted: sha256:" + old.id in session.expect("Total reclaimed space: 3B")
        assert session.end() == 0
    assert "all images without at least one container" in mine.ok("docker image prune -a </dev/null")


def test_prune_filters(mine):
    load(mine, "a", b"1", Labels={"keep": "yes"})
    load(mine, "b", b"2", Labels={"stage": "test"}, created="2030-01-01T00:00:00Z")
    mine.ok("docker create busybox; docker create testbox")
    for none in ("label=stage=prod", "until=2023-12-31", "label!=keep --filter until=24h"):
        assert mine.ok(f"docker image prune -af --filter {none}") == "Total reclaimed space: 0B\n"
    assert "untagged: b:latest" in mine.ok("docker image prune -af --filter label=stage --filter label!=keep")
    assert "untagged: a:latest" in mine.ok("docker image prune -af --filter until=24h")
    for bad in ("size=1", "until=soon", "x"):
        assert mine.split(f"docker image prune -f --filter {bad}").status == 1
        assert mine.split(f"docker container prune -f --filter {bad}").status == 1


def test_container_prune(mine):
    mine.ok("docker run --name done busybox sh -c 'echo 12345 >/file'; docker create --name new --hostname x busybox")
    mine.ok("docker run -d --name web busybox sleep 1000")
    gone = mine.ok("docker ps -aq --no-trunc --filter status=none 2>/dev/null; docker ps -a --no-trunc").splitlines()
    ids = {row.split()[-1]: row.split()[0] for row in gone if row.split()[-1] in ("done", "new", "web")}
    assert "[y/N]" in mine.ok("docker container prune </dev/null")
    assert mine.ok("docker container prune -f --filter until=1h") == "Total reclaimed space: 0B\n"
    out = mine.ok("docker container prune -f").splitlines()
    assert out[0] == "Deleted Containers:" and sorted(out[1:3]) == sorted([ids["done"], ids["new"]])
    assert out[3:] == ["", "Total reclaimed space: 6B"]
    assert mine.containers() == [ids["web"]]


def test_system_prune(mine):
    old = load(mine, "web", b"old")
    load(mine, "web", b"new")
    mine.ok("docker run --name done web sh -c 'echo 12345 >/file'")
    mine.ok(f"touch {mine.store}/tmp/left")
    asked = mine.ok("docker system prune </dev/null")
    assert asked == ("WARNING! This will remove:\n  - all stopped containers\n"
                     "  - all networks not used by at least one container\n  - all dangling images\n  - unused build cache\n\n"
                     "Are you sure you want to continue? [y/N] ")
    asked = mine.ok("docker system prune -a --volumes --filter label=x --filter label!=y </dev/null")
    assert "anonymous volumes" in asked and "all build cache" in asked
    assert "\n\n  Items to be pruned will be filtered with:\n  - label!=y\n  - label=x\n\nAre you sure" in asked
    out = mine.ok("docker system prune -f --volumes")
    assert "Deleted Containers:\n" in out and "deleted: sha256:" + old.id in out
    assert out.endswith("\nTotal reclaimed space: 9B\n")
    assert mine.ok(f"ls {mine.store}/tmp") == ""
    assert mine.split("docker system prune -f --volumes --filter until=1h").status == 1


def test_object_verb_spellings(machine):
    for group, verbs in {"image": ["ls", "prune", "rm", "tag"], "container": ["ls", "prune", "rm"], "system": ["prune"]}.items():
        text = machine.ok(f"docker {group} --help")
        assert all(re.search(rf"^  {verb} ", text, re.M) for verb in verbs), text
        assert re.search(rf"^  {group} ", machine.ok("docker --help"), re.M)
        for verb in verbs:
            assert "Usage:" in machine.ok(f"docker {group} {verb} --help")
    assert machine.run("docker prune").status == 1


# ---- At once

ROUNDS = 100


def race(machine, script, timeout=600):
    """Runs script with $i from 1 to ROUNDS; it prints one word a round. $wait shifts the two against each other."""
    path = machine.put("race.sh", "i=0\nwhile [ $i -lt %d ]; do i=$((i + 1)); wait=0.00$((i %% 7))\n%s\ndone\n" % (ROUNDS, script))
    words = machine.ok(f"sh {path}", timeout).split()
    assert len(words) == ROUNDS, words
    return words


@pytest.mark.host_is_enough
def test_rmi_while_run_starts(mine):
    """Either the container runs, or there is no such image: never a container without its layers."""
    load(mine, "race", b"1")
    words = race(mine, f"""
        docker load -q -i {mine.share_path}/image.tar >/dev/null
        (sleep $wait; docker rmi race >/tmp/.race-rmi 2>&1; echo $? >/tmp/.race-rmi-status) &
        said=$(docker run --rm race cat /race 2>&1); status=$?; wait
        case "$status $said $(cat /tmp/.race-rmi-status)" in
        '0 1 '*) echo ran ;;
        '125 '*'image "race" not found'*' 0') echo none ;;
        *) echo "bad:$status:$said" | tr ' ' _ ;;
        esac""")
    assert set(words) <= {"ran", "none"}, words


@pytest.mark.host_is_enough
def test_rmi_while_create_makes(mine):
    load(mine, "race", b"1")
    words = race(mine, f"""
        docker load -q -i {mine.share_path}/image.tar >/dev/null
        (sleep $wait; docker rmi -f race >/dev/null 2>&1; docker image prune -f >/dev/null) &
        c=$(docker create race cat /race 2>/tmp/.race-err); status=$?; wait
        if [ $status = 0 ]; then
            [ "$(docker start -a $c 2>&1)" = 1 ] && echo made || echo "bad:$c"
            docker rm $c >/dev/null; docker image prune -f >/dev/null
        else
            grep -q 'not found' /tmp/.race-err && echo none || tr ' ' _ </tmp/.race-err
        fi""")
    assert set(words) <= {"made", "none"}, words


@pytest.mark.host_is_enough
def test_two_rmi_of_one_image(mine):
    image = load(mine, "race", b"1")
    words = race(mine, f"""
        docker load -q -i {mine.share_path}/image.tar >/dev/null
        docker rmi race >/tmp/.race-a 2>&1 &
        docker rmi {image.id[:12]} >/tmp/.race-b 2>&1
        wait
        echo $(grep -c Deleted /tmp/.race-a):$(grep -c Deleted /tmp/.race-b):$(cat /tmp/.race-a /tmp/.race-b | grep -c 'not found')""")
    assert set(words) <= {"2:0:1", "0:2:1"}, words


@pytest.mark.host_is_enough
def test_tag_while_rmi(mine):
    """The new name means a whole image, or there was none to name."""
    load(mine, "race", b"1")
    words = race(mine, f"""
        docker load -q -i {mine.share_path}/image.tar >/dev/null
        (sleep $wait; docker rmi race >/dev/null 2>&1) &
        if docker tag race copy 2>/tmp/.race-err; then
            wait
            [ "$(docker run --rm copy cat /race 2>&1)" = 1 ] && echo named || echo bad
            docker rmi copy >/dev/null
        else
            wait
            grep -q 'not found' /tmp/.race-err && echo none || tr ' ' _ </tmp/.race-err
        fi""")
    assert set(words) <= {"named", "none"}, words


@pytest.mark.host_is_enough
def test_load_while_rmi(mine):
    """A layer that goes while it comes again is there for the image that is."""
    load(mine, "race", b"1")
    words = race(mine, f"""
        docker load -q -i {mine.share_path}/image.tar >/dev/null
        (sleep $wait; docker rmi race >/dev/null 2>&1; docker image prune -f >/dev/null 2>&1) &
        docker load -q -i {mine.share_path}/image.tar >/dev/null 2>/tmp/.race-err || tr ' ' _ </tmp/.race-err
        wait
        said=$(docker run --rm race cat /race 2>&1)
        case "$said" in
        1) echo there ;;
        *'image "race" not found'*) echo gone ;;
        *) echo "bad:$said" | tr ' ' _ ;;
        esac""")
    assert set(words) <= {"there", "gone"}, words
