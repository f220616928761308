# SPDX-License-Identifier: GPL-2.0-or-later
"""`docker inspect` of images and containers: Docker's members in Docker's order, formats, and what is missing."""

import json
import re

import pytest

import archive

pytestmark = pytest.mark.host_is_enough

CONFIG = {
    "User": "worker", "ExposedPorts": {"443/tcp": {}, "80/tcp": {}}, "Env": ["PATH=/bin", "A=<b>&c"],
    "Entrypoint": ["say"], "Cmd": ["a", "b c"], "Volumes": {"/data": {}}, "WorkingDir": "/home",
    "Labels": {"org.x.y": "1", "b": "2"}, "StopSignal": "SIGUSR1",
    "Healthcheck": {"Test": ["CMD", "true"], "Interval": 1000000000},
}


@pytest.fixture
def image(machine):
    made = archive.Image([archive.layer(archive.entry("f", data=b"x" * 1234)), archive.layer()], CONFIG,
                         created="2023-02-03T04:05:06.070809Z", author="me", docker_version="20.10.1",
                         history=[{"created_by": "x", "comment": "imported"}, {"created_by": "y", "comment": "last"}])
    path = archive.docker_archive(machine.share / "inspect.tar", made, ["inspected:1", "local/other:2"])
    machine.ok(f"docker load -i {machine.share_path}/{path.name}")
    yield made
    machine.run("docker rmi -f " + made.id)


def test_an_image(machine, image):
    out = machine.ok("docker inspect inspected:1")
    assert out.startswith('[\n    {\n        "Id": "sha256:') and out.endswith("    }\n]\n")
    [found] = json.loads(out)
    assert list(found) == ["Id", "RepoTags", "RepoDigests", "Parent", "Comment", "Created", "DockerVersion", "Author",
                           "Config", "Architecture", "Os", "Size", "VirtualSize", "GraphDriver", "RootFS", "Metadata"]
    assert found["Id"] == "sha256:" + image.id and found["RepoTags"] == ["inspected:1", "local/other:2"]
    assert found["Created"] == "2023-02-03T04:05:06.070809Z" and found["Author"] == "me" and found["Comment"] == "last"
    assert found["Size"] == 1234 and found["RootFS"] == {"Type": "layers", "Layers": image.diffids}
    assert {k: found["Config"][k] for k in CONFIG} == CONFIG
    assert found["Config"]["Hostname"] == "" and found["Config"]["OnBuild"] is None
    for word in ("image inspect " + image.id[:10], "inspect --type image local/other:2", "image inspect inspected:1"):
        assert machine.ok("docker " + word) == out
    assert json.loads(machine.ok("docker inspect -f json inspected:1")) == [found]
    assert machine.ok("docker inspect -f json inspected:1").count("\n") == 1


TEMPLATES = [
    ("{{.Id}}", "sha256:%s"), ("{{.ID}}", "sha256:%s"),
    ("{{.Config.User}} {{.Os}}/{{.Architecture}} {{.Size}}", "worker linux/amd64 1234"),
    ("{{range .RepoTags}}{{.}};{{end}}", "inspected:1;local/other:2;"),
    ('{{index .Config.Labels "org.x.y"}} {{.Config.Labels.b}} {{.Config.Labels.nope}}', "1 2 <no value>"),
    ("{{json .Config.Labels}}", '{"b":"2","org.x.y":"1"}'),
    ("{{json .Config.Env}}", '["PATH=/bin","A=<b>&c"]'),
    ("{{range $p, $_ := .Config.ExposedPorts}}{{$p}} {{end}}", "443/tcp 80/tcp "),
    ('{{join .Config.Cmd "|"}} {{len .RootFS.Layers}}', "a|b c 2"),
    ("{{.Config.Healthcheck.Test}} {{.Config.StopSignal}} {{.Config.OnBuild}}", "[CMD true] SIGUSR1 []"),
    ("{{.Variant}}|{{.Config.Shell}}", "|[]"),
    ('{{with .Author}}by {{.}}{{end}} {{upper "x"}} {{printf "%%-5s|" .Os}}', "by me X linux|"),
]


def test_a_template(machine, image):
    for template, result in TEMPLATES:
        template = template.replace("%%", "%")
        assert (template, machine.ok(f"docker inspect -f '{template}' inspected:1")) == \
            (template, result.replace("%s", image.id) + "\n")


