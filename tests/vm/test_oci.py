# SPDX-License-Identifier: GPL-2.0-or-later
"""`knarr-oci`: the life of a container from a bundle, as podman and containerd drive it."""

import contextlib
import fcntl
import json
import os
import pathlib
import re
import socket
import struct

import pytest

import oci


@pytest.fixture
def box(machine):
    box = oci.Bundles(machine)
    yield box
    box.close()


# ---- The life cycle

def test_create_start_kill_delete(box):
    box.shell("echo ran >/ran; trap 'exit 3' TERM; while :; do sleep 0.1; done")
    box.create("a", f"--pid-file {box.top}/pid")
    state = box.state("a")
    assert state["status"] == "created" and state["id"] == box.id("a") and state["bundle"] == box.bundle
    assert state["rootfs"] == box.bundle + "/rootfs" and state["ociVersion"].startswith("1.")
    assert str(state["pid"]) == box.machine.ok(f"cat {box.top}/pid")
    assert box.machine.run(f"test -e {box.bundle}/rootfs/ran").status == 1
    box.ok("start", "a")
    box.machine.until(f"ls {box.bundle}/rootfs", r"\bran\b")
    assert box.status("a") == "running"
    box.ok("kill", "a", "TERM")
    box.until("a", "stopped")
    assert box.state("a")["pid"] == 0
    box.ok("delete", "a")
    assert "does not exist" in box.fails("state", "a")
    assert not box.leftovers()


def test_run_passes_streams_and_status(box):
    box.shell("read line; echo \"out $line\"; echo err >&2; exit 42")
    result = box.machine.split(f"echo words | {box.cmd('run -b ' + box.bundle, 'a')}")
    assert (result.out, result.status) == ("out words\n", 42) and "err\n" in result.err
    assert not box.leftovers()


def test_run_ends_with_the_signals_number(box):
    box.config("sleep", "1000")
    kill = f"{{ sleep 1; {box.cmd('kill', 'a', 'KILL')}; }} >/dev/null 2>&1 &"
    assert box.machine.run(f"{kill} {box.cmd('run -b ' + box.bundle, 'a')}").status == 137


@pytest.mark.host_is_enough
def test_run_detach_and_keep(box):
    box.shell("exit 3")
    assert box.run("run --keep -b " + box.bundle, "kept").status == 3
    assert box.status("kept") == "stopped"
    box.ok("delete", "kept")
    box.config("sleep", "1000")
    box.ok(f"run --detach --pid-file {box.top}/pid -b {box.bundle}", "a", "</dev/null >/dev/null 2>&1")
    assert box.status("a") == "running"
    box.ok("delete --force", "a")


@pytest.mark.host_is_enough
def test_created_container_is_deleted(box):
    box.config("true")
    box.create("a")
    box.ok("delete", "a")
    assert not box.leftovers()


@pytest.mark.host_is_enough
def test_changes_of_the_bundle_after_create_do_not_count(box):
    box.shell("echo first >/which; sleep 1000")
    box.create("a")
    box.shell("echo second >/which")
    box.ok("start", "a")
    box.machine.until(f"cat {box.bundle}/rootfs/which", "first")


# ---- Refusals

@pytest.mark.host_is_enough
def test_bad_states(box):
    box.start("a")
    assert "already running" in box.fails("start", "a")
    assert "already exists" in box.fails("create -b " + box.bundle, "a")
    assert "is not stopped: running" in box.fails("delete", "a")
    assert "not paused" in box.fails("resume", "a")
    box.ok("kill", "a", "9")
    box.until("a", "stopped")
    assert "has stopped" in box.fails("start", "a")
    assert "container not running" in box.fails("kill", "a")
    assert "not running" in box.fails("pause", "a")
    assert "stopped container" in box.fails("exec", "a", "true", status=255)
    assert box.fails("update --memory 100m", "a")
    box.ok("kill --all", "a", "9")
    box.ok("delete", "a")
    for words in ("start", "kill", "delete", "state", "pause", "resume", "ps", "events --stats", "update"):
        assert "does not exist" in box.fails(words, "nobody")
    box.ok("delete --force", "nobody")


