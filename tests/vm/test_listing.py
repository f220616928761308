# SPDX-License-Identifier: GPL-2.0-or-later
"""What lists show and how they are asked: `images`, `history` and `ps` with their filters and formats."""

import json
import re

import pytest

import archive

pytestmark = pytest.mark.host_is_enough

IMAGES = {
    # name: created, labels
    "list/old": ("2021-02-03T04:05:06Z", {"role": "a"}),
    "list/middle": ("2022-02-03T04:05:06.5Z", {"role": "b", "org.label-schema.build_date": "today"}),
    "list/new": ("2023-02-03T04:05:06Z", {"role": "a", "extra": "1"}),
}


def _layer(n, size=1000):
    return archive.layer(archive.entry(f"file{n}", data=b"x" * size))


def _image(n, created, labels):
    return archive.Image([_layer(n)], {"Labels": labels, "Cmd": ["sh"]}, created=created)


def _load(machine, name, image, tags):
    path = archive.docker_archive(machine.share / name, image, tags)
    machine.ok(f"docker load -i {machine.share_path}/{path.name}")


@pytest.fixture
def listed(machine):
    """Three images of different ages and labels, and one without a name."""
    made = {}
    for n, (name, (created, labels)) in enumerate(IMAGES.items()):
        made[name] = _image(n, created, labels)
        _load(machine, f"list{n}.tar", made[name], [name + ":1"])
    made["none"] = _image(9, "2020-01-01T00:00:00Z", {})
    _load(machine, "list9.tar", made["none"], [])
    yield machine, made
    machine.run("docker rmi -f " + " ".join(i.id for i in made.values()))


def _names(machine, words):
    return machine.ok("docker images --format '{{.Repository}}' " + words).split()


IMAGE_FILTERS = [
    ("-f label=role", ["list/new", "list/middle", "list/old"]),
    ("-f label=role=a", ["list/new", "list/old"]),
    ("-f label=role=a -f label=extra", ["list/new"]),
    ("-f reference='list/*'", ["list/new", "list/middle", "list/old"]),
    ("'list/o*:1'", ["list/old"]),
    ("'docker.io/list/o*'", ["list/old"]),
    ("'li*'", []),  # a * does not reach over a slash
    ("-f reference=list/old -f reference=list/new", ["list/new", "list/old"]),
    ("-f before=list/middle:1 -f reference='list/*'", ["list/old"]),
    ("-f since=list/middle:1 -f reference='list/*'", ["list/new"]),
    ("-f until=2022-06-01 -f reference='list/*'", ["list/middle", "list/old"]),
    ("-f until=2022-06-01T00:00:00Z -f since=list/old:1 -f reference='list/*'", ["list/middle"]),
    ("-f dangling=false -f label=role=b", ["list/middle"]),
]


def test_images_are_filtered(listed):
    machine, made = listed
    for words, names in IMAGE_FILTERS:
        assert (words, _names(machine, words)) == (words, names)
    assert made["none"].id[:12] in machine.ok("docker images -q -f dangling=1").split()
    assert set(_names(machine, "-f dangling=1")) == {"<none>"}
    assert "<none>" not in _names(machine, "-f dangling=false")


IMAGE_FAULTS = [
    ("-f nonsense=1", "invalid filter 'nonsense'", 1),
    ("-f nonsense", "bad format of filter (expected name=value)", 125),
    ("-f dangling=maybe", "invalid filter 'dangling=[maybe]'", 1),
    ("-f before=no-such", "no-such", 1),
    ("-f until=tomorrow", "until", 1),
    ("--format '{{.ID'", "template parsing error: template: :1: unclosed action", 1),
    ("--format '{{.Nope}}'", 'template parsing error: template: :1:2: executing "" at <.Nope>: can\'t evaluate field Nope',
     1),
]


def test_what_images_refuses(listed):
    machine, _ = listed
    for words, message, status in IMAGE_FAULTS:
        out = machine.split("docker images " + words)
        assert (words, out.out, out.status, out.err.count("\n")) == (words, "", status, 1)
        assert message in out.err


