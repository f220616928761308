# SPDX-License-Identifier: GPL-2.0-or-later
"""`docker cp`: Docker's rules in both directions, with a container that runs and one that does not. What hostile containers
do about it is in test_cp_attacks.py."""

import io
import re
import tarfile

import pytest

import archive
from archive import entry, folder, symlink

STATES = ["running", "stopped"]


@pytest.fixture(params=STATES)
def web(machine, request):
    """A container called web. look(cmd) says what a process inside finds; a stopped one is started for it."""
    verb = "run -d" if request.param == "running" else "create"
    machine.ok(f"docker {verb} --name web busybox sleep 1000")
    machine.ok("cd /; rm -rf /tmp/cp; mkdir -p /tmp/cp")

    class Web:
        state = request.param

        @staticmethod
        def look(cmd):
            machine.ok("docker start web")
            return machine.ok(f"docker exec web sh -c '{cmd}'")

    yield Web
    machine.run("cd /; rm -rf /tmp/cp")


@pytest.fixture
def stopped(machine):
    """For what does not depend on the state: a container that was never started."""
    machine.ok("docker create --name web busybox sleep 1000")
    machine.ok("cd /; rm -rf /tmp/cp; mkdir -p /tmp/cp")
    yield machine
    machine.run("cd /; rm -rf /tmp/cp")


def refused(machine, cmd, words, status=1):
    result = machine.split(cmd)
    assert result.status == status, result
    assert result.out == "" and result.err.count("\n") == 1, result
    assert words in result.err, result
    return result.err


# ---- Into a container

def test_file_in(machine, web):
    machine.ok("echo one >/tmp/cp/f; chmod 640 /tmp/cp/f; touch -d '2001-02-03 04:05:06' /tmp/cp/f; chown 7:8 /tmp/cp/f")
    machine.ok("docker cp /tmp/cp/f web:/new")
    machine.ok("docker cp /tmp/cp/f web:tmp")
    machine.ok("docker cp -a /tmp/cp/f web:/owned")
    assert web.look("cat /new /tmp/f") == "one\none\n"
    assert web.look("stat -c \"%a %u:%g %y\" /new").startswith("640 0:0 2001-02-03 04:05:06")
    assert web.look("stat -c \"%u:%g\" /owned") == "7:8\n"


@pytest.mark.host_is_enough  # the appliance's own busybox has no user worker
def test_folder_in(machine, web):
    machine.ok("mkdir -p /tmp/cp/d/sub; echo a >/tmp/cp/d/a; echo b >/tmp/cp/d/sub/b; ln -s sub/b /tmp/cp/d/l")
    machine.ok("docker cp /tmp/cp/d web:/made && docker cp /tmp/cp/d web:/tmp && docker cp /tmp/cp/d/. web:/home")
    assert web.look("cd /made; find . | sort") == ".\n./a\n./l\n./sub\n./sub/b\n"
    assert web.look("cat /tmp/d/l /home/sub/b") == "b\nb\n"
    assert web.look("ls -d /home/worker") == "/home/worker\n", "what was there stays"


def test_written_into_the_upper_layer_of_a_stopped_container(machine):
    machine.ok("docker run --name web busybox sh -c 'echo mine > /mine; mkdir /d'")
    machine.ok("echo new >/tmp/cp-new; docker cp /tmp/cp-new web:/d/new; docker cp /tmp/cp-new web:/etc/passwd; rm /tmp/cp-new")
    machine.ok("docker start web; docker wait web")
    upper = f"{machine.store}/containers/$(docker ps -aq --no-trunc -f name=web 2>/dev/null || docker ps -aq --no-trunc)/upper"
    assert machine.ok(f"cat {upper}/d/new {upper}/etc/passwd") == "new\nnew\n"
    assert "passwd" in machine.ok("docker run --rm busybox ls /etc"), "the image is what it was"
    assert machine.ok("docker run --rm busybox head -n 1 /etc/passwd").startswith("root:")


