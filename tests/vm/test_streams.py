# SPDX-License-Identifier: GPL-2.0-or-later
"""Standard input, output and error of `docker run`, apart and untouched, where there is no terminal."""


def test_stdout_and_stderr_stay_apart(machine):
    result = machine.split("docker run --rm busybox sh -c 'echo out; echo err >&2; exit 3'")
    assert (result.out, result.err, result.status) == ("out\n", "err\n", 3)


def test_i_passes_standard_input(machine):
    assert machine.ok("echo hello | docker run -i --rm busybox cat") == "hello\n"


def test_without_i_standard_input_is_empty(machine):
    assert machine.ok("echo hello | docker run --rm busybox cat") == ""


def test_bytes_pass_unchanged(machine):
    machine.ok("head -c 1000000 /dev/urandom > /tmp/bytes")
    want = machine.ok("sha256sum < /tmp/bytes")
    assert machine.ok("docker run -i --rm busybox sha256sum < /tmp/bytes") == want
    assert machine.ok("docker run -i --rm busybox cat < /tmp/bytes | sha256sum") == want
    machine.ok("rm /tmp/bytes")


def test_end_of_input_reaches_the_program(machine):
    assert machine.ok("docker run -i --rm busybox sh -c 'cat >/dev/null; echo done' </dev/null") == "done\n"


def test_program_that_closes_its_output_early(machine):
    assert machine.ok("docker run --rm busybox sh -c 'exec >&- 2>&-; sleep 0.2; exit 0'") == ""


def test_reader_that_goes_away_does_not_hang(clean):
    assert clean.ok("docker run --rm busybox yes | head -n 1", timeout=60).startswith("y\n")


def test_input_that_outlives_the_program(clean):
    result = clean.run("sleep 3 | docker run -i --rm busybox sh -c 'exit 7'", timeout=30)
    assert result.status == 7


def test_much_output_is_complete(machine):
    assert machine.ok("docker run --rm busybox seq 1 20000 | tail -n 1") == "20000\n"
    assert machine.ok("docker run --rm busybox seq 1 20000 | wc -l").strip() == "20000"


def test_output_written_just_before_the_end_is_not_lost(machine):
    out = machine.ok("for i in 1 2 3 4 5 6 7 8; do docker run --rm busybox sh -c 'printf x; exit'; done")
    assert out == "x" * 8


def test_full_output_is_no_success(machine):
    assert machine.run("docker ps > /dev/full").status != 0