@pytest.mark.host_is_enough
def test_a_failed_create_kills_nobody_in_a_cgroup_of_that_name(box):
    def share(config):
        config["linux"]["cgroupsPath"] = f"/{box.prefix}-shared"

    def no_root(config):
        share(config)
        config["root"]["path"] = "nowhere"

    box.start("a", change=share)
    assert "has processes already" in box.fails("create -b " + box.bundle, "b")
    box.config("true", change=no_root)
    assert "root.path" in box.fails("create -b " + box.bundle, "b")
    assert box.status("a") == "running"


@pytest.mark.host_is_enough
def test_ids(box):
    box.config("true")
    for bad in ("'a b'", "../up", ".", "..", "''", "a/b", "'a\nb'", "é", "x" * 300):
        result = box.machine.run(f"{box.oci} create -b {box.bundle} {bad}")
        assert result.status == 1 and len(result.out.splitlines()) == 1 and "ID" in result.out.upper(), result
    box.ok("create -b " + box.bundle, "a_b+c-d.e", "</dev/null >/dev/null 2>&1")
    box.ok("delete", "a_b+c-d.e")
    assert not box.leftovers()


@pytest.mark.host_is_enough
def test_bad_words(box):
    for words in ("create", "start", "start a b", "kill", "kill a b c", "state", "delete", "exec", "list a",
                  "create --no-such a", "kill a NOSUCH", "kill a 99", "list --format xml", "ps --format xml a",
                  "create --preserve-fds x a", "events --interval x a", "nothing", "creat a", "update --memory 1x a",
                  "--no-such list", "--log-format xml list", "checkpoint a", "restore a"):
        result = box.machine.split(f"{box.oci} {words}")
        assert result.status == 1 and result.out == "" and len(result.err.splitlines()) == 1, (words, result)
    for words in ("--help", "help", "", "create --help", "run --help", "exec --help", "--version"):
        result = box.machine.split(f"{box.oci} {words}")
        assert result.status == 0 and result.out and not result.err, words


@pytest.mark.host_is_enough
def test_bad_bundles(box):
    assert "no-such" in box.fails(f"create -b {box.top}/no-such", "a")
    box.machine.ok(f"mkdir {box.top}/empty")
    assert "config.json" in box.fails(f"create -b {box.top}/empty", "a")
    for text in ("", "{", "[]", '{"ociVersion": 1}', '{"ociVersion": "1.0.0", "root": {"path": 7}}'):
        box.write("config.json", text)
        assert box.fails(f"create -b {box.bundle}", "a")
    for change in (lambda c: c["root"].update(path="nowhere"), lambda c: c["root"].update(path="config.json"),
                   lambda c: c["process"].update(terminal=True), lambda c: c["process"].update(args=[]),
                   lambda c: c["linux"].update(cgroupsPath="../up"),
                   lambda c: c["linux"].update(intelRdt={"closID": "x"}),
                   lambda c: c["mounts"].append({"destination": "/x", "type": "bind", "source": "/no/such"})):
        box.config("true", change=change)
        assert box.fails(f"create -b {box.bundle}", "a")
        assert not box.leftovers()


def test_programs_that_cannot_be_executed(box):
    for program, word in (("no-such-program", "not found"), ("/etc", "is a directory"),
                          ("/etc/passwd", "permission denied")):
        box.config(program)
        assert word in box.fails(f"run -b {box.bundle}", "a")
        assert not box.leftovers()


@pytest.mark.host_is_enough
def test_log_file(box):
    log = f"{box.top}/log"
    box.machine.run(f"{box.oci} --log {log} --log-format json state nobody")
    line = json.loads(box.machine.ok(f"cat {log}"))
    assert line["level"] == "error" and "does not exist" in line["msg"] and re.match(r"\d{4}-\d\d-\d\dT", line["time"])
    assert "no-such" in box.machine.run(f"{box.oci} --log {box.top}/no-such/log list").out
    box.machine.run(f"rm {log}; {box.oci} --log={log} state nobody")
    assert re.match(r'time="[^"]+" level=error msg=".*nobody.*does not exist"\n$', box.machine.ok(f"cat {log}"))


# ---- Signals

