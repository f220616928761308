# SPDX-License-Identifier: GPL-2.0-or-later
"""`docker run` in the foreground: what the program gets (words, environment, folder, user, name) and what comes back (exit
status, and one line when it could not be started)."""

import pytest


def one_line(text):
    return [l for l in text.splitlines() if l.strip()]


def test_prints_what_the_program_prints(clean):
    assert clean.ok("docker run --rm busybox echo hi") == "hi\n"


def test_knarr_takes_the_same_words(machine):
    assert machine.ok("knarr run --rm busybox echo hi") == "hi\n"


def test_tag_and_image_id_name_the_image(machine):
    image = machine.ok("docker images -q busybox").split()[0]
    assert machine.ok("docker run --rm busybox:latest echo tag") == "tag\n"
    assert machine.ok(f"docker run --rm {image} echo id") == "id\n"


@pytest.mark.parametrize("status", [0, 1, 125, 126, 127, 255])
def test_exit_status_is_the_programs(machine, status):
    assert machine.run(f"docker run --rm busybox sh -c 'exit {status}'").status == status


def test_exit_status_of_a_signal(machine):
    assert machine.run("docker run --rm busybox sh -c 'sh -c \"kill -9 \\$\\$\"; exit $?'").status == 137


def test_options_end_at_the_image(machine):
    assert machine.ok("docker run --rm busybox echo -e --rm -it --name x") == "--rm -it --name x\n"
    assert machine.ok("docker run --rm -- busybox echo dashes") == "dashes\n"


def test_words_reach_the_program_unchanged(machine):
    out = machine.ok("""docker run --rm busybox sh -c 'for w; do echo "<$w>"; done' sh 'a b' '' '"' '$HOME' '*' 'ä'""")
    assert out == '<a b>\n<>\n<">\n<$HOME>\n<*>\n<ä>\n'


@pytest.mark.parametrize("command, status", [
    ("busybox no-such-program", 127),
    ("busybox /no/such/path", 127),
    ("testbox no-such-argument-but-say-runs", 0),
    ("--entrypoint /bin/no-interpreter testbox", 127),
    ("--entrypoint /etc/not-executable testbox", 126),
    ("--entrypoint /bin/bad-format testbox", 126),
    ("busybox /etc", 126),
    ("busybox /etc/passwd", 126),
])
def test_a_program_that_cannot_be_started(clean, command, status):
    result = clean.split(f"docker run --rm {command}")
    assert result.status == status, result
    if status:
        assert result.out == ""
        assert len(one_line(result.err)) == 1, result.err
        assert result.err.startswith("docker: ")


def test_missing_program_is_named(machine):
    err = machine.split("docker run --rm busybox no-such-program").err
    assert "no-such-program" in err and "executable file not found in $PATH" in err
    assert "permission denied" in machine.split("docker run --rm busybox /etc/passwd").err.lower()


@pytest.mark.parametrize("command", [
    "run --rm no-such-image true",
    "run --rm busybox:no-such-tag true",
    "run --rm -u no-such-user busybox true",
    "run --rm -w relative busybox true",
    "run --rm --name 'bad name' busybox true",
    "run --rm --name -x busybox true",
    "run --rm --name x busybox true",
    "run --rm -e =novalue busybox true",
    "run --rm --no-such-flag busybox true",
    "run --rm --network no-such-network busybox true",
    "run ''",
    "run --rm BUSYBOX true",
])
def test_own_faults_are_125_and_one_line(clean, command):
    result = clean.split(f"docker {command}")
    assert result.status == 125, result
    assert result.out == ""
    # Docker puts a second line behind a mistyped flag: where to find help
    lines = one_line(result.err)
    assert 1 <= len(lines) <= 2 and lines[0].startswith("docker: "), result.err


def test_a_failed_run_frees_its_name(clean):
    assert clean.run("docker run --name again busybox no-such-program").status == 127
    clean.run("docker rm -f again")
    assert clean.ok("docker run --rm --name again busybox echo ok") == "ok\n"


def test_name_in_use_is_refused(machine):
    machine.ok("docker run --name taken busybox true")
    result = machine.split("docker run --rm --name taken busybox true")
    assert result.status == 125 and "taken" in result.err and "in use" in result.err
    assert len(machine.containers()) == 1


# -- what the program gets

def test_default_environment(machine):
    env = dict(l.split("=", 1) for l in machine.ok("docker run --rm busybox env").splitlines())
    assert set(env) == {"PATH", "HOSTNAME", "HOME"}
    assert env["HOME"] == "/root"
    assert len(env["HOSTNAME"]) == 12


def test_path_is_dockers_where_the_image_has_none(machine):
    out = machine.ok("docker run --rm --entrypoint env testbox").splitlines()
    assert "PATH=/bin" in out


def test_a_terminal_sets_term(machine):
    assert "TERM=xterm\r\n" in machine.ok("docker run --rm -t busybox env").replace("\n", "\r\n").replace("\r\r", "\r")


