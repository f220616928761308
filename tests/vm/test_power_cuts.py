# SPDX-License-Identifier: GPL-2.0-or-later
"""A machine that loses its power while commands change the store. Two ways:

- The disk's own: QEMU writes down all that the guest sends to its disk, and for moments at random a disk is made that holds
  what must be there (all up to the last flush, disklog.py) and of the rest all, nothing or some. This is the strong one: it
  finds what was said before it was synced, and what relies on writes that came in order.
- QEMU killed outright, and the appliance booted again from the same disk. QEMU's disk is this machine's page cache, which
  survives: the guest's own cache is lost and nothing else. It proves the boot, the journal's replay and what is cleaned."""

import os
import random
import subprocess
import time

import pexpect

import disklog
import host
import model


def prepare(boot, folder):
    """A disk with the image kept:1 and the container of it; the appliance is off again. Returns its file, the state, and
    what to load (in the share of the machines to come)."""
    vm = boot(disk_size="1G")
    vm.log_in()
    path, image = model.kept(folder, vm.link)
    vm.ok(f"docker load -i {path}")
    vm.ok("docker run --name changed kept:1 sh -c 'seq 1 5000 > /changed; rm /etc/passwd'")
    rows = vm.images()
    state = model.State(dict(rows), {i for _, i in rows})
    state.names = {("kept-" + n if n.startswith("busybox") else n): i for n, i in state.names.items()}
    material = model.Material(folder, vm.link, 1, count=3, noise=1 << 20)
    has = {k: vm.run(f"docker {k} --help").status == 0 for k in ("load", "import", "run", "tag", "rmi", "commit", "save")}
    assert vm.power_off() == 0
    return vm, state, material, has


def rows_of(machine):
    return sorted(("kept-" + n if n.startswith("busybox") else n, i) for n, i in machine.images())