def test_replaces_files(machine, web):
    machine.ok("echo longer than before >/tmp/cp/f; docker cp /tmp/cp/f web:/etc/group; docker cp /tmp/cp/f web:/etc/passwd")
    assert web.look("cat /etc/group") == "longer than before\n"


def test_runs_into_a_tmpfs(machine):
    """Unlike Docker's, which writes below it."""
    machine.ok("docker run -d --name web busybox sleep 1000")
    machine.ok("echo seen >/tmp/cp-f; docker cp /tmp/cp-f web:/dev/shm/f; rm /tmp/cp-f")
    assert machine.ok("docker exec web cat /dev/shm/f") == "seen\n"
    assert machine.ok("docker cp web:/dev/shm/f - | tar xO") == "seen\n"
    assert machine.ok("docker cp web:/etc/hostname - | tar xO") == machine.ok("docker exec web hostname")


# ---- Out of a container

def test_file_out(machine, web):
    machine.ok("cd /tmp/cp && docker cp web:/etc/passwd . && docker cp web:etc/passwd new && mkdir d && docker cp web:/etc/passwd d/")
    assert machine.ok("cat /tmp/cp/passwd").startswith("root:")
    assert machine.ok("cd /tmp/cp && cmp passwd new && cmp passwd d/passwd && stat -c %a new") == "644\n"


def test_folder_out(machine, web):
    machine.ok("cd /tmp/cp && docker cp web:/etc made && docker cp web:/etc . && mkdir into && docker cp web:/etc/. into")
    assert machine.ok("cd /tmp/cp && diff -r made etc && diff -r made into && ls made").split()[:2] == ["group", "hostname"]


def test_who_owns_what_came_out(machine):
    machine.ok("docker run --name web busybox sh -c 'echo x > /f; chown 12:34 /f; chmod 4711 /f; mkdir -m 1777 /d; chown 5 /d'")
    machine.ok("rm -rf /tmp/cp; mkdir /tmp/cp; docker cp web:/f /tmp/cp/f; docker cp -a web:/f /tmp/cp/a; docker cp -a web:/d /tmp/cp")
    assert machine.ok("stat -c '%a %u:%g' /tmp/cp/f /tmp/cp/a /tmp/cp/d") == "4711 0:0\n4711 12:34\n1777 5:0\n"
    machine.ok("rm -rf /tmp/cp")


@pytest.mark.host_is_enough  # the appliance's own busybox has other files
def test_root_of_a_running_container_without_what_the_kernel_makes(machine):
    machine.ok("docker run -d --name web busybox sleep 1000; rm -rf /tmp/cp")
    machine.ok("docker cp web:/ /tmp/cp")
    assert machine.ok("ls /tmp/cp/proc /tmp/cp/sys /tmp/cp/etc").split() == [
        "/tmp/cp/etc:", "group", "hostname", "hosts", "passwd", "resolv.conf", "/tmp/cp/proc:", "/tmp/cp/sys:"]
    machine.ok("rm -rf /tmp/cp")


