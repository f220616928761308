# SPDX-License-Identifier: GPL-2.0-or-later
"""-v, --mount and --tmpfs: what is mounted where, how, and what is said of words that make no sense."""

import json
import re

import pytest


@pytest.fixture
def folder(machine):
    """A folder of the machine's with a file in it."""
    machine.ok("rm -rf /tmp/knarr-mounts; mkdir /tmp/knarr-mounts; echo host > /tmp/knarr-mounts/file")
    yield "/tmp/knarr-mounts"
    machine.remove_containers()
    machine.ok("rm -rf /tmp/knarr-mounts")


def mount_of(machine, flags, target):
    """Options and type of the mount at target, in a container."""
    line = machine.ok(f"docker run --rm {flags} busybox grep ' {target} ' /proc/self/mountinfo").splitlines()[-1]
    fields = line.split()
    kind = fields[fields.index("-") + 1]
    return set(fields[5].split(",")), kind, line


def test_binds(machine, folder):
    for flags in (f"-v {folder}:/b", f"--mount type=bind,source={folder},target=/b", f"--volume={folder}:/b:rw"):
        assert machine.ok(f"docker run --rm {flags} busybox sh -c 'cat /b/file; echo in > /b/new'") == "host\n"
        assert machine.ok(f"cat {folder}/new; rm {folder}/new") == "in\n"
    for flags in (f"-v {folder}:/b:ro", f"--mount type=bind,src={folder},dst=/b,readonly"):
        result = machine.run(f"docker run --rm {flags} busybox touch /b/new")
        assert result.status == 1 and "Read-only file system" in result.out
    assert machine.ok(f"docker run --rm -v {folder}/file:/etc/one:ro busybox cat /etc/one") == "host\n", "a single file"
    assert machine.ok(f"cd {folder} && docker run --rm -v ./file:/one -v .:/all busybox cat /one /all/file") == "host\nhost\n"


@pytest.mark.host_is_enough
def test_missing_source(machine, folder):
    machine.ok(f"docker run --rm -v {folder}/made/deeper:/b busybox touch /b/x")
    assert machine.ok(f"ls {folder}/made/deeper; stat -c '%a %u' {folder}/made") == "x\n755 0\n"
    result = machine.run(f"docker run --rm --mount type=bind,src={folder}/nope,dst=/b busybox true")
    assert result.status == 125 and f"bind source path does not exist: {folder}/nope" in result.out
    assert machine.run(f"ls {folder}/nope").status != 0
    # gone between two starts
    machine.ok(f"mkdir {folder}/goes; docker create --name again --mount type=bind,src={folder}/goes,dst=/b busybox true; rmdir {folder}/goes")
    result = machine.run("docker start again")
    assert result.status == 1 and "bind source path does not exist" in result.out


def test_below_a_read_only_bind_nothing_can_be_written(machine, folder):
    """Docker since 25, on kernels since 5.12: also what is mounted below the source."""
    machine.ok(f"mkdir {folder}/sub; mount -t tmpfs knarr {folder}/sub")
    try:
        write = "busybox sh -c 'touch /b/sub/x 2>&1 || true'"
        assert "Read-only" in machine.ok(f"docker run --rm -v {folder}:/b:ro {write}")
        assert "Read-only" in machine.ok(f"docker run --rm --mount type=bind,src={folder},dst=/b,ro {write}")
        assert machine.ok(f"docker run --rm --mount type=bind,src={folder},dst=/b,ro,bind-recursive=writable {write}") == ""
        assert machine.ok(f"ls {folder}/sub; rm {folder}/sub/x") == "x\n"
        assert machine.ok(f"docker run --rm --mount type=bind,src={folder},dst=/b,bind-recursive=disabled {write}") == ""
        assert machine.ok(f"ls {folder}/sub") == "", "it was not the mount that the file went to"
    finally:
        machine.ok(f"umount {folder}/sub; rm -rf {folder}/sub")


def test_propagation(machine, folder):
    machine.ok(f"mkdir {folder}/shared; mount --bind {folder}/shared {folder}/shared && mount --make-shared {folder}/shared")
    try:
        seen = {mode: mount_of(machine, f"-v {folder}/shared:/s:{mode}", "/s")[2] for mode in ("rprivate", "rslave", "rshared")}
        assert "shared:" not in seen["rprivate"] and "master:" not in seen["rprivate"]
        assert "master:" in seen["rslave"] and "shared:" in seen["rshared"]
        assert "shared:" not in mount_of(machine, f"-v {folder}/shared:/s", "/s")[2], "private unless it is asked for"
    finally:
        machine.ok(f"umount {folder}/shared")


def test_tmpfs(machine):
    options, kind, line = mount_of(machine, "--tmpfs /run", "/run")
    assert kind == "tmpfs" and options >= {"rw", "nosuid", "nodev", "noexec"}
    options, _, line = mount_of(machine, "--tmpfs /run:size=1m,mode=700,exec,ro", "/run")
    assert options >= {"ro", "nosuid", "nodev"} and "noexec" not in options
    assert "size=1024k" in line and "mode=700" in line
    options, _, line = mount_of(machine, "--mount type=tmpfs,dst=/run,tmpfs-size=2m,tmpfs-mode=1770", "/run")
    assert "size=2048k" in line and "mode=1770" in line and options >= {"nosuid", "nodev", "noexec"}
    assert machine.ok("docker run --rm --tmpfs /t busybox stat -c %a /t") == "1777\n"
    # nothing of it outlives the run, nor is it seen by another
    machine.ok("docker run --name mem --tmpfs /t busybox sh -c 'test ! -e /t/x; touch /t/x'")
    machine.ok("docker start -a mem")


