# SPDX-License-Identifier: GPL-2.0-or-later
"""Filters of system calls: what the default one blocks (Docker's does), how it follows the capabilities, profiles that people
bring, and bundles' own with an agent that answers."""

import array
import errno
import fcntl
import json
import os
import socket
import struct
import subprocess
import threading

import pytest

import oci

# Numbers of x86_64; behind the colon an argument of which the kernel itself would say something else than EPERM.
CALLS = {
    "accept": "43:-1", "add_key": "248", "bpf": "321:-1", "clone3": "435", "fsopen": "430", "io_uring_setup": "425",
    "kcmp": "312", "keyctl": "250:-1", "mount": "165", "move_pages": "279:-1", "open_by_handle_at": "304:-1",
    "perf_event_open": "298", "personality": "135:0x40000", "process_vm_readv": "310:-1", "quotactl": "179:-1",
    "request_key": "249", "set_mempolicy": "238:-1", "setns": "308:-1", "socket_alg": "41:38", "socket_inet": "41:2",
    "socket_vsock": "41:40", "unshare": "272:0", "userfaultfd": "323:-1", "getppid": "110", "mkdir": "83", "rmdir": "84",
    "new": "600",
}

PROBE = r"""
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		char *arg = strchr(argv[i], ':');
		errno = 0;
		long rc = syscall(atol(argv[i]), arg ? strtol(arg + 1, NULL, 0) : 0L, 0L, 0L, 0L, 0L, 0L);
		printf("%s ", rc < 0 && errno ? strerrorname_np(errno) : "ok");
	}
	printf("\n");
	return 0;
}
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """A static program that makes the calls it is told and says how each failed."""
    folder = tmp_path_factory.mktemp("probe")
    (folder / "probe.c").write_text("#define _GNU_SOURCE\n" + PROBE)
    subprocess.run(["gcc", "-static", "-O1", "-o", folder / "probe", folder / "probe.c"], check=True)
    return (folder / "probe").read_bytes()


@pytest.fixture
def probe(machine, program):
    """probe(options, call...) -> {call: "ok" or the error's name}, in a new container."""
    path = machine.put("seccomp-probe", program)
    machine.ok(f"chmod 755 {path}")

    def ask(options, *calls, image="busybox"):
        out = machine.ok(f"docker run --rm {options} -v {path}:/probe:ro {image} /probe " + " ".join(CALLS[c] for c in calls))
        return dict(zip(calls, out.split(), strict=True))

    return ask


BLOCKED = ["add_key", "bpf", "fsopen", "io_uring_setup", "kcmp", "keyctl", "mount", "move_pages", "open_by_handle_at",
           "perf_event_open", "personality", "quotactl", "request_key", "set_mempolicy", "setns", "socket_alg",
           "socket_vsock", "unshare", "userfaultfd"]


def test_default_blocks_what_dockers_blocks(probe):
    got = probe("", *BLOCKED, "clone3", "new", "socket_inet", "getppid", "process_vm_readv", "accept")
    assert {c: got[c] for c in BLOCKED} == dict.fromkeys(BLOCKED, "EPERM")
    assert (got["clone3"], got["new"]) == ("ENOSYS", "ENOSYS"), "C libraries fall back on that"
    assert (got["socket_inet"], got["getppid"], got["accept"]) == ("ESOCKTNOSUPPORT", "ok", "EBADF")
    assert got["process_vm_readv"] != "EPERM"


@pytest.mark.parametrize("option", ["--security-opt seccomp=unconfined", "--privileged"])
def test_unconfined(probe, option):
    got = probe(option, "unshare", "keyctl", "personality", "clone3", "mount", "add_key")
    assert got["unshare"] == got["personality"] == "ok"
    assert got["clone3"] in ("EINVAL", "EFAULT") and got["add_key"] != "EPERM" and got["keyctl"] != "EPERM"


@pytest.mark.host_is_enough
def test_privileged_may_bring_a_profile(machine, probe):
    path = profile(machine, "seccomp-privileged.json", allow_but("unshare"))
    assert probe(f"--privileged --security-opt seccomp={path}", "unshare", "personality") == {
        "unshare": "EBADMSG", "personality": "ok"}


def test_builtin_is_the_default(probe):
    assert probe("--security-opt seccomp=builtin", "unshare", "getppid") == {"unshare": "EPERM", "getppid": "ok"}


def test_capabilities_open_their_calls(probe):
    """As Docker's profile has it; what no capability gives stays shut."""
    got = probe("--cap-add SYS_ADMIN", "unshare", "mount", "setns", "fsopen", "quotactl", "clone3", "keyctl", "kcmp",
                "socket_alg")
    assert got["unshare"] == "ok" and got["setns"] == "EBADF" and got["mount"] != "EPERM" and got["fsopen"] != "EPERM"
    assert got["quotactl"] != "EPERM" and got["clone3"] in ("EINVAL", "EFAULT")
    assert got["keyctl"] == got["kcmp"] == got["socket_alg"] == "EPERM"
    got = probe("--cap-add SYS_PTRACE", "kcmp", "unshare")
    assert got["kcmp"] != "EPERM" and got["unshare"] == "EPERM"
    got = probe("--cap-add DAC_READ_SEARCH --cap-add sys_nice", "open_by_handle_at", "set_mempolicy", "mount")
    assert got["open_by_handle_at"] != "EPERM" and got["set_mempolicy"] != "EPERM" and got["mount"] == "EPERM"
    got = probe("--cap-add ALL", "unshare", "kcmp", "keyctl", "io_uring_setup")
    assert got["unshare"] == "ok" and got["kcmp"] != "EPERM" and got["keyctl"] == got["io_uring_setup"] == "EPERM"


# ---- Profiles that people bring

def profile(machine, name, content):
    return machine.put(name, content if isinstance(content, str) else json.dumps(content))


def allow_but(*names, **more):
    return {"defaultAction": "SCMP_ACT_ALLOW",
            "syscalls": [{"names": list(names), "action": "SCMP_ACT_ERRNO", "errnoRet": errno.EBADMSG} | more]}


def test_profile_of_a_file(machine, probe):
    path = profile(machine, "seccomp-file.json", allow_but("getppid"))
    got = probe(f"--security-opt seccomp={path}", "getppid", "unshare", "personality")
    assert got == {"getppid": "EBADMSG", "unshare": "ok", "personality": "ok"}
    assert probe(f"--security-opt seccomp={path} --security-opt no-new-privileges", "getppid") == {"getppid": "EBADMSG"}


@pytest.mark.host_is_enough
def test_rules_of_a_file_follow_capabilities_and_arguments(machine, probe):
    rules = [{"names": ["getppid"], "action": "SCMP_ACT_ERRNO", "errnoRet": errno.EBADMSG,
              "includes": {"caps": ["CAP_SYS_ADMIN"]}},
             {"names": ["unshare"], "action": "SCMP_ACT_ERRNO", "errnoRet": errno.EBADMSG,
              "excludes": {"caps": ["CAP_SYS_ADMIN"]}, "includes": {"minKernel": "3.0", "arches": ["amd64"]}},
             {"names": ["socket"], "action": "SCMP_ACT_ERRNO", "errnoRet": errno.EBADMSG,
              "args": [{"index": 0, "value": 2, "op": "SCMP_CMP_EQ"}]}]
    path = profile(machine, "seccomp-rules.json", {
        "defaultAction": "SCMP_ACT_ALLOW", "syscalls": rules,
        "archMap": [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86", "SCMP_ARCH_X32"]}]})
    calls = ("getppid", "unshare", "socket_inet", "accept")
    assert probe(f"--security-opt seccomp={path}", *calls) == {
        "getppid": "ok", "unshare": "EBADMSG", "socket_inet": "EBADMSG", "accept": "EBADF"}
    assert probe(f"--security-opt seccomp={path} --cap-add SYS_ADMIN", *calls) == {
        "getppid": "EBADMSG", "unshare": "ok", "socket_inet": "EBADMSG", "accept": "EBADF"}


@pytest.mark.host_is_enough
def test_the_file_is_not_needed_again(machine, clean):
    path = profile(machine, "seccomp-gone.json", allow_but("chdir"))
    machine.ok(f"docker create --name kept --security-opt seccomp={path} busybox sh -c 'cd /tmp 2>&1; true'")
    machine.ok(f"rm {path}")
    for _ in range(2):
        assert "Bad message" in machine.ok("docker start -a kept")
    machine.ok("docker rm kept")


def test_exec_is_filtered_as_the_container_is(machine):
    path = profile(machine, "seccomp-exec.json", allow_but("chdir"))
    machine.ok(f"docker run -d --name filtered --security-opt seccomp={path} busybox sleep 1000")
    assert "Bad message" in machine.ok("docker exec filtered sh -c 'cd /tmp 2>&1; true'")
    machine.ok("docker run -d --name default busybox sleep 1000")
    assert "not permitted" in machine.ok("docker exec default sh -c 'unshare -m true 2>&1; true'")
    machine.ok("docker run -d --name free --privileged busybox sleep 1000")
    machine.ok("docker exec free unshare -m true")
    machine.ok("docker rm -f filtered default free")


BAD = {
    "empty": ("", "length is 0"),
    "text": ("unconfined?", "line 1, column 1"),
    "array": ("[]", "not an object"),
    "nothing": ("{}", "defaultAction: missing"),
    "action": ({"defaultAction": "ALLOW"}, 'defaultAction: "ALLOW" is not an action of seccomp'),
    "rule": (allow_but("read", action=7), "syscalls[0].action: not a string"),
    "names": (allow_but(), "syscalls[0].names: empty"),
    "argument": (allow_but("read", args=[{"index": 9, "value": 1, "op": "SCMP_CMP_EQ"}]),
                 "syscalls[0].args[0].index: 9 is not in 0 to 5"),
    "both": ({"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86"],
              "archMap": [{"architecture": "SCMP_ARCH_X86_64"}]}, "archMap: stands beside architectures"),
    "kernel": (allow_but("read", includes={"minKernel": "six"}), 'syscalls[0].includes.minKernel: "six" is not a version'),
    "twice": ('{"defaultAction": "SCMP_ACT_ALLOW", "defaultAction": "SCMP_ACT_ERRNO"}', "stands twice"),
}


@pytest.mark.host_is_enough
@pytest.mark.parametrize("what", BAD)
def test_bad_profiles_are_told_in_a_line(machine, clean, what):
    content, message = BAD[what]
    path = profile(machine, f"seccomp-bad-{what}.json", content)
    for command, status in ("run --rm", 125), ("create", 1):
        result = machine.split(f"docker {command} --security-opt seccomp={path} busybox true")
        assert (result.status, result.out) == (status, "")
        lines = [l for l in result.err.splitlines() if not l.startswith("See '") and l]
        assert len(lines) == 1 and message in lines[0], result.err


@pytest.mark.host_is_enough
def test_profile_that_is_not_there(machine, clean):
    result = machine.split("docker run --rm --security-opt seccomp=/no/such/file busybox true")
    assert result.status == 125 and "/no/such/file" in result.err and "No such file" in result.err


# ---- Bundles

@pytest.fixture
def box(machine):
    box = oci.Bundles(machine)
    yield box
    box.close()


def seccomp(content):
    def change(config):
        config["linux"]["seccomp"] = content
    return change


def test_bundles_filter(box):
    box.shell("cd /tmp 2>&1; cat /proc/self/status", change=seccomp(allow_but("chdir")))
    out = box.ok("run -b " + box.bundle, "a")
    assert "Bad message" in out and "Seccomp:\t2" in out
    box.shell("cat /proc/self/status")
    assert "Seccomp:\t0" in box.ok("run -b " + box.bundle, "a"), "a bundle without a profile has none"


@pytest.mark.parametrize("nnp", [True, False])
def test_a_filter_that_kills(box, nnp):
    box.shell("mkdir /x; echo lived", noNewPrivileges=nnp, change=seccomp(
        {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_KILL_PROCESS"}]}))
    result = box.run("run -b " + box.bundle, "a")
    # the shell forks for mkdir, or the program is mkdir itself
    assert "Bad system call" in result.out or result.status == 128 + 31, result


def test_exec_has_the_bundles_filter(box):
    box.start("a", change=seccomp(allow_but("chdir")))
    assert "Bad message" in box.run("exec", "a", "sh -c 'cd /tmp 2>&1'").out


@pytest.mark.host_is_enough
def test_bundles_bad_filter(box):
    box.config("true", change=seccomp({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
        {"names": ["read"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 0, "value": 1, "op": "=="}]}]}))
    assert 'linux.seccomp.syscalls[0].args[0].op: "==" is not an operator of seccomp' in box.fails("run -b " + box.bundle, "a")
    assert not box.leftovers()


# ---- An agent that answers

RECEIVE, SEND = 0xC0502100, 0xC0182101  # SECCOMP_IOCTL_NOTIF_RECV, _SEND: structs of 80 and 24 bytes


class Agent(threading.Thread):
    """Takes one listener at path, answers its calls with an error that no kernel gives for them, or as it is told."""

    def __init__(self, path, answer=(-errno.EXFULL, 0)):
        super().__init__(daemon=True)
        self.answer = answer  # the error, and flags
        self.server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.server.bind(path)
        self.server.listen(1)
        self.server.settimeout(30)
        self.state, self.calls, self.more = None, [], None
        self.start()

    def run(self):
        conn, _ = self.server.accept()
        conn.settimeout(30)
        fds = array.array("i")
        text, control, _, _ = conn.recvmsg(65536, socket.CMSG_LEN(64))
        for _, _, data in control:
            fds.frombytes(data)
        while chunk := conn.recv(65536):
            text += chunk
        self.state, self.more = json.loads(text), len(fds)
        while True:
            request = bytearray(80)
            try:
                fcntl.ioctl(fds[0], RECEIVE, request)
                identifier, _, _, number = struct.unpack_from("=QIIi", request)
                self.calls.append(number)
                fcntl.ioctl(fds[0], SEND, struct.pack("=QqiI", identifier, 0, *self.answer))
            except OSError:
                break
        os.close(fds[0])


@pytest.mark.host_is_enough
def test_agent_gets_the_listener_and_answers(box, tmp_path):
    path = str(tmp_path / "agent")
    agent = Agent(path)
    box.shell("mkdir /x 2>&1; true", change=seccomp({
        "defaultAction": "SCMP_ACT_ALLOW", "listenerPath": path, "listenerMetadata": "some words",
        "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_NOTIFY"}]}))
    assert "Exchange full" in box.ok("run -b " + box.bundle, "a")
    agent.join(30)
    assert agent.calls == [83] and agent.more == 1
    assert agent.state["fds"] == ["seccompFd"] and agent.state["metadata"] == "some words" and agent.state["pid"] > 0
    assert agent.state["state"]["id"] == box.id("a") and agent.state["state"]["status"] in ("creating", "created")
    assert not box.leftovers()


@pytest.mark.host_is_enough
@pytest.mark.parametrize("nnp", [True, False])
@pytest.mark.parametrize("content", [
    {"defaultAction": "SCMP_ACT_NOTIFY"},
    {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["read", "write", "sendmsg", "close", "execve"],
                                                      "action": "SCMP_ACT_NOTIFY"}]}])
def test_agent_may_be_asked_of_every_call(box, tmp_path, content, nnp):
    """Also of those that the runtime itself makes before the program: the listener is fetched from outside."""
    path = str(tmp_path / "agent")
    agent = Agent(path, answer=(0, 1))  # SECCOMP_USER_NOTIF_FLAG_CONTINUE
    box.shell("echo done", noNewPrivileges=nnp, change=seccomp(content | {"listenerPath": path}))
    assert "done\n" in box.ok("run -b " + box.bundle, "a")
    agent.join(30)
    assert {1, 59} <= set(agent.calls), "write and execve"


@pytest.mark.host_is_enough
def test_agent_that_is_not_there(box):
    box.config("true", change=seccomp({
        "defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/no/such/socket",
        "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_NOTIFY"}]}))
    assert "/no/such/socket" in box.fails("run -b " + box.bundle, "a")
    assert not box.leftovers()