@pytest.mark.host_is_enough
def test_signals_by_name_and_number(box):
    box.start("a", "sh", "-c", "trap 'echo usr1 >/got' USR1; trap 'echo usr2 >/got' 12; touch /ready; "
              "while :; do sleep 0.1; done")
    box.machine.until(f"ls {box.bundle}/rootfs", "ready")
    for word, expected in (("USR1", "usr1"), ("SIGUSR2", "usr2"), ("10", "usr1"), ("sigusr2", "usr2")):
        box.ok("kill", "a", word)
        box.machine.until(f"cat {box.bundle}/rootfs/got", expected)


def test_kill_all(box):
    def shared(config):
        config["linux"]["namespaces"] = [n for n in config["linux"]["namespaces"] if n["type"] != "pid"]

    box.start("a", "sh", "-c", "sleep 1000 & sleep 1000 & exec sleep 1001", change=shared)
    box.machine.until(box.cmd("ps --format json", "a"), r"\[\d+,\d+,\d+\]")
    box.ok("kill --all", "a", "KILL")
    box.machine.until(box.cmd("ps --format json", "a"), r"\[\]")
    box.until("a", "stopped")


def test_delete_force_ends_everything(box):
    box.start("a", "sh", "-c", "trap '' TERM; sleep 1000 & sleep 1000 & wait")
    box.ok("exec -d", "a", "sleep 1002 </dev/null >/dev/null 2>&1")
    box.ok("delete --force", "a")
    assert not box.leftovers()


# ---- exec, ps, list

# the user and group of a process
IDS = "set -- $(grep -E \"^[UG]id:\" /proc/self/status); echo $2 $7"


def test_exec(box):
    box.start("a", env=["PATH=/bin", "A=1"])
    assert box.ok("exec", "a", "sh -c 'echo $A $HOME; pwd'") == "1 /root\n/\n"
    assert box.ok("exec -e A=2 --cwd /etc -u 7:8", "a", f"sh -c 'echo $A; pwd; {IDS}'") == "2\n/etc\n7 8\n"
    assert box.ok("exec -g 99 -g 98", "a", "grep Groups: /proc/self/status").split()[1:] == ["98", "99"]
    assert box.run("exec", "a", "sh -c 'exit 9'").status == 9
    assert box.run("exec", "a", "sh -c 'kill -9 $$'").status == 137
    assert box.machine.ok("echo in | " + box.cmd("exec", "a", "cat")) == "in\n"
    assert "not found" in box.fails("exec", "a", "nope", status=255)
    assert "needed" in box.fails("exec", "a", status=255)
    caps = "sh -c 'grep CapEff /proc/self/status'"
    plain, more = (int(box.ok(f"exec {flag}", "a", caps).split()[1], 16) for flag in ("", "--cap CAP_SYS_ADMIN"))
    assert more == plain | 1 << 21
    assert "/no/such" in box.fails("exec --cwd /no/such", "a", "true", status=255)
    assert "unknown capability" in box.fails("exec --cap CAP_NOPE", "a", "true", status=255)


def test_exec_of_a_process_file(box):
    box.start("a")
    path = box.write("process.json", json.dumps({"args": ["sh", "-c", f"echo $B; {IDS}; exit 4"], "cwd": "/tmp",
                                                 "env": ["PATH=/bin", "B=b"], "user": {"uid": 5, "gid": 6}}))
    result = box.run(f"exec --process {path}", "a")
    assert (result.out, result.status) == ("b\n5 6\n", 4)
    for text in ("{", '{"args": "x"}', '{"args": ["x"]}'):
        box.write("process.json", text)
        assert box.fails(f"exec -p {path}", "a", status=255)


@pytest.mark.host_is_enough
def test_exec_of_a_process_file_has_the_containers_filter(box):
    def change(config):
        config["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
            {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 42}]}

    box.start("a", change=change)
    path = box.write("process.json", json.dumps({"args": ["grep", "Seccomp:", "/proc/self/status"], "cwd": "/",
                                                 "env": ["PATH=/bin"], "user": {"uid": 0, "gid": 0}}))
    assert box.ok(f"exec --process {path}", "a").split() == ["Seccomp:", "2"]


