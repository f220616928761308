# SPDX-License-Identifier: GPL-2.0-or-later
"""`docker cp` and `docker export` against a container that wants at the machine. What the machine must keep: /tmp/machine,
whose file says MACHINE. In a container of the same layout it says CONTAINER, so that either can be told by what comes out."""

import io
import pathlib
import subprocess
import tarfile

import pytest

import archive
import testbox
from archive import entry, folder, symlink

RACER = r"""
#define _GNU_SOURCE
#include <stdio.h>
#include <unistd.h>
#include <sys/syscall.h>
/* Exchanges the first name with each of the others in turn, for ever. */
int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	if (syscall(SYS_renameat2, -100, argv[1], -100, argv[2], 2)) {
		perror("renameat2");
		return 1;
	}
	puts("racing");
	fflush(stdout);
	for (int i = 2;; i = i + 1 < argc ? i + 1 : 2)
		syscall(SYS_renameat2, -100, argv[1], -100, argv[i], 2);
}
"""

HOSTILE = r"""
#include <fcntl.h>
#include <unistd.h>
__attribute__((constructor)) static void hostile(void)
{
	int fd = open("/tmp/loaded", O_WRONLY | O_CREAT, 0666);
	if (fd >= 0)
		close(fd);
}
"""


def compiled(folder, name, source, *flags):
    (folder / f"{name}.c").write_text(source)
    subprocess.run(["gcc", "-O2", "-o", folder / name, folder / f"{name}.c", *flags], check=True)
    return (folder / name).read_bytes()


@pytest.fixture(scope="module")
def hostile_image(tmp_path_factory):
    """BusyBox, the racer, and a libc's helpers as an attacker would have them, wherever one would look for them."""
    tmp = tmp_path_factory.mktemp("hostile")
    racer = compiled(tmp, "racer", RACER, "-static")
    library = compiled(tmp, "hostile.so", HOSTILE, "-shared", "-fPIC")
    members = [folder("tmp/machine"), entry("tmp/machine/secret", data=b"CONTAINER\n"), folder("race"),
               entry("bin/racer", data=racer, mode=0o755), entry("etc/ld.so.preload", data=b"/lib/hostile.so\n"),
               entry("etc/nsswitch.conf", data=b"passwd: files\ngroup: files\nhosts: files\n"), folder("lib")]
    names = ["hostile.so", "libnss_files.so.2", "libnss_compat.so.2", "libnss_dns.so.2", "libnss_hesiod.so.2", "gconv/UTF-16.so"]
    for where in ("lib", "lib64", "usr/lib", "lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu"):
        members += [entry(f"{where}/{name}", data=library, mode=0o755) for name in names]
    image = archive.Image([archive.layer(*testbox._base()), archive.layer(*members)], {"Env": ["PATH=/bin"], "Cmd": ["sh"]})
    return archive.docker_archive(tmp / "hostile.tar", image, ["hostile:latest"]), library


@pytest.fixture
def evil(machine, hostile_image):
    """The container evil, running, and the machine's file that it wants."""
    machine.ok(f"docker images | grep -q hostile || docker load -i {machine.link(hostile_image[0])}")
    machine.ok("rm -rf /tmp/machine /tmp/cp; mkdir -p /tmp/machine /tmp/cp; echo MACHINE >/tmp/machine/secret")
    machine.ok("docker run -d --name evil hostile sleep 1000")
    yield machine
    assert machine.ok("cat /tmp/machine/secret; ls -A /tmp/machine") == "MACHINE\nsecret\n", "the machine was written to"
    machine.run("rm -rf /tmp/machine /tmp/cp")


def runs(machine):
    """How often a race is tried: emulated, each takes longer."""
    return 120 if machine.name == "host" else 30


def racing(machine, *names):
    machine.ok(f"docker exec -d evil racer {' '.join(names)}")