def test_disk_at_random_moments(boot, tmp_path, request):
    cuts = request.config.getoption("--power-cuts")
    seed = model.seed()
    rng = random.Random(seed)
    vm, state, material, has = prepare(boot, tmp_path)
    base, log = tmp_path / "base.img", tmp_path / "disk.log"
    disklog.copy_sparse(vm.disk, base)
    log.touch()
    vm = boot(disk=None, extra=disklog.qemu_words(vm.disk, log))
    vm.log_in()
    vm.ok("rm -f /mnt/share/saved.tar")
    steps = model.Steps(material, rng, lambda k: has[k], "/tmp")
    # what each step made of the store, and how long the log was when it was reported
    history = [(os.path.getsize(log), state, None)]
    deadline = time.monotonic() + 60 + 2 * cuts
    for n in range(10 + cuts // 2):
        step = steps.next(state)
        vm.ok(step.command)
        state = step.after(state, rows_of(vm))
        history.append((os.path.getsize(log), state, step))
        if step.kind == "run":
            vm.ok("docker rm -f killed")
        # beside the images volumes come, with all that the image has at their place, and go
        if n % 3 == 0:
            vm.ok(f"docker create --name v{n} -v filled{n}:/bin kept:1 && docker rm v{n} && docker volume rm -f filled{n - 3}")
        if time.monotonic() > deadline:
            break
    vm.kill()
    with_log = disklog.Log(log)
    # the moments at which something is under way, each disk only a little older than the one before
    chosen = sorted(rng.sample(range(1, len(with_log.entries)), min(cuts, len(with_log.entries) - 1)))
    lost = 0
    for n, cut in enumerate(chosen):
        how = rng.choice(["all", "none", "some"])
        keep = {"all": lambda: True, "none": lambda: False, "some": lambda: rng.random() < 0.5}[how]
        image = tmp_path / "cut.img"
        lost += with_log.image(base, cut, image, keep)
        look_at(image, tmp_path, request, with_log.entries[cut][0], history,
                f"KNARR_SEED={seed}, cut {n} at write {cut} of {len(with_log.entries)}, {how} of what was not flushed")
    with_log.close()
    print(f"KNARR_SEED={seed}: {len(chosen)} cuts, {len(history) - 1} commands, {len(with_log.entries)} writes and flushes, "
          f"{lost / len(chosen):.1f} of them not flushed at a cut")


def look_at(image, folder, request, moment, history, says):
    """The next start, done here on the disk's filesystem: its journal, `knarr boot`, `knarr fsck`."""
    mount = folder / "mnt"
    mount.mkdir(exist_ok=True)
    subprocess.run(["mount", "-o", "loop", image, mount], check=True)
    place = host.Host(request.config.getoption("--knarr"))
    place.env["KNARR_ROOT"] = place.store = str(mount)
    try:
        place.ok("docker boot")
        result = place.run("docker fsck -q")
        assert result.status == 0 and not result.out, f"{says}: fsck ended with {result.status}:\n{result.out}"
        assert place.ok(f"ls -A {mount}/tmp") == "", says
        rows = rows_of(place)
        last = max(n for n, (size, _, _) in enumerate(history) if size <= moment) if history[0][0] <= moment else 0
        allowed = [history[last][1].rows()] + [s.rows() for _, s, _ in history[last + 1:last + 2]]
        # an image that the step under way gives an ID of its own to is the same in both runs of it: it is the same disk
        assert rows in allowed, f"{says}: after {history[last][2] and history[last][2].command}:\n" \
                                f"is      {rows}\nallowed " + "\n        ".join(map(str, allowed))
        place.ok("docker run --rm kept:1")
        volumes = place.ok("docker volume ls --format '{{.Mountpoint}}'").split()
        want = place.ok("docker run --rm kept:1 sh -c 'ls /bin | wc -l; md5sum < /bin/busybox'")
        for path in volumes:
            assert place.run(f"ls {path} | wc -l; md5sum < {path}/busybox").out == want, f"{says}: {path}"
    finally:
        place.remove_containers()
        place.run("docker shutdown")
        subprocess.run(["umount", mount], check=True)
        place.close()
    done = subprocess.run(["/sbin/e2fsck", "-fn", image], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, f"{says}: {done.stdout}"


def test_qemu_killed(boot, tmp_path, request):
    seed = model.seed()
    rng = random.Random(seed)
    vm, state, material, has = prepare(boot, tmp_path)
    steps = model.Steps(material, rng, lambda k: has[k], "/tmp")
    vm = boot()
    vm.log_in()
    counts = {}
    for n in range(request.config.getoption("--qemu-kills")):
        # some steps that are done, then one in the middle of which the plug is pulled
        for _ in range(rng.randrange(3)):
            step = steps.next(state)
            vm.ok(step.command)
            state = step.after(state, rows_of(vm))
            vm.run("docker rm -f killed")
        step = steps.next(state)
        vm.child.send(step.command + "; echo :E''ND:$?:\r")
        delay = rng.uniform(0, 1.5)
        found = vm.child.expect([r":END:(\d+):", pexpect.TIMEOUT], timeout=delay)
        reported = found == 0 and vm.child.match.group(1) == "0"
        vm.kill()
        says = f"KNARR_SEED={seed}, kill {n} after {delay:.3f} s"
        vm = boot()
        vm.log_in()
        result = vm.run("docker fsck -q")
        assert result.status == 0 and not result.out, f"{says}: {step.command}: fsck ended with {result.status}:\n{result.out}"
        before = state
        state = model.check(rows_of(vm), step, state, reported, says)
        assert vm.ok("ls -A /var/lib/knarr/tmp") == ""
        assert vm.ok("docker run --rm kept:1") == "kept\n"
        vm.run("docker rm -f killed")
        came = "reported" if reported else "done, not reported" if state.rows() != before.rows() else "as before"
        counts[step.kind, came] = counts.get((step.kind, came), 0) + 1
    assert vm.power_off() == 0
    assert vm.fsck().status == 0
    print(f"KNARR_SEED={seed}", counts)