def test_there_and_back(machine, web):
    """Holes, hard links, times to the nanosecond, attributes, devices, FIFOs, strange names: as they were."""
    machine.ok("""cd /tmp/cp && mkdir -p tree/deep/deeper && cd tree && echo f >f && ln f hard && ln -s f soft && ln -s /nowhere dangling
        mkfifo -m 600 fifo && mknod null c 1 3 && truncate -s 40M sparse && printf end | dd of=sparse bs=1 seek=20000000 conv=notrunc 2>/dev/null
        printf x >"$(printf 'a b\\nc\\377')" && printf x >deep/deeper/$(printf '%0200d' 7) && chmod 2755 deep && chmod 500 deep/deeper
        touch -h -d @1234567890.123456789 soft 2>/dev/null; touch -d @1234567890.123456789 f 2>/dev/null || touch -d @1234567890 f
        setfattr -n user.mine -v yes f 2>/dev/null; touch -d @987654321 deep/deeper deep .""")
    listing = ("find . | sort | while IFS= read -r n; do stat -c '%n %f %s %t,%T %h %Y' \"$n\" 2>/dev/null; done | grep -v fifo; "
               "stat -c %y f; cat f hard; readlink soft; readlink dangling; tail -c 21000000 sparse | sha256sum; "
               "getfattr -d f 2>/dev/null | grep -v '^#'; echo $(( $(stat -c %b sparse) < 1000 ))")
    machine.ok("docker cp -a /tmp/cp/tree web:/tree && docker cp -a web:/tree /tmp/cp/back")
    there = machine.ok(f"cd /tmp/cp/tree && {listing}")
    assert machine.ok(f"cd /tmp/cp/back && {listing}") == there
    assert there.endswith("1\n"), "holes are holes"
    assert "1234567890" in there
    assert machine.ok("cd /tmp/cp/back && stat -c %i f hard | uniq | wc -l") == "1\n"


def test_capabilities_of_a_file(machine, web):
    """security.capability, VFS_CAP_REVISION_2 with CAP_NET_RAW permitted and effective."""
    raw = bytes.fromhex("0100000200200000" + "00" * 12)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT, encoding="utf-8", errors="surrogateescape") as tar:
        info, data = entry("ping", data=b"x", mode=0o755, pax={"SCHILY.xattr.security.capability": raw.decode("latin-1")})
        tar.addfile(info, io.BytesIO(data))
    path = machine.put("caps.tar", out.getvalue())
    machine.ok(f"docker cp - web:/ <{path}")
    back = machine.ok("docker cp web:/ping - | od -An -c | tr -d ' \\n'")
    assert "SCHILY.xattr.security.capability" in back


# ---- Symbolic links

def test_links_as_sources(machine, web):
    machine.ok("""cd /tmp/cp && mkdir t && echo local >t/f && ln -s t/f file && ln -s t folder
        docker cp t web:/tmp/t && docker cp file web:/tmp/file && docker cp folder web:/tmp/folder""")
    # the link, not what it leads to; with -L or a slash behind, the other way round
    machine.ok("cd /tmp/cp && docker cp -L file web:/tmp/file2 && docker cp -L folder web:/tmp/folder2 && docker cp folder/ web:/tmp/folder3")
    machine.ok("cd /tmp/cp && docker cp web:/tmp/file out && docker cp -L web:/tmp/file2 out2 && docker cp web:/tmp/folder/. out3")
    assert machine.ok("cd /tmp/cp && readlink out; cat out2 out3/f") == "t/f\nlocal\nlocal\n"
    assert web.look("cd /tmp; readlink file; readlink folder; cat file2 folder2/f folder3/f") == "t/f\nt\nlocal\nlocal\nlocal\n"


@pytest.mark.host_is_enough  # the appliance's own busybox has no group extra
def test_links_of_a_container_lead_where_they_lead_in_it(machine, web):
    machine.ok("""cd /tmp/cp && mkdir t && ln -s /etc/passwd t/abs && ln -s ../../../../../../etc t/up && docker cp t web:/
        echo machine >/tmp/cp/passwd""")
    assert machine.ok("docker cp -L web:/t/abs - | tar xO").startswith("root:x:0:0:root:/root:/bin/sh")
    assert machine.ok("docker cp web:/t/up/group - | tar xO").endswith("extra:x:2000:worker\n")
    machine.ok("docker cp /tmp/cp/passwd web:/t/abs; docker cp /tmp/cp/passwd web:/t/up/new")
    assert web.look("cat /etc/new; cat /etc/passwd; readlink /t/abs") == "machine\nmachine\n/etc/passwd\n"
    assert machine.run("test -e /etc/new").status != 0


