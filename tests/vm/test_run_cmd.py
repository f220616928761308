# SPDX-License-Identifier: GPL-2.0-or-later
"""`make run CMD=...`: boots, runs the command at the console, prints what it prints and nothing else, ends with its status."""

import os
import pathlib
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]


def make_run(cmd, *more, **env):
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(["make", "-s", "--no-print-directory", "run", f"CMD={cmd.replace('$', '$$')}", *more], cwd=TOP,
                          env={**clean, **env}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=180)


def test_output_is_the_commands(tmp_path):
    done = make_run("docker run --rm busybox echo hi", f"DISK={tmp_path}/disk.img")
    assert done.stdout.replace("\r", "") == "hi\n", done
    assert done.returncode == 0


@pytest.mark.parametrize("status", [1, 42, 125, 127])
def test_status_is_the_commands(tmp_path, status):
    done = make_run(f"echo out; exit {status}", f"DISK={tmp_path}/disk.img")
    assert done.stdout.replace("\r", "") == "out\n"
    assert done.returncode == status, done


def test_status_is_the_containers(tmp_path):
    done = make_run("docker run --rm busybox sh -c 'exit 9'", f"DISK={tmp_path}/disk.img")
    assert done.returncode == 9, done


def test_quotes_and_dollars_arrive(tmp_path):
    done = make_run("""x='a  b'; echo "$x" \\"q\\" 'ä' `echo back`""", f"DISK={tmp_path}/disk.img")
    assert done.stdout.replace("\r", "") == 'a  b "q" ä back\n', done


def test_share(tmp_path):
    share = tmp_path / "share"
    share.mkdir()
    (share / "file").write_text("shared\n")
    done = make_run("cat /mnt/share/file", f"SHARE={share}", f"DISK={tmp_path}/disk.img")
    assert done.stdout.replace("\r", "") == "shared\n", done