# ---- CVE-2018-15664: a name that is a folder when it is checked and a link when it is used

@pytest.mark.host_is_enough  # a race wants speed: emulated, few rounds fit into the time
@pytest.mark.parametrize("target", ["/tmp/machine", "../../../../../../tmp/machine", "/proc/1/root/tmp/machine", "/proc/self/cwd"])
def test_race_out(evil, target):
    """Read through a folder that is exchanged for a link all the time: what comes out is the container's, or nothing."""
    evil.ok(f"docker exec evil sh -c 'mkdir /race/a; echo CONTAINER > /race/a/secret; ln -s {target} /race/b'")
    racing(evil, "/race/a", "/race/b")
    # a link that came out may lead to the machine's file: only files are looked into
    out = evil.ok(f"for i in $(seq {runs(evil)}); do docker cp evil:/race/a/secret - 2>/dev/null | tar xO 2>/dev/null; "
                  "rm -rf /tmp/cp/d; docker cp evil:/race /tmp/cp/d 2>/dev/null; find /tmp/cp/d -type f -exec cat {} +; done | sort -u",
                  timeout=600)
    assert out == "CONTAINER\n"


@pytest.mark.host_is_enough  # a race wants speed: emulated, few rounds fit into the time
@pytest.mark.parametrize("target", ["/tmp/machine", "../../../../../../tmp/machine"])
def test_race_in(evil, target):
    """Written through one. The machine's file is looked at by the fixture."""
    evil.ok(f"docker exec evil sh -c 'mkdir /race/a; ln -s {target} /race/b'")
    evil.ok("mkdir -p /tmp/cp/a; echo EVIL >/tmp/cp/secret; echo EVIL >/tmp/cp/a/secret; echo EVIL >/tmp/cp/a/more")
    racing(evil, "/race/a", "/race/b")
    evil.ok(f"for i in $(seq {runs(evil)}); do docker cp /tmp/cp/secret evil:/race/a/secret; docker cp /tmp/cp/a evil:/race; "
            "docker cp /tmp/cp/a/. evil:/race/a; tar c -C /tmp/cp a | docker cp - evil:/race; done >/dev/null 2>&1; true", timeout=600)
    assert evil.ok("cat /tmp/machine/secret") == "MACHINE\n"
    # and something did come in
    assert "EVIL" in evil.ok("docker exec evil sh -c 'cat /tmp/machine/* /race/*/*'")


@pytest.mark.host_is_enough  # a race wants speed: emulated, few rounds fit into the time
def test_race_of_files(evil):
    """The same with the file itself: a link to a device and one to the machine's file, in a file's place."""
    evil.ok("docker exec evil sh -c 'echo CONTAINER > /race/f; ln -s /tmp/machine/secret /race/l; mkfifo /race/p; mkdir /race/d; mknod /race/d/kmsg c 1 11'")
    racing(evil, "/race/f", "/race/l", "/race/p", "/race/d/kmsg")
    out = evil.ok(f"for i in $(seq {runs(evil) // 2}); do timeout 20 docker cp evil:/race/f - | tar xO 2>/dev/null; test $? != 124 || echo STUCK; "
                  "done | sort -u", timeout=600)
    assert set(out.split()) <= {"CONTAINER"}, out


@pytest.mark.host_is_enough  # a race wants speed: emulated, few rounds fit into the time
def test_race_of_exports(evil):
    evil.ok("docker exec evil sh -c 'mkdir /race/a; echo CONTAINER > /race/a/secret; ln -s /tmp/machine /race/b'")
    racing(evil, "/race/a", "/race/b")
    out = evil.ok(f"for i in $(seq {runs(evil) // 10}); do docker export evil | tar xO race tmp/machine 2>/dev/null; done | sort -u", timeout=600)
    assert set(out.split()) <= {"CONTAINER"}, out


# ---- CVE-2019-14271: the copying process loads what the container has in its root