def test_links_as_destinations(machine, web):
    machine.ok("""cd /tmp/cp && mkdir real && ln -s real to-folder && ln -s real/file to-nothing && echo old >old && ln -s old to-file
        for d in to-folder to-nothing to-file; do docker cp web:/etc/passwd $d; done""")
    assert machine.ok("cd /tmp/cp && head -qn 1 real/passwd real/file old | sort -u && ls -l | grep -c -- '->'").endswith("3\n")


# ---- Archives

def test_archive_out(machine, web):
    names = machine.ok("docker cp web:/etc - | tar t").split()
    assert names[0] == "etc/" and "etc/passwd" in names
    assert machine.ok("docker cp web:/etc/. - | tar t").split()[0].endswith("group")
    assert machine.ok("docker cp web:/etc/passwd - | tar t") == "passwd\n"
    assert machine.ok("docker cp -L web:/bin/sh - | tar xO | wc -c") != "0\n"


@pytest.mark.parametrize("filter", ["cat", "gzip"])
def test_archive_in(machine, web, filter):
    data = archive.layer(folder("d", uid=5), entry("d/f", data=b"from a tar\n", uid=1000, gid=7, mode=0o600), symlink("d/l", "f"),
                         entry("no/parents/here", data=b"x"))
    path = machine.put("in.tar", data)
    machine.ok(f"{filter} <{path} | docker cp - web:/tmp")
    assert web.look("cat /tmp/d/l; stat -c \"%u:%g %a\" /tmp/d/f; ls /tmp/no/parents") == "from a tar\n1000:7 600\nhere\n"


@pytest.mark.host_is_enough
def test_archive_with_padding_does_not_break_its_writer(machine):
    machine.ok("docker create --name web busybox")
    assert machine.ok("mkdir -p /tmp/cp; cd /tmp/cp; (tar cb 4000 /etc/passwd 2>/dev/null; echo $? >&2) 2>st | docker cp - web:/; cat st; cd /; rm -rf /tmp/cp") == "0\n"


# ---- What is refused, and how

@pytest.mark.host_is_enough
@pytest.mark.parametrize("words, message", [
    ("web:/a web:/b", "copying between containers is not supported"),
    ("web:/a other:/b", "copying between containers is not supported"),
    ("/a /b", "must specify at least one container source"),
    ("./a:b ./c:d", "must specify at least one container source"),
    ("'' web:/", "source can not be empty"),
    ("web:/etc ''", "destination can not be empty"),
    ("web:/missing /tmp/cp", "Could not find the file /missing in container web"),
    ("web:/etc/passwd/x /tmp/cp", "Could not find the file /etc/passwd/x in container web"),
    ("web:/etc/passwd/ /tmp/cp", "/etc/passwd: not a directory"),
    ("web:/etc/passwd /tmp/cp/missing/", "no such directory"),
    ("web:/etc/passwd /tmp/cp/missing/name", 'invalid output path: directory "/tmp/cp/missing" does not exist'),
    ("web:/etc /tmp/cp/file", "cannot copy directory"),
    ("web:/etc/passwd /tmp/cp/file/", "not a directory"),
    ("web:/etc/passwd /dev/null", 'invalid output path: "/dev/null" must be a directory or a regular file: got a device'),
    ("/tmp/cp/missing web:/", "/tmp/cp/missing: No such file or directory"),
    ("/tmp/cp/file/ web:/", "/tmp/cp/file"),
    ("/tmp/cp/file web:/no/such", "Could not find the file /no in container web"),
    ("/tmp/cp/file web:/new/", "no such directory"),
    ("/tmp/cp/file web:/etc/passwd/", "not a directory"),
    ("/tmp/cp web:/etc/passwd", "cannot copy directory"),
    ("- web:/etc/passwd", 'destination "web:/etc/passwd" must be a directory'),
    ("- web:/missing", 'destination "web:/missing" must be a directory'),
    ("/tmp/cp/file nobody:/", "No such container: nobody"),
    ("nobody:/etc /tmp/cp", "No such container: nobody"),
    ("/tmp/cp/loop/x web:/", "/tmp/cp/loop/x"),
])
def test_refused(stopped, words, message):
    stopped.ok("echo x >/tmp/cp/file; ln -s loop /tmp/cp/loop")
    refused(stopped, f"docker cp {words} </dev/null", message)
    assert stopped.ok("ls /tmp/cp").split() == ["file", "loop"], "nothing half-written"


