# SPDX-License-Identifier: GPL-2.0-or-later
"""What words on the kernel's command line change: names, store, consoles; and words that make no sense."""

import re
import socket
import time


def test_hostname(boot):
    vm = boot(append="knarr.hostname=harbour", disk=None)
    vm.log_in()
    assert vm.ok("hostname") == "harbour\n"


def test_size_of_the_terminal(boot):
    vm = boot(append="knarr.size=50x132", disk=None)
    vm.child.expect(r"[#$] (\x1b\[6n)?$", timeout=120)
    vm.child.send("stty size | tr ' ' x\r")
    vm.child.expect(r"\n50x132\r\n", timeout=20)


def test_store_in_memory_leaves_the_disk_alone(boot):
    vm = boot(append="knarr.store=ram")
    vm.log_in()
    assert "tmpfs" in vm.ok("grep ' /var/lib/knarr ' /proc/mounts")
    assert vm.ok("docker run --rm busybox echo fine") == "fine\n"
    vm.power_off()
    with open(vm.disk, "rb") as disk:
        assert not any(disk.read(4 << 20)), "the disk is as blank as it was"


def test_nonsense_is_named_and_the_prompt_comes(boot):
    vm = boot(append="knarr.hostname=-bad-_name! knarr.size=0x0 knarr.store=tape", disk=None)
    greeting = vm.log_in()
    assert "knarr." in greeting
    assert vm.ok("docker run --rm busybox echo fine") == "fine\n"


def test_every_console_has_a_shell(boot, tmp_path):
    """The kernel takes one console of each kind: the serial line and, beside it, virtio's."""
    path = tmp_path / "hvc0"
    vm = boot(append="console=hvc0", disk=None, extra=[
        "-chardev", f"socket,path={path},server=on,wait=off,id=second", "-device", "virtio-serial-pci",
        "-device", "virtconsole,chardev=second"])
    second = Wire(path)
    vm.log_in()
    second.send("\r")
    second.expect(r"# ")
    second.send("tty; stty size | tr ' ' x\r")
    assert "/dev/hvc0" in second.expect(r"\d+x\d+\r\n")
    # a signal from one does not reach the other
    vm.child.send("sleep 1000\r")
    time.sleep(1)
    second.send("sleep 1000\r")
    time.sleep(1)
    second.send("\x03")
    second.send("echo alive-$((1+1))\r")
    second.expect("alive-2")
    vm.child.send("\x03")
    assert vm.ok("ps -o args | grep -c '[s]leep 1000'; true") == "0\n"


class Wire:
    """The other end of a serial line that QEMU serves on a socket."""

    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        end = time.monotonic() + 30
        while True:
            try:
                self.sock.connect(str(path))
                break
            except OSError:
                assert time.monotonic() < end
                time.sleep(0.1)
        self.text = ""

    def send(self, text):
        self.sock.sendall(text.encode())

    def expect(self, pattern, timeout=90):
        """What came up to the end of the match."""
        end = time.monotonic() + timeout
        while True:
            found = re.search(pattern, self.text)
            if found:
                before, self.text = self.text[:found.end()], self.text[found.end():]
                return before
            left = end - time.monotonic()
            assert left > 0, f"{pattern} did not come, but:\n{self.text[-1000:]}"
            self.sock.settimeout(left)
            try:
                self.text += self.sock.recv(4096).decode(errors="replace")
            except TimeoutError:
                pass