@pytest.mark.host_is_enough
def test_in_place_of_what_the_engine_mounts(machine, folder):
    machine.ok(f"printf '10.1.2.3 mine\\n' > {folder}/hosts")
    assert machine.ok(f"docker run --rm -v {folder}/hosts:/etc/hosts busybox cat /etc/hosts") == "10.1.2.3 mine\n"
    _, kind, line = mount_of(machine, "--tmpfs /dev/shm:size=3m", "/dev/shm")
    assert "size=3072k" in line
    assert machine.ok(f"docker run --rm -v {folder}:/dev/shm busybox cat /dev/shm/file") == "host\n"
    # over a volume at /etc the machine's names are still the container's
    assert "localhost" in machine.ok(f"docker run --rm -v {folder}:/etc busybox cat /etc/hosts")


@pytest.mark.host_is_enough
def test_commas_and_quotes(machine, folder):
    machine.ok(f"mkdir '{folder}/a,b'; echo comma > '{folder}/a,b/f'")
    assert machine.ok(f"docker run --rm --mount 'type=bind,\"src={folder}/a,b\",dst=/b' busybox cat /b/f") == "comma\n"


REFUSED = [
    ("-v ''", "invalid empty volume spec"),
    ("-v :/x", "invalid spec: :/x: empty section between colons"),
    ("-v a1:/x:foo", "invalid mode: foo"),
    ("-v a1:/x:ro:z", "too many colons"),
    ("-v /x:ro", "invalid volume specification: '/x:ro'"),
    ("-v a1:x", "invalid mount path: 'x' mount path must be absolute"),
    ("-v a1:/", "destination can't be '/'"),
    ("-v a/b:/x", '"a/b" includes invalid characters for a local volume name'),
    ("-v a1:/x -v b1:/x/", "Duplicate mount point: /x"),
    ("-v a1:/x --tmpfs /x", "Duplicate mount point: /x"),
    ("--mount dst=/x --mount dst=/x", "Duplicate mount point: /x"),
    ("--mount type=bind,dst=/x", 'invalid mount config for type "bind": field Source must not be empty'),
    ("--mount foo=bar", "unexpected key 'foo' in 'foo=bar'"),
    ("--mount nonsense", "invalid field 'nonsense' must be a key=value pair"),
    ("--mount type=nfs,dst=/x", 'invalid mount config for type "nfs": mount type unknown'),
    ("--mount dst=/x,volume-subpath=a", "volume-subpath is not supported"),
    ("--tmpfs x", "invalid mount path: 'x' mount path must be absolute"),
    ("--tmpfs /x:foo", 'invalid tmpfs option ["foo"]'),
    ("--tmpfs /x:size=lots", "/x"),
    ("--volumes-from nobody", "No such container: nobody"),
    ("-v /etc/passwd:/etc", "/etc"),  # a file over a folder
]


@pytest.mark.host_is_enough
@pytest.mark.parametrize("words, says", REFUSED)
def test_refused_in_one_line(machine, words, says):
    result = machine.split(f"docker run --rm {words} busybox true")
    assert result.status == 125 and result.out == "" and result.err.count("\n") == 1 and says in result.err, result
    assert machine.ok("docker ps -aq; docker volume ls -q") == "", "nothing is left behind"


@pytest.mark.host_is_enough
def test_inspect_shows_mounts(machine, folder):
    machine.ok(f"docker create --name shown -v web:/v -v {folder}:/b:ro --mount type=tmpfs,dst=/m --tmpfs /t:size=1m -v /anon busybox true")
    try:
        got = json.loads(machine.ok("docker inspect shown"))[0]
        mounts = {m["Destination"]: m for m in got["Mounts"]}
        assert mounts["/v"]["Type"] == "volume" and mounts["/v"]["Name"] == "web" and mounts["/v"]["RW"]
        assert mounts["/v"]["Source"].endswith("/volumes/web/_data") and mounts["/v"]["Driver"] == "local"
        assert mounts["/b"]["Type"] == "bind" and mounts["/b"]["Source"] == folder and not mounts["/b"]["RW"]
        assert mounts["/b"]["Propagation"] == "rprivate"
        assert re.fullmatch("[0-9a-f]{64}", mounts["/anon"]["Name"])
        assert "/t" not in mounts and got["HostConfig"]["Tmpfs"] == {"/t": "size=1m"}
        assert sorted(got["HostConfig"]["Binds"]) == sorted(["web:/v", f"{folder}:/b:ro"])
        assert machine.ok("docker ps -a --format '{{.Mounts}} {{.LocalVolumes}}' -f volume=web") \
            .startswith("web,/tmp/knarr-mou…,")
        assert machine.ok("docker ps -aq -f volume=/b") == machine.ok(f"docker ps -aq -f volume={folder}") == machine.ok("docker ps -aq")
        assert machine.ok("docker ps -aq -f volume=other") == ""
    finally:
        machine.ok("docker rm -v shown; docker volume rm web")