@pytest.mark.host_is_enough
def test_exec_beside_a_process_in_a_cgroup_of_its_own(box):
    """As systemd does inside: it moves into a cgroup below, and the container's own takes no process any more."""
    box.start("a")
    group = box.machine.ok(f"find /sys/fs/cgroup -type d -name {box.id('a')}").strip()
    controllers = box.machine.ok(f"cat {group}/cgroup.controllers").split()
    if not controllers:
        pytest.skip("cgroup v2 has no controller here")
    box.machine.ok(f"mkdir {group}/init && cat {group}/cgroup.procs >{group}/init/cgroup.procs && "
                   f"echo +{controllers[0]} >{group}/cgroup.subtree_control")
    assert "0::/init" in box.ok("exec", "a", "cat /proc/self/cgroup").split()


@pytest.mark.host_is_enough
def test_exec_detached(box):
    box.start("a")
    box.ok(f"exec -d --pid-file {box.top}/pid", "a", "sleep 1003 </dev/null >/dev/null 2>&1")
    pid = box.machine.ok(f"cat {box.top}/pid")
    assert pid.isdigit() and pid in box.ok("ps --format json", "a")
    assert "sleep" in box.machine.ok(f"cat /proc/{pid}/cmdline | tr '\\0' ' '")


@pytest.mark.host_is_enough
def test_list(box):
    assert json.loads(box.ok("list --format json")) == []
    box.start("a")
    box.config("true")
    box.create("b")
    assert box.ok("list -q").split() == [box.id("a"), box.id("b")]
    states = {s["id"]: s for s in json.loads(box.ok("list -f json"))}
    assert states[box.id("a")]["status"] == "running" and states[box.id("b")]["status"] == "created"
    assert states[box.id("a")]["owner"] == "root"
    lines = box.ok("list").splitlines()
    assert lines[0].split() == ["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"] and len(lines) == 3


def test_ps(box):
    box.start("a")
    pid = str(box.state("a")["pid"])
    assert json.loads(box.ok("ps --format json", "a")) == [int(pid)]
    heading, line = box.ok("ps", "a").splitlines()
    assert heading.split()[:3] == ["UID", "PID", "PPID"] and line.split()[1] == pid and "sleep 1000" in line
    assert box.ok("ps", "a", "-o pid,args").split() == ["PID", "COMMAND", pid, "sleep", "1000"]
    assert "column" in box.fails("ps", "a", "-o pid,nope") and "PID" in box.fails("ps", "a", "-o args")


def test_pause_and_resume(box):
    box.start("a", "sh", "-c", "while :; do echo x >>/count; sleep 0.05; done")
    box.ok("pause", "a")
    assert box.status("a") == "paused"
    assert "paused" in box.fails("pause", "a")
    assert "paused container" in box.fails("exec", "a", "true", status=255)
    size = box.machine.ok(f"sleep 0.3; wc -c <{box.bundle}/rootfs/count")
    assert box.machine.ok(f"sleep 0.3; wc -c <{box.bundle}/rootfs/count") == size
    box.ok("resume", "a")
    assert box.status("a") == "running"
    box.machine.until(f"test $(wc -c <{box.bundle}/rootfs/count) -gt {size.strip()} && echo grew", "grew")
    box.ok("pause", "a")
    box.ok("delete --force", "a")


@pytest.mark.host_is_enough
def test_pause_of_a_created_container(box):
    box.config("sleep", "1000")
    box.create("a")
    box.ok("pause", "a")
    assert box.status("a") == "paused"
    assert "paused" in box.fails("start", "a")
    box.ok("resume", "a")
    assert box.status("a") == "created"
    box.ok("start", "a")
    assert box.status("a") == "running"


def test_events_stats(box):
    box.start("a")
    event = json.loads(box.ok("events --stats", "a"))
    assert event["type"] == "stats" and event["id"] == box.id("a")
    assert event["data"]["cpu"]["usage"]["total"] > 0 and event["data"]["pids"]["current"] == 1