def test_a_container(machine, image):
    container = machine.ok("docker run -d --name inspected --entrypoint sleep -e X=1 busybox 1000").strip()
    out = machine.ok("docker inspect inspected")
    [found] = json.loads(out)
    assert list(found)[:11] == ["Id", "Created", "Path", "Args", "State", "Image", "ResolvConfPath", "HostnamePath",
                                "HostsPath", "LogPath", "Name"]
    assert list(found)[11:] == ["RestartCount", "Driver", "Platform", "MountLabel", "ProcessLabel", "AppArmorProfile",
                                "ExecIDs", "HostConfig", "GraphDriver", "Mounts", "Config", "NetworkSettings"]
    assert found["Id"] == container and found["Name"] == "/inspected"
    assert (found["Path"], found["Args"]) == ("sleep", ["1000"])
    state = found["State"]
    assert list(state) == ["Status", "Running", "Paused", "Restarting", "OOMKilled", "Dead", "Pid", "ExitCode", "Error",
                           "StartedAt", "FinishedAt"]
    assert state["Status"] == "running" and state["Running"] and state["FinishedAt"] == "0001-01-01T00:00:00Z"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d*[1-9])?Z", state["StartedAt"])
    assert "sleep" in machine.ok(f"cat /proc/{state['Pid']}/cmdline")
    assert machine.ok("cat " + found["HostnamePath"]).strip() == container[:12] or found["HostConfig"]["NetworkMode"] == "host"
    assert "X=1" in found["Config"]["Env"] and found["Config"]["Entrypoint"] == ["sleep"]
    assert found["HostConfig"]["NetworkMode"] == "host" and list(found["NetworkSettings"]["Networks"]) == ["host"]
    assert found["HostConfig"]["RestartPolicy"] == {"Name": "no", "MaximumRetryCount": 0}
    for word in ("container inspect /inspected", f"inspect --type container {container[:12]}"):
        assert machine.ok("docker " + word) == out
    assert machine.ok("docker inspect -f '{{.State.Pid}} {{if .State.Health}}x{{else}}no health{{end}}' inspected") == \
        f"{state['Pid']} no health\n"


def test_a_container_that_ended_and_sizes(machine, image):
    machine.run("docker run --name inspected busybox sh -c 'echo 12345 >/f; exit 7'")
    [found] = json.loads(machine.ok("docker inspect -s inspected"))
    assert found["State"]["Status"] == "exited" and found["State"]["ExitCode"] == 7 and found["State"]["Pid"] == 0
    assert found["SizeRw"] == 6 and found["SizeRootFs"] > found["SizeRw"]
    assert machine.ok("docker inspect -f '{{.SizeRw}} {{.State.ExitCode}}' inspected") == "<nil> 7\n"


def test_several_and_one_that_is_not_there(machine, image):
    machine.ok("docker create --name inspected busybox")
    out = machine.split("docker inspect inspected no-such inspected:1")
    assert [o.get("Name", o["Id"]) for o in json.loads(out.out)] == ["/inspected", "sha256:" + image.id]
    assert out.status == 1 and out.err.endswith("No such object: no-such\n") and out.err.count("\n") == 1
    out = machine.split("docker inspect -f '{{.Id}}' no-such")
    assert (out.out, out.status) == ("\n", 1)
    out = machine.split("docker inspect no-such also-not")
    assert (out.out, out.status, out.err.count("\n")) == ("[]\n", 1, 2)


FAULTS = [
    ("container inspect inspected:1", "No such container: inspected:1", 1),
    ("inspect --type container inspected:1", "No such container: inspected:1", 1),
    ("image inspect no-such", "No such image: no-such", 1),
    ("inspect --type image no-such", "No such image: no-such", 1),
    ("inspect --type dream inspected:1", 'unknown type: "dream"', 1),
    ("inspect ../../etc", "No such object: ../../etc", 1),
    ("inspect -f '{{.Id' inspected:1", "template parsing error: template: :1: unclosed action", 64),
    ("inspect -f '{{.Nope}}' inspected:1",
     'template parsing error: template: :1:2: executing "" at <.Nope>: map has no entry for key "Nope"', 1),
    ("inspect -f '{{index .RepoTags 9}}' inspected:1", "error calling index: index out of range: 9", 1),
]


def test_what_inspect_refuses(machine, image):
    for words, message, status in FAULTS:
        out = machine.split("docker " + words)
        assert (words, out.status, out.err.count("\n")) == (words, status, 1)
        assert message in out.err