def test_nothing_of_the_container_is_loaded(evil, hostile_image):
    evil.ok("rm -f /tmp/loaded; mkdir -p /tmp/cp/t; echo x >/tmp/cp/t/f; chown 4242:4242 /tmp/cp/t/f")
    for words in ("/tmp/cp/t evil:/tmp/t", "-a /tmp/cp/t evil:/tmp/t2", "-a evil:/tmp/t2 /tmp/cp/out", "-L evil:/etc/ld.so.preload /tmp/cp/p"):
        evil.ok(f"docker cp {words}")
    evil.ok("tar c -C /tmp/cp t | docker cp - evil:/tmp; docker export evil >/dev/null; docker cp evil:/etc - >/dev/null")
    assert evil.run("test -e /tmp/loaded").status != 0
    assert evil.run("docker exec evil test -e /tmp/loaded").status != 0


@pytest.mark.host_is_enough
def test_the_hostile_library_would_tell(evil, hostile_image, tmp_path):
    """That the test before can fail: what loads the library leaves its mark."""
    (tmp_path / "l.so").write_bytes(hostile_image[1])
    evil.ok(f"rm -f /tmp/loaded; LD_PRELOAD={tmp_path}/l.so ls / >/dev/null; rm /tmp/loaded")


@pytest.mark.host_is_enough
def test_there_is_no_loader_to_be_led_astray(machine):
    """A static program: no interpreter, so no preloading, no NSS, no iconv."""
    data = pathlib.Path(machine.binary).read_bytes()
    assert b"ld-linux" not in data and b"ld-musl" not in data
    assert "INTERP" not in subprocess.run(["readelf", "-lW", machine.binary], stdout=subprocess.PIPE, text=True, check=True).stdout


# ---- What a container may have lying about

def test_links_do_not_lead_out(evil):
    evil.ok("docker exec evil sh -c 'ln -s /tmp/machine /a; ln -s ../../../../../../../../tmp/machine /u; "
            "ln -s /proc/self/root/tmp/machine /m; ln -s /proc/1/cwd/tmp/machine /c; ln -s loop /loop; ln -s /x/../x /x'")
    for path in ("/a/secret", "/u/secret", "/../../../tmp/machine/secret", "/a/../tmp/machine/secret", "tmp/machine/secret"):
        assert evil.ok(f"docker cp evil:{path} - | tar xO") == "CONTAINER\n", path
    for path in ("/m/secret", "/c/secret", "/proc/1/root/tmp/machine/secret", "/proc/self/cwd", "/dev/fd/3", "/loop/x", "/x"):
        result = evil.run(f"docker cp -L evil:{path} - | tar xO")
        assert "MACHINE" not in result.out, path
    evil.ok("echo EVIL >/tmp/cp/secret")
    for path in ("/a/secret", "/u/secret", "/a", "/u/", "/../tmp/machine/secret"):
        evil.ok(f"docker cp /tmp/cp/secret evil:{path}")
    for path in ("/m/secret", "/c/secret", "/loop", "/loop/x", "/x"):
        assert evil.run(f"docker cp /tmp/cp/secret evil:{path}").status == 1, path
    assert evil.ok("docker exec evil cat /tmp/machine/secret") == "EVIL\n"


def test_links_among_what_is_copied_out(evil):
    """They come out as links, and nothing is written through them."""
    evil.ok("docker exec evil sh -c 'mkdir -p /t/a /t/b; ln -s /tmp/machine /t/a/link; ln -s /tmp/machine/secret /t/a/file; mkdir /t/b/link; "
            "echo EVIL > /t/b/link/secret; echo EVIL > /t/b/file'")
    evil.ok("mkdir /tmp/cp/d; docker cp evil:/t/a/. /tmp/cp/d")
    assert evil.ok("readlink /tmp/cp/d/link; readlink /tmp/cp/d/file") == "/tmp/machine\n/tmp/machine/secret\n"
    # the second time the links are there already: a folder is refused, a file replaces its link
    result = evil.split("docker cp evil:/t/b/. /tmp/cp/d")
    assert result.status == 1 and "cannot overwrite non-directory" in result.err or "EVIL" in evil.ok("cat /tmp/cp/d/file")
    evil.ok("rm /tmp/cp/d/file; ln -s /tmp/machine/secret /tmp/cp/d/file; docker cp evil:/t/b/file /tmp/cp/d/new; docker cp evil:/t/b/file /tmp/cp/d")