def test_update(machine, box):
    if machine.name == "host":
        pytest.skip("limits of cgroup v2 can be tested in the appliance only")
    box.start("a")
    box.ok("update --memory 64m --memory-swap 64m --pids-limit 77 --cpu-quota 5000 --cpu-period 10000", "a")
    inside = "sh -c 'cd /sys/fs/cgroup; cat memory.max pids.max cpu.max memory.swap.max'"
    assert box.ok("exec", "a", inside).split() == ["67108864", "77", "5000", "10000", "0"]
    box.machine.ok("echo '{\"pids\": {\"limit\": 78}}' | " + box.cmd("update --resources -", "a"))
    assert box.ok("exec", "a", "cat /sys/fs/cgroup/pids.max") == "78\n"
    assert box.fails("update --memory 1", "nobody")
    for bad in ("--cpu-period 5", "--memory 64m --memory-swap 32m", "--cpuset-cpus x"):
        assert box.fails("update " + bad, "a"), bad
    event = json.loads(box.ok("events --stats", "a"))
    assert event["data"]["memory"]["usage"]["limit"] == 64 << 20 and event["data"]["pids"]["limit"] == 78


# ---- Descriptors

def test_no_descriptor_leaks_and_some_are_preserved(box):
    box.shell("echo $(ls /proc/self/fd); { cat <&3; } 2>/dev/null || true", noNewPrivileges=False)
    box.machine.ok(f"echo three >{box.top}/three")
    run = box.cmd("run -b " + box.bundle, "a")
    # 3 is the folder that ls reads
    assert box.machine.run(f"exec 3<{box.top}/three; {run}").out.startswith("0 1 2 3\n")
    run = box.cmd(f"run --preserve-fds 2 -b {box.bundle}", "a")
    assert box.machine.ok(f"exec 3<{box.top}/three 4</dev/null 5</dev/null; {run}") == "0 1 2 3 4 5\nthree\n"
    assert "descriptor 4 is not open" in box.machine.run(f"exec 3</dev/null 4<&-; {run}").out
    assert not box.leftovers()


@pytest.mark.host_is_enough
def test_listen_fds(box):
    box.shell("echo $LISTEN_FDS $LISTEN_PID; cat <&3")
    box.machine.ok(f"echo three >{box.top}/three")
    run = box.cmd("run -b " + box.bundle, "a")
    script = f"exec 3<{box.top}/three; sh -c 'export LISTEN_FDS=1 LISTEN_PID=$$; exec {run}'"
    assert box.machine.ok(script) == "1 1\nthree\n"
    # meant for another process
    assert box.machine.run(f"exec 3<{box.top}/three; LISTEN_FDS=1 LISTEN_PID=1 {run}").out.startswith("\n")


# ---- Hooks

STAGES = ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"]


def hooks(box, failing=()):
    """A hook for each stage that notes stage and state; those of failing fail behind that. The hooks of the container's
    side see its root or (createContainer) are a program of the machine."""
    box.write("note", f"#!/bin/sh\necho \"$1 $(cat)\" >>{box.bundle}/rootfs/notes\nexit $2\n", mode=755)
    box.write("rootfs/note", "#!/bin/sh\necho \"$1 $(cat)\" >>/notes\nexit $2\n", mode=755)

    def change(config):
        config["annotations"] = {"org.example.key": "value"}
        config["hooks"] = {stage: [{"path": "/note" if stage == "startContainer" else f"{box.bundle}/note",
                                    "args": ["note", stage, "1" if stage in failing else "0"],
                                    "env": ["PATH=/bin:/usr/bin"]}] for stage in STAGES}
    return change


def notes(box):
    text = box.machine.run(f"cat {box.bundle}/rootfs/notes").out
    return [(line.split(" ", 1)[0], json.loads(line.split(" ", 1)[1])) for line in text.splitlines()]


def test_hooks_in_order_with_the_state(box):
    box.start("a", change=hooks(box))
    box.machine.until(f"cat {box.bundle}/rootfs/notes", "poststart")
    pid = box.state("a")["pid"]
    box.ok("delete --force", "a")
    seen = notes(box)
    assert [stage for stage, _ in seen] == STAGES
    states = dict(seen)
    for stage, state in seen:
        assert state["id"] == box.id("a") and state["bundle"] == box.bundle, stage
        assert state["annotations"] == {"org.example.key": "value"}, stage
    assert [states[s]["status"] for s in STAGES] == ["creating", "creating", "creating", "created", "running", "stopped"]
    assert states["createRuntime"]["pid"] == pid and states["poststart"]["pid"] == pid
    assert states["createContainer"]["pid"] == states["startContainer"]["pid"] == 1