@pytest.mark.host_is_enough
@pytest.mark.parametrize("words", ["web:/etc", "web:/etc /tmp /tmp", "", "-x web:/ /tmp", "-aq"])
def test_words_that_make_no_sense(stopped, words):
    assert "See 'docker cp --help'" in refused(stopped, f"docker cp {words}", "", 125)


def test_types_that_do_not_fit(machine, web):
    machine.ok("mkdir -p /tmp/cp/t/bin; echo x >/tmp/cp/t/etc")
    refused(machine, "docker cp /tmp/cp/t/. web:/", "cannot overwrite directory")
    machine.ok("rm /tmp/cp/t/etc; mkdir -p /tmp/cp/t/etc/passwd")
    refused(machine, "docker cp /tmp/cp/t/. web:/", "cannot overwrite non-directory")
    assert web.look("head -n 1 /etc/passwd").startswith("root:")


@pytest.mark.host_is_enough
@pytest.mark.parametrize("path", ["/proc/cpuinfo", "/sys/kernel/mm/transparent_hugepage/enabled"])
def test_files_without_a_true_size_are_no_sources(stopped, path):
    """Else they would arrive empty, or with zeros behind."""
    refused(stopped, f"docker cp {path} web:/", f"{path}: the kernel does not tell its size")


@pytest.mark.host_is_enough
def test_sockets_are_no_sources(stopped):
    stopped.ok("cd /tmp/cp && python3 -c \"import socket; socket.socket(socket.AF_UNIX).bind('s')\"")
    refused(stopped, "docker cp /tmp/cp/s web:/", "/tmp/cp/s is a socket")
    stopped.ok("docker cp /tmp/cp web:/tmp")
    assert stopped.ok("docker cp web:/tmp/cp - | tar t") == "cp/\n", "in a folder they are passed over"


def test_kernel_files_are_neither_sources_nor_destinations(machine):
    machine.ok("docker run -d --name web busybox sleep 1000; echo x >/tmp/cp-x")
    for path in ("/proc/1/environ", "/proc", "/sys/kernel", "/proc/self/root/etc/passwd"):
        refused(machine, f"docker cp web:{path} /tmp/cp-s", f"Could not find the file {path} in container web")
        refused(machine, f"docker cp /tmp/cp-x web:{path}", "Could not find the file")
    machine.ok("rm /tmp/cp-x; test ! -e /tmp/cp-s")


def test_read_only_container(machine):
    machine.ok("docker run -d --read-only --name web busybox sleep 1000; docker create --read-only --name off busybox")
    for name in ("web", "off"):
        assert machine.ok(f"docker cp {name}:/etc/passwd - | tar t") == "passwd\n"
        refused(machine, f"docker cp /etc/passwd {name}:/new", "container rootfs is marked read-only")


# ---- What it says

def test_says_what_it_did_on_a_terminal(machine):
    machine.ok("docker create --name web busybox; dd if=/dev/zero of=/tmp/cp-f bs=1500 count=1 2>/dev/null")
    for words, expected in [("/tmp/cp-f web:/x", "Successfully copied 1.5kB to web:/x\n"),
                            ("web:/x /tmp/cp-g", "Successfully copied 1.5kB to /tmp/cp-g\n"),
                            ("-q /tmp/cp-f web:/x", "")]:
        with machine.spawn(f"docker cp {words}") as session:
            assert session.end() == 0
            assert session.rest == expected
    result = machine.split("docker cp /tmp/cp-f web:/x")
    assert result.out == result.err == "", "nothing where no terminal is"
    assert "Successfully" in machine.split("docker cp -q=false /tmp/cp-f web:/x; rm -f /tmp/cp-f /tmp/cp-g").err


