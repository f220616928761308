# SPDX-License-Identifier: GPL-2.0-or-later
"""Several commands at once: none of them waits for another's long work, nothing is lost, the store is whole afterwards."""

import os
import random
import subprocess
import threading
import time

import pytest

import archive
import host
import model

SOON = 5  # seconds that a command may take while another is busy: it takes a hundredth of that on a quiet machine


@pytest.fixture
def shop(request, place, tmp_path):
    """A store of its own with kept:1 in it, and what to load."""
    if os.getuid() != 0:
        pytest.skip("needs root: containers are made on this machine")
    made = host.Host(request.config.getoption("--knarr"), keep=request.config.rootpath.parents[1] / "build/test/vm/concurrency.log")
    path, _ = model.kept(tmp_path, made.link)
    made.ok(f"docker load -i {path}")
    made.material = model.Material(tmp_path, made.link, 1, count=6, noise=1 << 20)
    yield made
    left = made.close()
    assert not left, "left behind:\n" + "\n".join(left)


def clean(machine):
    result = machine.run("docker fsck -q")
    assert result.status == 0 and not result.out, result.out
    assert machine.ok(f"ls -A {machine.store}/tmp") == ""


@pytest.mark.host_is_enough
def test_a_stalled_load_holds_nobody_up(shop, tmp_path):
    """The writer into a load's standard input stops in the middle of a layer."""
    noise = archive.layer(archive.entry("noise", data=random.Random(1).randbytes(8 << 20)))
    image = archive.Image([noise])
    data = archive.docker_archive(tmp_path / "slow.tar", image, ["slow:1"]).read_bytes()
    load = subprocess.Popen([shop.binary, "load"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            env=shop.env, cwd="/")
    load.stdin.write(data[:4 << 20])
    load.stdin.flush()
    commands = ["docker images", "docker run --rm kept:1", f"docker load -i {shop.material.archives[0][0]}",
                "docker run -d --name beside kept:1 sleep 1000", "docker exec beside true", "docker rm -f beside", "docker fsck -q"]
    if shop.run("docker tag --help").status == 0:
        commands += ["docker tag kept:1 again:1", "docker rmi again:1", "docker rmi image0:1 image0:two moving:1",
                     "docker image prune -f", "docker system prune -f"]
    if shop.run("docker commit --help").status == 0:
        commands += ["docker run --name changed kept:1 true", "docker commit changed new:1", "docker rm changed"]
    for command in commands:
        begun = time.monotonic()
        shop.ok(command)
        took = time.monotonic() - begun
        assert took < SOON, f"{command} took {took:.1f} s while a load waited for its input"
    load.stdin.write(data[4 << 20:])
    load.stdin.close()
    assert load.stdout.read() == b"Loaded image: slow:1\n" and load.wait() == 0
    assert ("slow:1", "sha256:" + image.id) in shop.images()
    clean(shop)


@pytest.mark.host_is_enough
def test_the_same_image_eight_times_at_once(shop):
    path, images = shop.material.archives[0]
    out = shop.ok(" & ".join([f"docker load -i {path}"] * 8) + " & wait")
    assert out.count("Loaded image: image0:1") == 8
    assert [i for i in shop.images() if i[0] == "image0:1"] == [("image0:1", "sha256:" + images[0][0].id)]
    clean(shop)


@pytest.mark.host_is_enough
def test_different_images_at_once(shop):
    """Every one of them is there afterwards: no writer of tags.json overwrites another's."""
    paths = [path for path, _ in shop.material.archives]
    shop.ok(" & ".join(f"docker load -q -i {path}" for path in paths * 2) + " & wait")
    there = dict(shop.images())
    for _, images in shop.material.archives:
        for image, names in images:
            for name in names:
                assert name in there and (name.startswith("moving") or there[name] == "sha256:" + image.id)
    clean(shop)


# What one of several at once may say: another was there first.
EXPECTED = ("not found", "No such image", "is using its", "being used", "Conflict", "already in use", "No such container",
            "must be forced", "cannot be forced", "in progress", "is not in the store", "in use by another command", "reference does not exist")


@pytest.mark.host_is_enough
def test_everything_at_once(shop):
    """For some seconds four hands at once, each with commands of its own: whatever they do to each other, each either does
    it or says why not in a line, and the store is whole."""
    seed = model.seed()
    has = {k: shop.run(f"docker {k} --help").status == 0 for k in ("tag", "rmi", "commit", "save", "import")}
    failures = []

    def work(number):
        rng = random.Random(seed + number)
        for n in range(25):
            path, images = rng.choice(shop.material.archives)
            name = rng.choice(images)[1][0]
            choices = [f"docker load -q -i {path}", f"docker run --rm {name} true", "docker images -q",
                       f"docker run --name c{number} {name} sh -c 'echo x > /x'; docker rm c{number}", "docker fsck -q"]
            if has["tag"]:
                choices += [f"docker tag {name} mine{rng.randrange(3)}:1"]
            if has["rmi"]:
                choices += [f"docker rmi {name}", f"docker rmi -f mine{rng.randrange(3)}:1", "docker image prune -f"]
            if has["commit"]:
                choices += [f"docker run --name k{number} kept:1 touch /y; docker commit k{number} mine{number}:1; docker rm k{number}"]
            if has["save"]:
                choices += [f"docker save -o {shop.share}/saved{number}.tar {name}"]
            if has["import"]:
                choices += [f"docker import {shop.material.root} mine{number}:2"]
            command = rng.choice(choices)
            result = _run(shop, command)
            bad = [l for l in result.out.splitlines() if ":" in l and l.startswith("docker:") and not any(w in l for w in EXPECTED)]
            if bad or "fsck" in command and result.status:
                failures.append(f"KNARR_SEED={seed}, hand {number}, command {n}: {command} ended with {result.status}:\n{result.out}")

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, "\n".join(failures)
    shop.remove_containers()
    clean(shop)
    # all that is listed can be used
    for name, _ in shop.images():
        if not name.startswith("<none>"):
            shop.ok(f"docker run --rm {name} true")


def _run(shop, command):
    """As machine.run, without its log, which belongs to one thread."""
    done = subprocess.run(["sh", "-c", command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env=shop.env, cwd="/", timeout=120, text=True, errors="replace", check=False)
    return host.machine.Result(done.stdout, done.returncode)