@pytest.mark.host_is_enough
@pytest.mark.parametrize("stage", STAGES)
def test_failing_hooks(box, stage):
    box.config("sh", "-c", "touch /ran; sleep 1000", change=hooks(box, [stage]))
    result = box.run(f"create -b {box.bundle}", "a", "</dev/null >/dev/null 2>&1")
    if stage in STAGES[:3]:
        assert result.status == 1
        assert [s for s, _ in notes(box)] == STAGES[:STAGES.index(stage) + 1] + ["poststop"]
        assert not box.leftovers()
        return
    assert result.status == 0
    result = box.run("start", "a")
    assert (result.status == 0) == (stage == "poststop")
    if stage == "startContainer":
        assert box.machine.run(f"test -e {box.bundle}/rootfs/ran").status == 1
    if stage != "poststop":
        # step 12 of the life cycle: it is gone
        assert "does not exist" in box.fails("state", "a")
    else:
        result = box.machine.split(box.cmd("delete --force", "a"))
        assert result.status == 0 and "warning" in result.err
    assert [s for s, _ in notes(box)][-1] == "poststop"
    assert not box.leftovers()


# ---- Kills

@pytest.mark.host_is_enough
def test_a_killed_create_leaves_what_delete_removes(box):
    def change(config):
        config["hooks"] = {"createRuntime": [{"path": f"{box.bundle}/hang"}]}

    box.write("hang", f"#!/bin/sh\nPATH=/bin:/usr/bin\ntouch {box.top}/hangs\nexec sleep 1000\n", mode=755)
    box.config("sleep", "1000", change=change)
    box.machine.ok(f"{box.cmd('create -b ' + box.bundle, 'a')} </dev/null >/dev/null 2>&1 & echo $! >{box.top}/creator")
    box.machine.until(f"ls {box.top}", "hangs")
    assert box.status("a") == "creating"
    assert "created" in box.fails("exec", "a", "true", status=255)
    box.machine.ok(f"kill -9 $(cat {box.top}/creator)")
    box.until("a", "stopped")
    box.ok("delete --force", "a")
    box.machine.run("for p in /proc/[0-9]*; do test \"$(tr '\\0' ' ' <$p/cmdline 2>/dev/null)\" = 'sleep 1000 ' && "
                    f"grep -q . $p/cwd/config.json 2>/dev/null && kill ${{p#/proc/}}; done")
    assert not box.leftovers()


@pytest.mark.host_is_enough
def test_a_killed_start_leaves_the_container_created(box):
    """Who connects and goes changes nothing."""
    box.config("sleep", "1000")
    box.create("a")
    for _ in range(5):
        assert box.status("a") == "created"
    box.ok("start", "a")
    assert box.status("a") == "running"


@pytest.mark.host_is_enough
def test_one_id_for_one_container(box):
    box.config("sleep", "1000")
    create = box.cmd("create -b " + box.bundle, "a") + " </dev/null >/dev/null 2>&1 && echo made"
    out = box.machine.ok(f"for i in 1 2 3 4 5 6; do ({create}) & done; wait; true")
    assert out.count("made") == 1
    start = box.cmd("start", "a") + " 2>/dev/null && echo started"
    out = box.machine.ok(f"for i in 1 2 3 4 5 6; do ({start}) & done; wait; true")
    assert out.count("started") == 1


# ---- Descriptors that are handed out

class Listener:
    """A unix socket that takes one message with descriptors."""

    def __init__(self, path):
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(path)
        self.socket.listen(1)
        self.socket.settimeout(20)

    def take(self):
        conn, _ = self.socket.accept()
        with conn:
            text, fds, _, _ = socket.recv_fds(conn, 65536, 4)
        self.socket.close()
        return text, fds


def output_of(master, end=b"over"):
    out = b""
    while not out.endswith(end):
        out += os.read(master, 1)
    return out.decode().replace("\r", "")