@pytest.mark.host_is_enough
def test_no_archive_on_a_terminal(machine):
    machine.ok("docker create --name web busybox")
    with machine.spawn("docker cp web:/etc -") as session:
        assert session.end() == 1
        assert "terminal" in session.rest and session.rest.count("\n") == 1


@pytest.mark.host_is_enough
def test_object_verb_spelling_and_help(stopped):
    assert stopped.ok("docker container cp web:/etc/passwd - | tar t") == "passwd\n"
    text = stopped.ok("docker cp --help")
    assert text == stopped.ok("docker container cp --help")
    assert "\tdocker cp [OPTIONS] SRC_PATH|- CONTAINER:DEST_PATH\n" in text
    for option in ("-a, --archive", "-L, --follow-link", "-q, --quiet"):
        assert option in text


# ---- Beside others

def test_nothing_of_it_is_left(clean):
    clean.ok("docker create --name off busybox; docker run -d --name on busybox sleep 1000")
    for name in ("on", "off"):
        clean.ok(f"docker cp {name}:/etc - | tar t; docker cp /etc/passwd {name}:/x; rm -rf /tmp/cp; docker cp {name}:/bin /tmp/cp")
    clean.ok("rm -rf /tmp/cp")
    assert not [l for l in clean.ok("cat /proc/self/mountinfo").splitlines() if " - overlay " in l and clean.store in l]


@pytest.mark.host_is_enough  # 200 MB more than the appliance's memory, where /tmp is
def test_killed_in_the_middle(clean):
    """SIGKILL leaves no mount, no lock; what was being copied may be there in part."""
    clean.ok("docker create --name off busybox; truncate -s 3G /tmp/cp-big; dd if=/dev/zero of=/tmp/cp-big bs=1M count=200 conv=notrunc 2>/dev/null")
    clean.ok("docker cp /tmp/cp-big off:/big & sleep 0.3; kill -9 $!; wait; true")
    clean.ok("docker cp off:/etc - | tar t; docker start off")
    assert "overlay" not in [l.split(" - ")[1].split()[0] for l in clean.ok("cat /proc/self/mountinfo").splitlines()
                             if clean.store in l]
    clean.ok("rm /tmp/cp-big")


def test_several_at_once(machine):
    machine.ok("docker create --name web busybox; rm -rf /tmp/cp; mkdir /tmp/cp")
    machine.ok("for i in 1 2 3 4 5 6; do echo $i >/tmp/cp/$i; done; "
               "for i in 1 2 3 4 5 6; do docker cp /tmp/cp/$i web:/tmp/ & docker cp web:/etc/passwd /tmp/cp/out$i & done; wait")
    assert machine.ok("docker cp web:/tmp/. - | tar xO | sort") == "1\n2\n3\n4\n5\n6\n"
    assert machine.ok("cat /tmp/cp/out* | grep -c ^root:; rm -rf /tmp/cp") == "6\n"


def test_stopped_container_is_neither_started_nor_removed_meanwhile(machine):
    machine.ok("docker create --name web busybox sleep 1000; rm -f /tmp/cp-fifo; mkfifo /tmp/cp-fifo")
    machine.ok("(docker cp web:/ - >/tmp/cp-fifo 2>/dev/null &); exec 9</tmp/cp-fifo; head -c 1000 <&9 >/dev/null; "
               "docker start web >/tmp/cp-start 2>&1; echo $? >>/tmp/cp-start; docker rm web >/tmp/cp-rm 2>&1; echo $? >>/tmp/cp-rm; "
               "cat <&9 >/dev/null; exec 9<&-")
    for name in ("start", "rm"):
        said = machine.ok(f"cat /tmp/cp-{name}; rm /tmp/cp-{name}")
        assert "in use" in said and said.endswith("1\n"), said
    machine.ok("docker start web; rm -f /tmp/cp-fifo")
