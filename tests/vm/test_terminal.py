# SPDX-License-Identifier: GPL-2.0-or-later
"""`docker run -it` and `docker exec -it`: a real terminal, with its size, its signals and its job control."""

import re
import time


def size_of(session):
    session.line("stty size | tr ' ' x")
    session.expect(r"(\d+x\d+)\r\n")
    return session.match.group(1)


def interrupt(session, key="c"):
    """Presses the key when the shell has handed the terminal over: before that its line editor would eat it."""
    session.line("echo go; sleep 1000")
    session.expect(r"\ngo\r\n")
    time.sleep(0.5)
    session.control(key)
    session.expect("/ # " if key == "c" else "Stopped")


def test_shell(clean):
    with clean.spawn("docker run -it --rm busybox sh") as s:
        s.expect("/ # ")
        s.line("echo $((40+2)) $(tty)")
        s.expect(r"42 /dev/(pts/0|console)\r\n")
        s.line("exit 5")
        assert s.end() == 5


def test_end_of_input_ends_the_shell(machine):
    with machine.spawn("docker run -it --rm busybox sh") as s:
        s.expect("/ # ")
        s.control("d")
        assert s.end() == 0


def test_terminal_has_the_callers_size(machine):
    with machine.spawn("docker run -it --rm busybox sh", rows=31, cols=97) as s:
        s.expect("/ # ")
        assert size_of(s) == "31x97"
        s.line("exit")
        s.end()


def test_first_program_sees_the_size_at_once(machine):
    with machine.spawn("docker run -it --rm busybox stty size", rows=31, cols=97) as s:
        s.expect(r"31 97\r\n")
        assert s.end() == 0


def test_resize_reaches_the_container(machine):
    if machine.name == "host":
        with machine.spawn("docker run -it --rm busybox sh") as s:
            s.expect("/ # ")
            s.resize(44, 111)
            s.line("sleep 0.3")
            assert size_of(s) == "44x111"
            s.line("exit")
            s.end()
    else:
        # nobody drags a window at a serial console, so another process sets the size of the terminal
        machine.run("(trap '' TTOU; sleep 4; stty rows 44 cols 111) &")
        with machine.spawn("docker run -it --rm busybox sh -c 'echo up; sleep 8; stty size'") as s:
            s.expect("up")
            s.expect(r"44 111\r\n")
            assert s.end() == 0


def test_interrupt_reaches_the_program_in_front(machine):
    with machine.spawn("docker run -it --rm busybox sh") as s:
        s.expect("/ # ")
        interrupt(s)
        s.line("echo alive-$((1+1))")
        s.expect("alive-2")
        s.line("exit 0")
        assert s.end() == 0


def test_job_control(machine):
    with machine.spawn("docker run -it --rm busybox sh") as s:
        s.expect("/ # ")
        interrupt(s, "z")
        s.line("kill -9 %1; sleep 0.2; echo gone-$((1+1))")
        s.expect("gone-2")
        s.line("exit 0")
        assert s.end() == 0


def test_no_job_control_complaint(machine):
    with machine.spawn("docker run -it --rm busybox sh") as s:
        greeting = s.expect("/ # ")
        assert "can't access tty" not in greeting and "job control" not in greeting
        s.line("exit")
        s.end()


def test_interrupt_without_a_terminal_in_the_container(clean):
    """^C goes to `docker run`, which hands it on to the program."""
    with clean.spawn("trap : INT; docker run --rm busybox sh -c "
                     "'trap \"exit 9\" INT; echo ready; while :; do sleep 0.1; done'") as s:
        s.expect("ready")
        s.control("c")
        assert s.end() == 9
    clean.run("trap - INT")


def test_terminal_is_left_as_it_was(machine):
    with machine.spawn("stty -a > /tmp/before; docker run -it --rm busybox true; stty -a > /tmp/after; "
                       "cmp /tmp/before /tmp/after && echo same") as s:
        s.expect("same\r\n")
        s.end()


def test_terminal_is_left_as_it_was_after_a_kill(machine):
    with machine.spawn("stty -a > /tmp/before; docker run -it --name killed busybox sh; stty -a > /tmp/after; "
                       "cmp /tmp/before /tmp/after && echo same") as s:
        s.expect("/ # ")
        s.line("kill -9 -1; exit 3")
        s.expect("same\r\n")
        s.end()


def test_full_screen_output_is_not_translated_twice(machine):
    with machine.spawn("docker run -it --rm busybox printf 'a\\nb\\n'") as s:
        before = s.expect(r"a\r\nb\r\n")
        assert "\r\r" not in before
        s.end()


def test_it_without_a_terminal_is_refused(clean):
    result = clean.split("echo x | docker run -it --rm busybox cat")
    assert result.status == 1
    assert "not a TTY" in result.err


def test_exec_it(machine):
    container = machine.ok("docker run -d --hostname sea busybox sleep 1000").strip()
    with machine.spawn(f"docker exec -it {container} sh", rows=29, cols=91) as s:
        s.expect("/ # ")
        assert size_of(s) == "29x91"
        s.line("echo $(hostname)-$((1+1))")
        s.expect("sea-2")
        interrupt(s)
        s.line("exit 6")
        assert s.end() == 6
    assert machine.ok("docker ps -q --no-trunc").strip() == container


def test_two_terminals_in_one_container(machine):
    container = machine.ok("docker run -dit busybox sh").strip()
    with machine.spawn(f"docker exec -it {container} sh") as s:
        s.expect("/ # ")
        s.line("tty; ps | grep -c '[s]h$'")
        s.expect(r"/dev/pts/\d+\r\n(\d+)\r\n")
        assert int(s.match.group(1)) >= 2
        s.line("exit")
        assert s.end() == 0
    assert re.search("Up ", machine.ok("docker ps"))
