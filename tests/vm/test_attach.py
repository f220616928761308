# SPDX-License-Identifier: GPL-2.0-or-later
"""`docker attach`, `start -a` and the keys that detach."""

import pytest


def test_attach_sees_what_comes(machine):
    machine.ok("docker run -d --name talks busybox sh -c 'sleep 1; echo later; sleep 0.5; echo error >&2; exit 6'")
    result = machine.split("docker attach talks")
    assert result.status == 6 and result.out == "later\n" and result.err == "error\n"


def test_attach_to_what_does_not_run(machine):
    machine.ok("docker create --name made busybox true")
    for name, word in (("made", "stopped container"), ("no-such", "No such container")):
        result = machine.split(f"docker attach {name}")
        assert result.status == 1 and word in result.err and len(result.err.splitlines()) == 1


@pytest.mark.host_is_enough
def test_input_reaches_it(machine):
    machine.ok("docker run -d -i --name asks busybox sh -c 'read x; echo got:$x; read x; echo got:$x'")
    with machine.spawn("echo zero | docker attach --no-stdin asks") as s:
        machine.ok("sleep 0.5; (echo one; echo two) | docker attach asks")
        s.expect("got:one\\s+got:two")
        assert s.end() == 0


@pytest.mark.parametrize("flags, keys", [("", "\x10\x11"), ("--detach-keys ctrl-e,d", "\x05d"), ("--detach-keys x", "x")])
def test_detach(machine, flags, keys):
    with machine.spawn(f"docker run -it --name shell {flags} busybox sh") as s:
        s.expect("/ # ")
        s.line("echo $((40+2))")
        s.expect("42")
        s.send(keys)
        s.expect("read escape sequence")
        assert s.end() == 0
    assert machine.ok("docker inspect --format '{{.State.Status}}' shell") == "running\n"
    with machine.spawn(f"docker attach {flags} shell") as s:
        s.line("")
        s.expect("/ # ")
        s.send(keys)
        s.expect("read escape sequence")
        assert s.end() == 0
    actions = machine.ok("docker events --since 10m --until 0s --filter container=shell --format '{{.Action}}'").split()
    assert actions.count("attach") >= 2 and actions.count("detach") >= 2


@pytest.mark.host_is_enough
def test_keys_that_are_half_typed_go_through(machine):
    with machine.spawn("docker run -it --rm --detach-keys ctrl-a,d busybox sh") as s:
        s.expect("/ # ")
        s.line("cat -v")
        s.send("\x01x\x01\x01\r")
        s.expect(r"\^Ax\^A\^A")
        s.control("c")
        s.expect("/ # ")
        s.line("exit 3")
        assert s.end() == 3


def test_start_attached(machine):
    machine.ok("docker create --name again busybox sh -c 'echo out; echo err >&2; exit 4'")
    for _ in range(2):
        result = machine.split("docker start -a again")
        assert result.status == 4 and result.out == "out\n" and result.err == "err\n"
    machine.ok("docker create -i --name asks busybox sh -c 'read x; echo got:$x'")
    result = machine.split("echo word | docker start -ai asks")
    assert result.status == 0 and result.out == "got:word\n"
    result = machine.split("docker start -a again asks")
    assert result.status == 1 and "cannot start and attach multiple" in result.err


@pytest.mark.host_is_enough
def test_start_attached_to_what_runs(machine):
    machine.ok("docker run -d --name runs busybox sh -c 'sleep 1; echo late; exit 2'")
    result = machine.split("docker start -a runs")
    assert result.status == 2 and result.out == "late\n"


@pytest.mark.host_is_enough
def test_start_of_what_cannot(machine):
    machine.ok("docker create --name broken busybox no-such-program")
    for flags in ("", "-a"):
        result = machine.split(f"docker start {flags} broken")
        assert result.status == 1 and "no-such-program" in result.err and result.out == ""
    assert machine.ok("docker inspect --format '{{.State.Status}} {{.State.ExitCode}}' broken") == "created 127\n"


def test_paused(machine):
    machine.ok("docker run -d --name still busybox sleep 1000; docker pause still")
    for command, word in (("attach", "paused"), ("start", "paused"), ("rm", "paused"), ("exec still true #", "paused")):
        result = machine.split(f"docker {command} still" if "#" not in command else f"docker {command}")
        assert result.status == 1 and word in result.err and len(result.err.splitlines()) == 1, (command, result)
    assert "(Paused)" in machine.ok("docker ps")
    machine.ok("docker unpause still; docker exec still true")
    machine.ok("docker pause still; docker kill still")
    assert machine.ok("docker wait still") == "137\n"


@pytest.mark.host_is_enough
def test_signals_are_passed_on(machine):
    machine.ok("docker run -d --name traps busybox sh -c 'trap \"echo asked; exit 5\" TERM; echo up; while :; do sleep 0.1; done'")
    machine.until("docker logs traps", "up")
    out = machine.run("docker attach traps & sleep 0.5; kill -TERM $!; wait $!")
    assert out.status == 5 and "asked" in out.out
    machine.ok("docker start traps; sleep 0.5")
    out = machine.run("docker attach --sig-proxy=false traps & sleep 0.5; kill -TERM $!; wait $!")
    assert out.status == 143
    assert machine.ok("docker inspect --format '{{.State.Status}}' traps") == "running\n"