def test_a_link_that_the_person_made_is_followed(evil):
    """The destination's own path is the machine's, and not the container's to choose."""
    evil.ok("mkdir /tmp/cp/real; ln -s /tmp/cp/real /tmp/cp/mine; docker cp evil:/tmp/machine/secret /tmp/cp/mine/")
    assert evil.ok("cat /tmp/cp/real/secret") == "CONTAINER\n"


def test_fifos_and_devices(evil):
    evil.ok("docker exec evil sh -c 'mkdir /t; mkfifo /t/p; mknod /t/c c 1 3; mknod /t/b b 7 0; echo x > /t/f'")
    evil.ok("timeout 30 docker cp evil:/t /tmp/cp/t")
    assert evil.ok("cd /tmp/cp/t && stat -c '%n %F' *") == ("b block special file\nc character special file\nf regular file\np fifo\n")
    # as sources by themselves, as destinations
    evil.ok("timeout 30 docker cp evil:/t/p /tmp/cp/p; timeout 30 docker cp /tmp/cp/p evil:/t/p2; echo EVIL >/tmp/cp/x")
    for device in ("/t/c", "/t/b", "/dev/null"):
        result = evil.split(f"timeout 30 docker cp /tmp/cp/x evil:{device}")
        assert result.status == 1 and "must be a directory or a regular file: got a device" in result.err
    evil.ok("timeout 30 docker cp /tmp/cp/x evil:/t/p")
    assert evil.ok("docker exec evil cat /t/p") == "EVIL\n"


def test_a_mount_is_not_replaced(evil):
    """Replacing what something is mounted on would unmount it, for rename(2) asks about one's own namespace alone."""
    before = evil.ok("docker exec evil cat /etc/hosts")
    evil.ok("echo EVIL >/tmp/cp/hosts; mkdir /tmp/cp/etc; echo EVIL >/tmp/cp/etc/hosts")
    for words in ("/tmp/cp/hosts evil:/etc/hosts", "/tmp/cp/hosts evil:/etc", "/tmp/cp/etc/. evil:/etc"):
        result = evil.split(f"docker cp {words}")
        assert result.status == 1 and "device or resource busy" in result.err
    assert evil.ok("docker exec evil cat /etc/hosts") == before
    assert evil.ok("docker exec evil grep -c ' /etc/hosts ' /proc/mounts") == "1\n"


def test_chroot_of_the_first_process_does_not_matter(machine):
    machine.ok("docker run -d --name web busybox sh -c 'mkdir -p /jail/bin /jail/etc; cp /bin/busybox /jail/bin; echo JAIL > /jail/etc/passwd; "
               "exec chroot /jail /bin/busybox sleep 1000'")
    machine.until("docker exec web cat /proc/1/comm", "busybox")
    assert machine.ok("docker cp web:/etc/passwd - | tar xO").startswith("root:")
    assert machine.ok("docker cp web:/jail/etc/passwd - | tar xO") == "JAIL\n"


# ---- Archives that are not to be trusted

def archive_of(*members):
    return archive.layer(*members)


