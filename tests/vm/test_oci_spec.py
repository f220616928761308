# SPDX-License-Identifier: GPL-2.0-or-later
"""`knarr-oci spec`, whose config.json runs as it is, and `knarr-oci features`; what is said of a config.json that is wrong."""

import json

import pytest

import oci

pytestmark = pytest.mark.host_is_enough


@pytest.fixture
def box(machine):
    box = oci.Bundles(machine)
    yield box
    box.close()


def test_spec_writes_what_runs(box):
    box.ok(f"spec --bundle {box.bundle}")
    config = json.loads(box.machine.ok(f"cat {box.bundle}/config.json"))
    assert config["process"]["args"] == ["sh"] and config["process"]["terminal"] and config["root"]["readonly"]
    script = "id -u; hostname; touch /x 2>&1; grep -h Cap.*: /proc/self/status; exit"
    with box.machine.spawn(box.cmd(f"run -b {box.bundle}", "a")) as session:
        session.line(script.replace("; exit", "; echo over-$((1+1)); exit 7"))
        said = session.expect("over-2")
        assert session.end() == 7
    assert "knarr" in said and "Read-only file system" in said and "CapEff:\t0000000020000420" in said


def test_spec_does_not_overwrite(box):
    box.ok(f"spec -b {box.bundle}")
    before = box.machine.ok(f"cat {box.bundle}/config.json")
    assert "config.json exists already" in box.fails(f"spec -b {box.bundle}")
    assert box.machine.ok(f"cat {box.bundle}/config.json") == before
    assert "/no/such/folder" in box.fails("spec -b /no/such/folder")


def test_spec_rootless_has_a_user_namespace(box):
    box.machine.ok(f"cd {box.bundle} && {box.oci} spec --rootless")
    linux = json.loads(box.machine.ok(f"cat {box.bundle}/config.json"))["linux"]
    types = [n["type"] for n in linux["namespaces"]]
    assert "user" in types and "network" not in types and "resources" not in linux
    assert linux["uidMappings"] == [{"containerID": 0, "hostID": 0, "size": 1}]


def test_features(box):
    features = json.loads(box.ok("features"))
    assert features["ociVersionMin"] == "1.0.0" and features["ociVersionMax"].startswith("1.2.")
    assert features["hooks"] == ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"]
    linux = features["linux"]
    assert set(linux["namespaces"]) == {"cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts"}
    assert linux["cgroup"]["v2"] and not linux["cgroup"]["v1"] and linux["mountExtensions"]["idmap"]["enabled"]
    assert "SCMP_ACT_NOTIFY" in linux["seccomp"]["actions"] and not linux["intelRdt"]["enabled"]
    assert {"rro", "ridmap", "tmpcopyup"} <= set(features["mountOptions"])


WRONG = {
    "text": ("nonsense", "config.json: line 1, column 1"),
    "nothing": ("{}", "ociVersion: missing"),
    "version": ({"ociVersion": "7.0.0"}, "ociVersion: version 7.0.0 of the runtime-spec is not supported"),
    "type": ({"process": {"user": {"uid": "root"}}}, "process.user.uid: not a number"),
    "range": ({"process": {"oomScoreAdj": 5000}}, "process.oomScoreAdj: 5000 is not in -1000 to 1000"),
    "missing": ({"process": {"cwd": None}}, "process.cwd: missing"),
    "limit": ({"process": {"rlimits": [{"type": "RLIMIT_NO", "soft": 1, "hard": 1}]}}, 'process.rlimits[0].type: "RLIMIT_NO"'),
    "namespace": ({"linux": {"namespaces": [{"type": "pid"}, {"type": "pid"}]}}, 'linux.namespaces[1]: "pid" stands there twice'),
    "sysctl": ({"linux": {"sysctl": {"kernel.panic": "1"}}}, "linux.sysctl.kernel.panic: is the whole machine's"),
    "sysctl-out": ({"linux": {"sysctl": {"net/../kernel/panic": "1"}}}, "no name of a sysctl"),
    "rdt": ({"linux": {"intelRdt": {"closID": "a"}}}, "linux.intelRdt: Intel RDT (resctrl) is not supported"),
    "mount": ({"mounts": [{"destination": "/a", "type": "tmpfs", "options": [1]}]}, "mounts[0].options[0]: not a string"),
    "hook": ({"hooks": {"poststop": [{"path": "a"}]}}, 'hooks.poststop[0].path: "a" is not an absolute path'),
    "cgroup": ({"linux": {"cgroupsPath": "/a/../../b"}}, 'linux.cgroupsPath: "/a/../../b" leads out'),
}


@pytest.mark.parametrize("what", WRONG)
def test_wrong_documents_are_told_in_a_line(box, what):
    content, message = WRONG[what]

    def merge(into, change):
        for key, value in change.items():
            if isinstance(value, dict) and isinstance(into.get(key), dict):
                merge(into[key], value)
            elif value is None:
                del into[key]
            else:
                into[key] = value

    if what in ("text", "nothing"):
        box.write("config.json", content)
    else:
        box.config("true", change=lambda config: merge(config, content))
    for command in ("create", "run"):
        assert message in box.fails(f"{command} -b {box.bundle}", "a")
    assert not box.leftovers()
