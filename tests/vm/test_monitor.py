# SPDX-License-Identifier: GPL-2.0-or-later
"""The process behind each container: how little it holds, and what becomes of the container when it is killed."""

import re

import pytest


def monitor_of(machine, name):
    """The parent of the container's first process."""
    pid = machine.ok(f"docker inspect --format '{{{{.State.Pid}}}}' {name}").strip()
    assert pid != "0"
    return int(re.search(r"PPid:\s+(\d+)", machine.ok(f"cat /proc/{pid}/status")).group(1)), int(pid)


def memory(machine, pid):
    """KiB: all that is resident, and what is the process's own. Code and constants are the file's, which the machine holds
    anyway; newer kernels map them by large pieces that a process need not have asked for."""
    text = machine.ok(f"cat /proc/{pid}/status")
    assert "knarr-monitor" in text
    fields = {k: int(v) for k, v in re.findall(r"(VmRSS|RssAnon):\s+(\d+) kB", text)}
    return fields["VmRSS"], fields["RssAnon"]


def test_small(machine):
    machine.ok("docker run -d --name plain busybox sleep 1000;"
               "docker run -d --name busy --restart always --health-cmd 'echo well' --health-interval 100ms busybox "
               "sh -c 'seq 1 5000; sleep 0.5; test $(wc -l </n 2>/dev/null || echo 0) = 4 && sleep 1000; echo >>/n'")
    machine.until("docker inspect --format '{{.RestartCount}}' busy", "4")
    machine.until("docker ps", r"\(healthy\)")
    for name in ("plain", "busy"):
        resident, own = memory(machine, monitor_of(machine, name)[0])
        print(f"{machine.name}: {name}: {resident} KiB resident, {own} KiB of its own")
        assert own < 400, name
        if machine.name == "appliance":
            assert resident < 1024, name


def test_outlives_the_command(machine):
    machine.ok("docker run -d --name lives busybox sleep 1000")
    monitor, _ = monitor_of(machine, "lives")
    status = machine.ok(f"cat /proc/{monitor}/status")
    parent = int(re.search(r"PPid:\s+(\d+)", status).group(1))
    assert "knarr" not in machine.ok(f"cat /proc/{parent}/comm")
    # nothing that ends a session's processes ends it
    machine.run(f"for s in HUP INT QUIT TERM PIPE USR1 ALRM; do kill -$s {monitor}; done; sleep 0.3")
    assert machine.ok("docker inspect --format '{{.State.Status}}' lives") == "running\n"
    assert machine.ok("docker exec lives echo here") == "here\n"


@pytest.mark.parametrize("looker", ["ps -a", "inspect gone", "logs gone", "wait gone", "start gone"])
def test_killed(clean, looker):
    """Whoever looks next finds it out: the container is dead and reported so, and what it was made of goes."""
    clean.ok("docker run -d --name gone busybox sh -c 'echo out; sleep 4323 & sleep 4323'")
    clean.until("docker logs gone", "out")
    monitor, first = monitor_of(clean, "gone")
    clean.ok(f"kill -9 {monitor}; sleep 0.2")
    clean.run(f"docker {looker}")
    if looker.startswith("start"):
        clean.ok("docker start gone")
        assert clean.ok("docker inspect --format '{{.State.Status}}' gone") == "running\n"
        return
    out = clean.ok("docker ps -a")
    assert "Exited (255)" in out
    assert "monitor" in clean.ok("docker inspect --format '{{.State.Error}}' gone")
    assert clean.run(f"grep -c . /proc/{first}/cmdline").status != 0
    assert clean.ok("docker logs gone") == "out\n"
    clean.ok("docker rm gone")


def test_killed_takes_no_other_along(machine):
    machine.ok("docker run -d --name one busybox sleep 1000; docker run -d --name two busybox sleep 1000;"
               "docker run -d --rm --name three busybox sleep 1000")
    machine.ok(f"kill -9 {monitor_of(machine, 'one')[0]} {monitor_of(machine, 'three')[0]}; sleep 0.2")
    assert machine.ok("docker ps --format '{{.Names}}'") == "two\n"
    assert machine.ok("docker ps -a --format '{{.Names}}' | sort").split() == ["one", "two"]
    assert machine.ok("docker exec two echo fine") == "fine\n"


@pytest.mark.host_is_enough
def test_killed_while_others_wait_on_it(machine):
    with machine.spawn("docker run --name fore busybox sh -c 'echo up; sleep 1000'") as s:
        s.expect("up")
        machine.ok(f"kill -9 {monitor_of(machine, 'fore')[0]}")
        assert s.end() == 125
        assert len(s.rest.strip().splitlines()) == 1 and "monitor" in s.rest
    assert machine.ok("docker wait fore") == "255\n"


@pytest.mark.host_is_enough
def test_killed_in_the_pause_before_a_restart(clean):
    clean.ok("docker run -d --name loop --restart always busybox sh -c 'echo run; sleep 0.3; exit 1'")
    monitor, _ = monitor_of(clean, "loop")
    clean.until("docker ps", "Restarting")
    clean.ok(f"kill -9 {monitor}; sleep 0.2")
    assert "Exited (255)" in clean.ok("docker ps -a")
    clean.ok("docker start loop")
    clean.until("docker logs loop", "(run\\s+){2}")


def test_a_slow_reader_does_not_hold_the_next_run(machine):
    """Output of one run that an attached client has not read yet reaches it all the same."""
    machine.ok("docker run --restart on-failure:1 --name slow busybox sh -c 'seq 1 55000; exit 1' | (sleep 3; tail -n 1) > /tmp/last-line || true",
               timeout=60)
    assert machine.ok("cat /tmp/last-line; rm /tmp/last-line") == "55000\n"
    machine.until("docker ps -a", r"Exited \(1\)")
    assert machine.ok("docker inspect --format '{{.RestartCount}}' slow") == "1\n"