@pytest.mark.host_is_enough
def test_console_socket(box):
    # longer than a socket's address may be
    folder = pathlib.Path(box.top, "f" * 120)
    folder.mkdir()
    with contextlib.chdir(folder):
        listener = Listener("console")
    box.shell("stty -echo; tty; stty size; read line; echo got $line over", terminal=True,
              consoleSize={"height": 33, "width": 99})
    box.create("a", f"--console-socket {folder}/console")
    _, (master,) = listener.take()
    box.ok("start", "a")
    assert output_of(master, b"99") == "/dev/pts/0\n33 99"
    os.write(master, b"words\n")
    assert output_of(master).endswith("got words over")
    os.close(master)
    box.until("a", "stopped")
    box.ok("delete", "a")

    assert "console socket" in box.fails(f"create -b {box.bundle} --console-socket {box.top}/none", "a")
    assert "without setting console socket" in box.fails(f"create -b {box.bundle}", "a")
    assert not box.leftovers()
    box.config("true")
    assert "cannot use console socket" in box.fails(f"create -b {box.bundle} --console-socket {folder}/console", "a")


@pytest.mark.host_is_enough
def test_console_socket_of_exec(box):
    box.start("a")
    listener = Listener(f"{box.top}/console")
    box.ok(f"exec -t -d --console-socket {box.top}/console", "a", "sh -c 'tty; echo over; sleep 1' </dev/null >/dev/null 2>&1")
    _, (master,) = listener.take()
    assert output_of(master).startswith("/dev/pts/0\n")
    os.close(master)
    assert "exec failed" in box.fails(f"exec -t -d --console-socket {box.top}/none", "a", "sleep 1000", status=255)
    assert box.ok("ps -f json", "a").count(",") == 0


@pytest.mark.host_is_enough
def test_run_on_a_terminal(box):
    box.shell("tty; stty size; read line; echo got $line; exit 6", terminal=True)
    with box.machine.spawn(box.cmd(f"run -b {box.bundle}", "a"), rows=31, cols=97) as session:
        session.expect("/dev/pts/0")
        session.expect("31 97")
        # no keys detach here
        session.send("\x10\x11")
        session.line("typed")
        session.expect("got .*typed")
        assert session.end() == 6


@pytest.mark.host_is_enough
def test_pidfd_socket(box):
    box.config("sleep", "1000")
    listener = Listener(f"{box.top}/pidfd")
    box.create("a", f"--pidfd-socket {box.top}/pidfd")
    _, (fd,) = listener.take()
    assert f"Pid:\t{box.state('a')['pid']}\n" in pathlib.Path(f"/proc/self/fdinfo/{fd}").read_text()
    os.close(fd)


@pytest.mark.host_is_enough
def test_seccomp_agent(box):
    def change(config):
        config["linux"]["seccomp"] = {
            "defaultAction": "SCMP_ACT_ALLOW", "listenerPath": f"{box.top}/agent", "listenerMetadata": "meta",
            "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_NOTIFY"}]}

    listener = Listener(f"{box.top}/agent")
    box.shell("mkdir /made; echo $? >/status", change=change)
    box.create("a")
    box.ok("start", "a")
    text, (fd,) = listener.take()
    told = json.loads(text)
    assert told["fds"] == ["seccompFd"] and told["metadata"] == "meta" and told["pid"] == box.state("a")["pid"]
    assert told["state"]["id"] == box.id("a") and told["state"]["bundle"] == box.bundle
    # SECCOMP_IOCTL_NOTIF_RECV, then _SEND with EPERM
    request = bytearray(80)
    fcntl.ioctl(fd, 0xC0502100, request)
    response = request[:8] + struct.pack("=qiI", 0, -1, 0)
    fcntl.ioctl(fd, 0xC0182101, bytearray(response))
    os.close(fd)
    box.until("a", "stopped")
    assert box.machine.ok(f"cat {box.bundle}/rootfs/status") == "1\n"
    box.ok("delete", "a")

    # nobody listens: no program without its agent
    box.create("a")
    assert "listenerPath" in box.fails("start", "a")
    box.until("a", "stopped")
