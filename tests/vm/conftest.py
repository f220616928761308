# SPDX-License-Identifier: GPL-2.0-or-later
"""Fixtures. `machine` is the place a container test runs on, the host and the appliance in turn, with the images
`busybox` and `testbox` in its store and no container; a test that leaves something behind fails for it.

The one appliance is booted when the first test asks for it and serves all of them. A test that reboots, powers off or
brings its own disk takes `boot`, which makes appliances of its own."""

import os
import pathlib
import shlex
import shutil
import signal
import tempfile

import pytest

import appliance
import archive
import debian
import host
import testbox

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = TOP / "build"
LOGS = BUILD / "test" / "vm"


def pytest_addoption(parser):
    parser.addoption("--on", action="append", choices=["host", "appliance"],
                     help="run only on this kind of machine (may be given twice)")
    parser.addoption("--qemu", default="", help="words for rootfs/run-qemu at every boot: --qemu='--kernel bzImage'")
    parser.addoption("--kills", type=int, default=20, help="how many commands are killed at random moments")
    parser.addoption("--power-cuts", type=int, default=20, help="how many moments of a running disk are looked at")
    parser.addoption("--qemu-kills", type=int, default=2, help="how often QEMU is killed")
    parser.addoption("--knarr", default=str(BUILD / "knarr"), help="binary for the tests on the host")


def pytest_configure(config):
    config.addinivalue_line("markers", "host_is_enough: nothing in it depends on the kernel; the appliance has others like it")
    LOGS.mkdir(parents=True, exist_ok=True)
    # A test run in the background is started with interrupts ignored, and so would be what it starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    appliance.WORDS = shlex.split(config.getoption("--qemu"))


def pytest_collection_modifyitems(config, items):
    only = config.getoption("--on") or ["host", "appliance"]
    gone = [i for i in items if _place(i) not in only
            or _place(i) == "appliance" and i.get_closest_marker("host_is_enough")]
    if gone:
        config.hook.pytest_deselected(items=gone)
        items[:] = [i for i in items if i not in gone]
    # all of the host's first: they are quick, and say early what is broken
    items.sort(key=lambda i: _place(i) != "host")


def _place(item):
    params = getattr(item, "callspec", None)
    return params.params.get("place", "appliance") if params else "appliance"


def pytest_generate_tests(metafunc):
    if "place" in metafunc.fixturenames:
        metafunc.parametrize("place", ["host", "appliance"], scope="session")


@pytest.fixture(scope="session")
def images(tmp_path_factory):
    """The file of the image testbox, for machines to load."""
    path = tmp_path_factory.mktemp("images") / "testbox.tar"
    return archive.docker_archive(path, testbox.image(), ["testbox:latest"])


class Places:
    """Makes each place when it is first asked for, and again when a test has broken it."""

    def __init__(self, config, images):
        self.config, self.images, self.made, self.failed = config, images, {}, {}

    def get(self, place):
        made = self.made.get(place)
        if made and not made.usable():
            made.close()
            made = None
        if not made:
            # what cannot be made once is not tried for every test
            if place in self.failed:
                pytest.fail(f"no {place}: {self.failed[place]}", pytrace=False)
            try:
                made = self.made[place] = self._make(place)
                made.ok("docker load -i " + made.link(self.images))
            except Exception as why:
                self.failed[place] = str(why).splitlines()[-1] if str(why) else repr(why)
                raise
        return made

    def _make(self, place):
        if place == "appliance":
            made = appliance.Appliance(LOGS / "console.log")
            made.log_in()
            return made
        if os.getuid() != 0:
            pytest.skip("needs root: containers are made on this machine")
        made = host.Host(self.config.getoption("--knarr"), keep=LOGS / "host.log")
        made.ok("docker load -i " + made.link(_busybox(made)))
        return made

    def close(self):
        """Whatever the tests did, the stores are whole; then what is left behind."""
        left = []
        for made in self.made.values():
            if made.usable() and not getattr(made, "reference", False):
                made.remove_containers()
                result = made.run("docker fsck -q")
                left += [f"{made.name}: fsck: {line}" for line in result.out.splitlines() if result.status]
        return left + [f"{m.name}: {line}" for m in self.made.values() for line in m.close()]


def _busybox(made):
    """On the host, an image called busybox; the appliance brings its own."""
    path = made.share / "busybox.tar"
    return archive.docker_archive(path, testbox.busybox_image(), ["busybox:latest"])


@pytest.fixture(scope="session")
def places(request, images):
    places = Places(request.config, images)
    yield places
    left = places.close()
    assert not left, "left behind at the end:\n" + "\n".join(left)


@pytest.fixture
def machine(place, places):
    machine = places.get(place)
    machine.mark(os.environ.get("PYTEST_CURRENT_TEST", ""))
    yield machine
    if machine.usable():
        machine.remove_containers()


@pytest.fixture
def clean(machine):
    """For a test that must leave the machine as it was: compares images before and after, and looks for leftovers."""
    before = machine.images()
    yield machine
    machine.remove_containers()
    assert machine.images() == before
    left = machine.settled_leftovers()
    assert not left, "left behind:\n" + "\n".join(left)


@pytest.fixture
def vm(places):
    """The shared appliance, for tests that make sense nowhere else."""
    machine = places.get("appliance")
    machine.mark(os.environ.get("PYTEST_CURRENT_TEST", ""))
    yield machine
    if machine.usable():
        machine.remove_containers()


@pytest.fixture
def boot(request):
    """boot(**options) starts an appliance of the test's own (appliance.Appliance) with a disk of its own."""
    made = []
    folder = pathlib.Path(tempfile.mkdtemp(prefix="knarr-vm-"))

    def start(**options):
        log = LOGS / f"{request.node.name}-{len(made) + 1}.log"
        vm = appliance.Appliance(log, folder=folder, **options)
        made.append(vm)
        return vm

    yield start
    for vm in made:
        vm.close()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def kills(request):
    return request.config.getoption("--kills")


@pytest.fixture(scope="session")
def debian_files():
    """The module debian, or a skip that says why there is no Debian image here."""
    try:
        debian.rootfs_tar()
    except debian.NoMirror as why:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"no Debian image: {why}")
    return debian


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Adds the end of the machine's console to a failure."""
    report = (yield).get_result()
    if report.when == "call" and report.failed:
        for name in ("machine", "vm"):
            machine = item.funcargs.get(name)
            if machine:
                report.sections.append((f"{machine.name}: last lines", machine.tail()))