def test_e_adds_and_replaces(machine):
    out = machine.ok("OUTER=passed docker run --rm -e A=1 -e B= --env 'C=x y=z' -e OUTER -e UNSET -e SHADOWED=mine "
                     "--entrypoint env testbox").splitlines()
    assert {"A=1", "B=", "C=x y=z", "OUTER=passed", "SHADOWED=mine", "FROM_IMAGE=yes"} <= set(out)
    assert not [l for l in out if l.startswith("UNSET")]
    assert len([l for l in out if l.startswith("SHADOWED")]) == 1


def test_w_sets_and_makes_the_folder(machine):
    assert machine.ok("docker run --rm -w /tmp busybox pwd") == "/tmp\n"
    assert machine.ok("docker run --rm --workdir /made/for/me busybox pwd") == "/made/for/me\n"


@pytest.mark.parametrize("user, ids", [
    ("1000", "uid=1000(worker) gid=1000(worker) groups=1000(worker),2000(extra)"),
    ("worker", "uid=1000(worker) gid=1000(worker) groups=1000(worker),2000(extra)"),
    ("worker:extra", "uid=1000(worker) gid=2000(extra) groups=2000(extra)"),
    ("0:2000", "uid=0(root) gid=2000(extra) groups=2000(extra)"),
    ("4711:815", "uid=4711 gid=815 groups=815"),
    ("4711", "uid=4711 gid=0(root) groups=0(root)"),
    ("root", "uid=0(root) gid=0(root) groups=0(root)"),
])
def test_u_names_or_numbers(machine, user, ids):
    assert machine.ok(f"docker run --rm -u {user} --entrypoint id testbox") == ids + "\n"


def test_home_follows_the_user(machine):
    assert machine.ok("docker run --rm -u worker --entrypoint sh testbox -c 'echo $HOME'") == "/home/worker\n"


def test_image_defaults(machine):
    assert machine.ok("docker run --rm testbox") == "say:2:default words\n"
    assert machine.ok("docker run --rm testbox other") == "say:1:other\n"
    out = machine.ok("docker run --rm --entrypoint sh testbox -c 'pwd; id -u; echo $FROM_IMAGE'")
    assert out == "/home/worker\n1000\nyes\n"


def test_entrypoint_drops_the_images_command(machine):
    assert machine.ok("docker run --rm --entrypoint /bin/say testbox") == "say:0:\n"
    assert machine.ok("docker run --rm --entrypoint= testbox /bin/say one") == "say:1:one\n"


def test_hostname(machine):
    assert machine.ok("docker run --rm --hostname sea busybox hostname") == "sea\n"
    assert machine.ok("docker run --rm -h sea busybox sh -c 'echo $HOSTNAME; cat /proc/sys/kernel/hostname'") == "sea\nsea\n"
    before = machine.ok("hostname")
    assert machine.ok("docker run --rm --hostname sea busybox hostname other; hostname").splitlines()[-1] == before.strip()


def test_default_hostname_is_the_short_id(machine):
    container = machine.ok("docker run -d busybox sleep 1000").strip()
    assert machine.ok(f"docker exec {container} hostname") == container[:12] + "\n"


def test_container_finds_itself_by_name(machine):
    out = machine.ok("docker run --rm --hostname sea busybox cat /etc/hosts")
    assert "localhost" in out
    assert machine.run("docker run --rm --hostname sea busybox test -e /etc/resolv.conf").status == 0


def test_layers_hide_and_replace(machine):
    out = machine.ok("docker run --rm --entrypoint sh testbox -c "
                     "'cat /etc/lower-only /etc/upper-only /etc/link /etc/absolute; ls /opaque; ls /etc/hidden 2>&1; true'")
    assert out.splitlines()[:5] == ["lower", "upper", "upper", "upper", "new"]
    assert "No such file" in out.splitlines()[5]


def test_rm_removes_the_container(clean):
    clean.ok("docker run --rm --name gone busybox sh -c 'echo x > /file'")
    assert clean.containers() == []


def test_without_rm_the_container_stays_and_keeps_its_files(machine):
    machine.ok("docker run --name stays busybox sh -c 'echo x > /file'")
    assert "Exited (0)" in machine.ok("docker ps -a")
    machine.ok("docker rm stays")
    assert machine.containers() == []


def test_d_prints_the_id_and_returns(machine):
    out = machine.ok("docker run -d busybox sleep 1000 | cat")
    assert len(out) == 65 and set(out.strip()) <= set("0123456789abcdef")
    assert out.strip() in machine.containers()


def test_rm_with_d_removes_when_it_ends(clean):
    container = clean.ok("docker run -d --rm busybox sleep 1").strip()
    clean.until("docker ps -aq --no-trunc | wc -l", r"^0\s*$")
    assert container not in clean.containers()


def test_help_says_what_run_does(machine):
    out = machine.ok("docker run --help")
    assert out.lstrip().startswith("Usage:")
    for flag in ("--rm", "--detach", "--interactive", "--tty", "--name", "--env", "--workdir", "--user", "--entrypoint",
                 "--hostname", "--network"):
        assert flag in out, flag
    assert "host" in out


def test_several_at_once(clean):
    cmd = "for i in 1 2 3 4 5 6; do docker run --rm busybox echo n$i & done; wait"
    words = clean.ok(cmd).split()
    assert {w for w in words if w.startswith("n") and len(w) == 2} == {f"n{i}" for i in range(1, 7)}
