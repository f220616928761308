# SPDX-License-Identifier: GPL-2.0-or-later
"""What the benches against other programs share: rounds in which each of them runs once, so that what disturbs the machine
disturbs all; medians, quartiles and ratios; and the programs that need preparation.

A bench names its peers by makers: functions that prepare whatever is not to be measured and return the words to run, or a
Peer. A maker raises Unfit with the reason where its program cannot run here.
"""

import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import time

DEVNULL = subprocess.DEVNULL
PATH = "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin"


class Unfit(Exception):
    """This peer cannot run here; the text says why."""


class Peer:
    """Words to run once a round, and what is to be done before each, unmeasured."""

    def __init__(self, words, before=None):
        self.words, self.before = words, before

    def run(self, env):
        """Microseconds from before the fork to after the wait."""
        if self.before:
            self.before()
        null = os.open(os.devnull, os.O_RDWR)
        actions = [(os.POSIX_SPAWN_DUP2, null, fd) for fd in (0, 1)]
        begin = time.perf_counter_ns()
        pid = os.posix_spawn(self.words[0], self.words, env, file_actions=actions)
        _, status = os.waitpid(pid, 0)
        took = (time.perf_counter_ns() - begin) / 1000
        os.close(null)
        if status:
            raise Unfit(f"'{' '.join(self.words)}' ended with status {os.waitstatus_to_exitcode(status)}")
        return took


def once(argv, env, what):
    done = subprocess.run(argv, env=env, stdin=DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False)
    if done.returncode:
        raise Unfit(f"{what}: {(done.stdout.strip().splitlines() or ['no message'])[-1]}")
    return done.stdout


def peak_memory(peer, env):
    """KiB of the peer's largest resident size in one more run, by GNU time, as a child of ours begins with our own."""
    if peer.before:
        peer.before()
    out = once([need("time"), "-f", "knarr-peak %M", *peer.words], env, peer.words[0])
    return int(out.rpartition("knarr-peak")[2])


def need(program):
    found = shutil.which(program, path=PATH)
    if not found:
        raise Unfit(f"{program} is not installed")
    return found


def podman_words(top):
    return [need("podman"), "--runtime", need("runc"), "--root", str(top / "podman"), "--runroot", str(top / "podman-run"),
            "--storage-driver", "overlay", "--cgroup-manager", "cgroupfs", "--events-backend", "none"]


def docker_daemon(top, env, cleanup):
    """Starts dockerd on env's DOCKER_HOST with all of its folders in top, ended by cleanup. Returns docker's path."""
    docker, dockerd = need("docker"), need("dockerd")
    with open(top / "dockerd.log", "w") as log:
        daemon = subprocess.Popen(
            [dockerd, "-H", env["DOCKER_HOST"], "--data-root", str(top / "docker"),
             "--exec-root", str(top / "docker-exec"), "--pidfile", str(top / "docker.pid"),
             "--iptables=false", "--ip6tables=false", "--bridge=none"],
            env=env, stdin=DEVNULL, stdout=log, stderr=log, start_new_session=True)
    cleanup.callback(_end, daemon)
    for _ in range(100):
        if subprocess.run([docker, "version"], env=env, stdout=DEVNULL, stderr=DEVNULL, check=False).returncode == 0:
            return docker
        if daemon.poll() is not None:
            raise Unfit("dockerd: " + (top / "dockerd.log").read_text().strip().splitlines()[-1][-200:])
        time.sleep(0.2)
    raise Unfit("dockerd did not answer within 20 s")


def _end(daemon):
    daemon.send_signal(signal.SIGTERM)
    try:
        daemon.wait(30)
    except subprocess.TimeoutExpired:
        daemon.kill()
        daemon.wait()


def measure(makers, env, rounds, warm=3):
    """makers: functions by name. Returns times in microseconds by name, and why the others could not run."""
    peers, unfit, times = {}, {}, {}
    for name, make in makers.items():
        try:
            made = make()
            peers[name] = made if isinstance(made, Peer) else Peer(made)
            for _ in range(warm):
                peers[name].run(env)
        except (Unfit, OSError) as why:
            peers.pop(name, None)
            unfit[name] = str(why)
    for name in peers:
        times[name] = []
    running = dict(peers)
    for _ in range(rounds):
        for name, peer in list(running.items()):
            try:
                times[name].append(peer.run(env))
            except Unfit as why:
                unfit[name] = f"{why}, after {len(times[name])} rounds"
                del running[name], times[name]
    return times, unfit


def milliseconds(value):
    return f"{value / 1000:.2f} ms"


def table(title, times, unfit, subject, budgets, labels):
    """subject is ours; budgets: at most so many times the peer of that name."""
    print(f"\n{title}\n")
    print(f"  {'':<34}{'median':>11}  {'quartiles':>21}  {subject + ' is':>12}  budget")
    mine = statistics.median(times[subject]) if subject in times else None
    for name, label in labels.items():
        if name in unfit:
            print(f"  {label:<34}   not here: {unfit[name]}")
            continue
        if name not in times:
            continue
        low, median, high = statistics.quantiles(times[name], n=4) if len(times[name]) > 1 else times[name] * 3
        ratio = verdict = ""
        if mine and name != subject:
            ratio = f"{mine / median:.2f} x"
            if name in budgets:
                limit = budgets[name]
                factor = mine / median / limit
                verdict = f"{limit:.1f} x: " + ("met" if factor <= 1 else f"missed by a factor of {factor:.2f}")
        spread = f"{milliseconds(low)} - {milliseconds(high)}"
        print(f"  {label:<34}{milliseconds(median):>11}  {spread:>21}  {ratio:>12}  {verdict}".rstrip())


def clear(top):
    """Removes the bench's folder. An engine that was interrupted leaves its mounts below it."""
    for line in reversed(pathlib.Path("/proc/self/mounts").read_text().splitlines()):
        if line.split()[1].startswith(f"{top}/"):
            subprocess.run(["umount", "-l", line.split()[1]], check=False)
    shutil.rmtree(top, ignore_errors=True)