def test_images_in_every_form(listed):
    machine, made = listed
    short = made["list/new"].id[:12]
    only = "list/new "
    assert machine.ok("docker images -q " + only) == short + "\n"
    assert machine.ok("docker images -q --no-trunc " + only) == "sha256:" + made["list/new"].id + "\n"
    assert machine.ok("docker images --format 'table {{.Tag}}\\t{{.Repository}}' " + only) == \
        "TAG       REPOSITORY\n1         list/new\n"
    row = json.loads(machine.ok("docker images --format json " + only))
    assert list(row) == sorted(row)
    assert row["ID"] == short and row["Size"] == "1kB" and row["Digest"] == "<none>" and row["Tag"] == "1"
    assert re.fullmatch(r"2023-02-03 04:05:06 \+0000 UTC", row["CreatedAt"]) and row["CreatedSince"].endswith("years ago")
    assert machine.ok("docker images --digests " + only).splitlines()[0].split() == \
        "REPOSITORY TAG DIGEST IMAGE ID CREATED SIZE".split()
    assert machine.ok("docker image ls -q " + only) == machine.ok("docker image list -q " + only) == short + "\n"


def test_images_come_newest_first_and_again_the_same(listed):
    machine, made = listed
    order = [made[n].id[:12] for n in ("list/new", "list/middle", "list/old", "none")]
    first = [i for i in machine.ok("docker images -q").split() if i in order]
    assert first == order
    # the second time from what was found out the first time; the third after one is gone
    assert [i for i in machine.ok("docker images -q").split() if i in order] == order
    machine.ok("docker rmi list/middle:1")
    assert [i for i in machine.ok("docker images -q").split() if i in order] == [order[0], order[2], order[3]]


def test_images_takes_a_verb_for_a_name(listed):
    machine, _ = listed
    out = machine.split("docker images ls")
    assert out.status == 0 and 'did you mean "docker image ls"?' in out.err


# ---- history


def _history(machine, image, words="", tag="list/history:1"):
    _load(machine, "history.tar", image, [tag])
    try:
        return machine.ok(f"docker history {words} {tag}")
    finally:
        machine.run("docker rmi -f " + tag)


def _told(by, empty=False, created="2023-02-03T04:05:06Z", comment=None):
    entry = {"created": created, "created_by": by}
    if empty:
        entry["empty_layer"] = True
    if comment:
        entry["comment"] = comment
    return entry


LONG = "RUN /bin/sh -c apt-get update && apt-get install -y nginx"


def test_history_tells_of_every_step(machine):
    steps = [_told("ADD rootfs.tar /", created="2021-01-01T00:00:00Z"), _told("ENV A=1\tB", empty=True),
             _told(LONG, comment="buildkit.dockerfile.v0"), _told('CMD ["sh"]', empty=True)]
    image = archive.Image([_layer(1, 5000), _layer(2, 70)], history=steps)
    lines = _history(machine, image, "--format '{{.ID}}|{{.CreatedBy}}|{{.Size}}|{{.Comment}}'").splitlines()
    assert lines == [
        image.id[:12] + '|CMD ["sh"]|0B|',
        "<missing>|" + LONG[:44] + "…|70B|buildkit.dockerfile.v0",
        "<missing>|ENV A=1 B|0B|",
        "<missing>|ADD rootfs.tar /|5kB|",
    ]
    table = _history(machine, image).splitlines()
    assert table[0].split() == "IMAGE CREATED CREATED BY SIZE COMMENT".split()
    assert len(table) == 5 and "years ago" in table[1]


def test_history_in_full_and_exactly(machine):
    image = archive.Image([_layer(1, 5000), _layer(2, 70)], history=[_told("a"), _told(LONG)])
    out = _history(machine, image, "--no-trunc --human=false").splitlines()
    assert out[0].split() == "IMAGE CREATED AT CREATED BY SIZE COMMENT".split()
    assert out[1].split()[:2] == ["sha256:" + image.id, "2023-02-03T04:05:06Z"]
    assert LONG in out[1] and out[1].split()[-1] == "70" and out[2].split()[-1] == "5000"
    assert _history(machine, image, "-q").splitlines() == [image.id[:12], "<missing>"]
    assert [json.loads(line)["Size"] for line in _history(machine, image, "--format json").splitlines()] == ["70B", "5kB"]


@pytest.mark.parametrize("steps, sizes", [
    ([], ["70B", "5kB"]),
    ([_told("one")], ["70B", "5kB"]),
    ([_told("one"), _told("env", empty=True)], ["70B", "0B", "5kB"]),
    ([_told("one"), _told("two"), _told("three")], ["0B", "70B", "5kB"]),
    ([_told("old", created="0001-01-01T00:00:00Z"), _told("odd", created=None)], ["70B", "5kB"]),
])
def test_a_history_that_does_not_fit_the_layers(machine, steps, sizes):
    steps = [{k: v for k, v in s.items() if v is not None} for s in steps]
    image = archive.Image([_layer(1, 5000), _layer(2, 70)], history=steps)
    assert _history(machine, image, "--format '{{.Size}}'").split() == sizes


