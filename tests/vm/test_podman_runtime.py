# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's podman with `--runtime knarr-oci`: what an engine does with a runtime. On this machine only."""

import json
import shutil

import pytest

import testbox

pytestmark = pytest.mark.host_is_enough

# A machine whose root may not raise limits refuses podman's defaults, whatever the runtime.
RUN = "--network none --ulimit nofile=1024:1024 --ulimit nproc=1000:1000"


class Podman:
    """podman with all that it keeps in a folder of its own."""

    def __init__(self, machine):
        self.machine = machine
        self.top = machine.ok("mktemp -d /tmp/knarr-podman.XXXXXX").strip()
        runtime = machine.ok("command -v knarr-oci").strip()
        self.podman = (f"podman --root {self.top}/root --runroot {self.top}/run --tmpdir {self.top}/tmp "
                       f"--cgroup-manager cgroupfs --events-backend file --runtime {runtime}")

    def run(self, words, **more):
        return self.machine.run(f"{self.podman} {words}", **more)

    def ok(self, words, **more):
        return self.machine.ok(f"{self.podman} {words}", **more)

    def split(self, words, **more):
        return self.machine.split(f"{self.podman} {words}", **more)

    def leftovers(self):
        return self.machine.ok(f"grep -h {self.top}/ /proc/self/mountinfo | grep -v {self.top}/root/overlay; "
                               f"grep -ls {self.top}/ /run/knarr-oci/*/state.json; "
                               "find /sys/fs/cgroup -path '*/libpod-*' -type d 2>/dev/null; true")


@pytest.fixture(scope="module")
def podman(places, tmp_path_factory):
    if not shutil.which("podman"):
        pytest.skip("no podman here")
    podman = Podman(places.get("host"))
    layer = tmp_path_factory.mktemp("podman") / "box.tar"
    layer.write_bytes(testbox.busybox_image().layers[0])
    result = podman.run(f"import --change CMD=sh {layer} box")
    if result.status:
        podman.machine.run(f"rm -rf {podman.top}")
        pytest.skip("podman cannot keep an image here: " + result.out.strip())
    yield podman
    podman.run("rm -fa -t 0")
    podman.run("rmi -fa")
    left = podman.leftovers()
    podman.machine.run(f"umount -l {podman.top}/root/overlay; rm -rf {podman.top}")
    assert not left


def test_run(podman, place):
    assert podman.ok(f"run --rm {RUN} box echo hello") == "hello\n"
    assert podman.run(f"run --rm {RUN} box sh -c 'exit 42'").status == 42
    assert podman.machine.ok(f"echo words | {podman.podman} run -i --rm {RUN} box cat") == "words\n"


def test_programs_that_cannot_be_executed(podman, place):
    result = podman.split(f"run --rm {RUN} box no-such-program")
    assert result.status == 127 and "not found" in result.err
    assert podman.run(f"run --rm {RUN} box /etc").status == 126
    assert podman.run(f"run --rm {RUN} box /etc/passwd").status == 126


def test_life(podman, place):
    podman.ok(f"run -d --name web {RUN} box sh -c 'trap \"exit 9\" TERM; while :; do sleep 0.1; done'")
    assert podman.ok("exec web echo hi") == "hi\n"
    assert podman.run("exec web sh -c 'exit 5'").status == 5
    assert podman.machine.ok(f"echo in | {podman.podman} exec -i web cat") == "in\n"
    assert podman.run("exec web no-such-program").status == 127
    assert podman.ok("exec -u 7:8 -w /tmp -e A=b web sh -c 'id -u; pwd; echo $A'") == "7\n/tmp\nb\n"
    podman.ok("pause web")
    assert podman.ok("ps -a --format '{{.State}}'").strip().lower() == "paused"
    podman.ok("unpause web")
    assert "sh -c" in podman.ok("top web")
    podman.ok("stop -t 10 web")
    assert podman.ok("ps -a --format '{{.Status}}'").startswith("Exited (9)")
    podman.ok("start web")
    podman.ok("kill -s KILL web")
    assert podman.ok("wait web").strip() == "137"
    podman.ok("restart -t 0 web")
    podman.ok("rm -f -t 0 web")
    assert podman.ok("ps -aq") == ""


def test_create_then_start_or_remove(podman, place):
    podman.ok(f"create --name made {RUN} box echo started")
    podman.ok("init made")
    assert json.loads(podman.ok("inspect made"))[0]["State"]["Status"] in ("initialized", "created")
    assert podman.ok("start -a made") == "started\n"
    podman.ok("rm made")
    podman.ok(f"create --name made {RUN} box echo started")
    podman.ok("init made")
    podman.ok("rm -f made")


def test_terminal(podman, place):
    with podman.machine.spawn(f"{podman.podman} run --rm -it {RUN} box sh -c 'tty; exit 3'", rows=31, cols=97) as s:
        s.expect("/dev/pts/0")
        assert s.end() == 3
    podman.ok(f"run -d --name term {RUN} box sleep 1000")
    with podman.machine.spawn(f"{podman.podman} exec -it term sh") as s:
        s.line("tty; exit 4")
        s.expect("/dev/pts/0")
        assert s.end() == 4
    podman.ok("rm -f -t 0 term")


def test_what_a_container_is_given(podman, place):
    out = podman.ok(f"run --rm {RUN} --read-only --hostname box1 --cap-drop all --cap-add chown --security-opt "
                    "no-new-privileges --tmpfs /t -v /etc/passwd:/host:ro --sysctl kernel.msgmax=9000 --pid host "
                    "--user 5:6 box sh -c 'hostname; id -u; grep -E \"CapBnd|NoNewPrivs|Seccomp:\" /proc/self/status; "
                    "touch /x 2>&1; touch /host 2>&1; cat /proc/sys/kernel/msgmax; grep -c root /host'")
    lines = out.splitlines()
    assert lines[:2] == ["box1", "5"]
    assert lines[2].split()[1] == "0000000000000001" or lines[3].split()[1] == "0000000000000001"
    assert "Read-only" in out and "9000" in lines and lines[-1] == "1"
    assert "NoNewPrivs:\t1" in out and "Seccomp:\t2" in out


def test_a_namespace_of_another_container(podman, place):
    podman.ok(f"run -d --name first {RUN} box sleep 1000")
    ns = "sh -c 'readlink /proc/self/ns/net; readlink /proc/self/ns/ipc'"
    first = podman.ok(f"exec first {ns}")
    join = RUN.replace("--network none", "--network container:first")
    assert podman.ok(f"run --rm {join} --ipc container:first box {ns}") == first
    podman.ok("rm -f -t 0 first")


def test_user_namespace(podman, place):
    out = podman.ok(f"run --rm {RUN} --uidmap 0:100000:1000 --gidmap 0:100000:1000 box cat /proc/self/uid_map")
    assert out.split() == ["0", "100000", "1000"]


def test_many_at_once(podman, place):
    one = f"{podman.podman} run --rm {RUN} box echo done"
    out = podman.machine.ok(f"for i in 1 2 3 4 5 6; do {one} & done; wait")
    assert out.count("done") == 6