TARS = {
    "up": ([entry("../../../../tmp/machine/secret", data=b"EVIL\n")], "is outside of"),
    "up in the middle": ([entry("a/../../../tmp/machine/secret", data=b"EVIL\n")], "is outside of"),
    "hard link up": ([entry("h", tarfile.LNKTYPE, link="../../../tmp/machine/secret")], "invalid hardlink"),
    "hard link to nothing": ([entry("h", tarfile.LNKTYPE, link="nothing")], "invalid hardlink"),
    "link then through it": ([symlink("l", "/no/such/folder/../.."), entry("l/x/secret", data=b"EVIL\n")], None),
    "absolute": ([entry("/tmp/machine/secret", data=b"EVIL\n")], None),
    "hard link absolute": ([entry("f", data=b"x"), entry("h", tarfile.LNKTYPE, link="/f")], None),
    "hard link through a link": ([symlink("l", "/tmp/machine"), entry("h", tarfile.LNKTYPE, link="l/secret"), entry("h", data=b"EVIL\n")], None),
    "link, then write through": ([symlink("l", "/tmp/machine"), entry("l/secret", data=b"EVIL\n")], None),
    "link upward, then write through": ([symlink("l", "../" * 20 + "tmp/machine"), entry("l/secret", data=b"EVIL\n")], None),
    "link to /proc": ([symlink("l", "/proc/1/root"), entry("l/tmp/machine/secret", data=b"EVIL\n")], ""),
    "link to descriptors": ([symlink("l", "/proc/self/fd"), entry("l/3/tmp/machine/secret", data=b"EVIL\n")], ""),
    "whiteout device": ([entry("w", tarfile.CHRTYPE, dev=(0, 0))], ""),
    "deep": ([entry("d/" * 1900 + "f", data=b"x")], None),
    "too deep": ([entry("d/" * 3000 + "f", data=b"x")], "too long"),
}


@pytest.mark.parametrize("which", TARS, ids=lambda w: w.replace(" ", "-"))
def test_archive(evil, which):
    members, words = TARS[which]
    path = evil.put("evil.tar", archive_of(*members))
    evil.ok("docker create --name off hostile")
    for name in ("evil", "off"):
        result = evil.split(f"docker cp - {name}:/race <{path}")
        # /proc of a container that does not run is a folder like any other
        if words is None or name == "off" and words == "":
            assert result.status in (0, 1), result
        else:
            assert result.status == 1 and words in result.err and result.err.count("\n") == 1, result
    evil.ok("docker exec evil true; docker rm off")


@pytest.mark.parametrize("size", [1 << 40, 1 << 50, (1 << 63) - 1024])
def test_archive_with_a_huge_size(evil, size):
    info, _ = entry("huge")
    info.size = size
    path = evil.put("huge.tar", info.tobuf(tarfile.GNU_FORMAT) + b"only this")
    result = evil.split(f"docker cp - evil:/race <{path}")
    assert result.status == 1 and "damaged" in result.err
    assert evil.ok("docker exec evil ls -A /race") == ""


def test_a_file_of_nothing_but_a_hole(evil):
    """Eight TiB, of which none is there: nobody has to write or read them."""
    evil.ok("docker exec evil truncate -s 8796093022208 /race/hole")
    evil.ok("timeout 60 docker cp evil:/race/hole /tmp/cp/hole")
    assert evil.ok("test $(stat -c %b /tmp/cp/hole) -lt 1000 && stat -c %s /tmp/cp/hole") == "8796093022208\n"
    evil.ok("timeout 60 docker cp /tmp/cp/hole evil:/tmp/hole; rm /tmp/cp/hole")


@pytest.mark.host_is_enough
@pytest.mark.parametrize("data, words", [
    (b"no tar at all, but long enough to be looked at as one\n" * 20, "damaged tar archive"),
    (b"x", "damaged tar archive"),
    (b"\x1f\x8b\x08\x00broken", ""),
])
def test_no_archive(evil, data, words):
    path = evil.put("none.tar", data)
    result = evil.split(f"docker cp - evil:/race <{path}")
    assert result.status == 1 and words in result.err and result.err.count("\n") == 1