def test_history_times_that_are_none(machine):
    image = archive.Image([_layer(1)], history=[_told("x", created="1970-01-01T00:00:00Z")])
    assert _history(machine, image, "--format '{{.CreatedSince}}'") == "N/A\n"


# ---- ps


@pytest.fixture
def containers(machine):
    """Three containers, oldest first: one that ended with 3, one that was never started, one that runs."""
    machine.ok("docker run --name list-ended --network none busybox sh -c 'exit 3' || true")
    machine.ok("docker create --name list-made testbox")
    machine.ok("docker run -d --name list-runs busybox sh -c 'echo hello >/file; sleep 1000'")
    return machine


CONTAINER_FILTERS = [
    ("", ["list-runs"]),
    ("-a", ["list-runs", "list-made", "list-ended"]),
    ("-a -f name=list-r", ["list-runs"]),
    ("-a -f name='^/list-(made|ended)$'", ["list-made", "list-ended"]),
    ("-f status=exited", ["list-ended"]),
    ("-f status=created -f status=running", ["list-runs", "list-made"]),
    ("-a -f exited=3", ["list-ended"]),
    ("-a -f exited=0", []),
    ("-a -f ancestor=busybox", ["list-runs", "list-ended"]),
    ("-a -f ancestor=no-such", []),
    ("-a -f before=list-runs", ["list-made", "list-ended"]),
    ("-a -f since=list-ended", ["list-runs", "list-made"]),
    ("-a -f network=none", ["list-ended"]),
    ("-a -f expose=80", ["list-made"]),
    ("-a -f expose=70-90/tcp", ["list-made"]),
    ("-a -f expose=80/udp", []),
    ("-l", ["list-runs"]),
    ("-n 2", ["list-runs", "list-made"]),
]


def test_containers_are_filtered(containers):
    for words, names in CONTAINER_FILTERS:
        assert (words, containers.ok("docker ps --format '{{.Names}}' " + words).split()) == (words, names)
    words = "-a -f name=list- --format '{{.Names}}'"
    for spelling in ("container ls", "container list", "container ps"):
        assert containers.ok(f"docker {spelling} {words}") == containers.ok("docker ps " + words)


def test_containers_in_every_form(containers):
    row = json.loads(containers.ok("docker ps --no-trunc --format json"))
    assert list(row) == sorted(row)
    assert len(row["ID"]) == 64 and row["Names"] == "list-runs" and row["State"] == "running" and row["Networks"] == "host"
    assert row["Command"] == '"sh -c \'echo hello >/file; sleep 1000\'"' and row["Status"].startswith("Up ")
    assert row["Image"] == "busybox" and row["LocalVolumes"] == "0" and row["Mounts"] == ""
    assert containers.ok("docker ps --format 'table {{.Names}}\\t{{.State}}'") == "NAMES       STATE\nlist-runs   running\n"
    assert containers.ok("docker ps -q") == row["ID"][:12] + "\n"
    assert containers.ok(f"docker ps -aq -f id={row['ID'][:20]}") == row["ID"][:12] + "\n"


def test_sizes_of_containers(containers):
    containers.until("docker ps -s", r"6B \(virtual ")
    lines = containers.ok("docker ps -s").splitlines()
    assert lines[0].endswith("SIZE") and re.search(r"6B \(virtual [0-9.]+[kM]B\)$", lines[1])
    assert re.fullmatch(r"6B \(virtual .*\)\n", containers.ok("docker ps --format '{{.Size}}'"))


CONTAINER_FAULTS = [
    ("-f nonsense=1", "invalid filter 'nonsense'"),
    ("-f status=dancing", "invalid filter 'status=dancing'"),
    ("-f exited=x", "invalid filter 'exited=x'"),
    ("-f name='('", "invalid filter 'name=('"),
    ("-f before=no-such", "No such container: no-such"),
    ("--format '{{.Nope}}'", "can't evaluate field Nope"),
]


def test_what_ps_refuses(containers):
    for words, message in CONTAINER_FAULTS:
        out = containers.split("docker ps " + words)
        assert (words, out.out, out.status, out.err.count("\n")) == (words, "", 1, 1)
        assert message in out.err
