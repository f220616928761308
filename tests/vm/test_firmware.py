# SPDX-License-Identifier: GPL-2.0-or-later
"""build/knarr.efi started by EFI firmware: handed over by QEMU, and found by the firmware on a disk, where nobody gives it
a command line."""

import pathlib
import shutil

import pexpect
import pytest

import appliance

BUILD = pathlib.Path(__file__).resolve().parents[2] / "build"
OVMF = pathlib.Path("/usr/share/OVMF")


@pytest.fixture
def firmware(tmp_path):
    """QEMU's words for a machine with EFI."""
    variables = tmp_path / "vars.fd"
    shutil.copy(OVMF / "OVMF_VARS_4M.fd", variables)
    return ["-drive", f"if=pflash,format=raw,readonly=on,file={OVMF / 'OVMF_CODE_4M.fd'}",
            "-drive", f"if=pflash,format=raw,file={variables}"]


def test_efi_program_handed_over(boot, firmware):
    vm = boot(disk=None, extra=firmware)
    vm.log_in()
    assert vm.ok("test -d /sys/firmware/efi && echo efi") == "efi\n"
    assert "console=ttyS0" in vm.ok("cat /proc/cmdline")
    assert vm.power_off() == 0


def test_efi_program_on_a_disk_without_command_line(tmp_path, firmware):
    target = tmp_path / "disk" / "EFI" / "BOOT"
    target.mkdir(parents=True)
    shutil.copy(BUILD / "knarr.efi", target / "BOOTX64.EFI")
    with open(tmp_path / "console.log", "w", encoding="utf-8") as log:
        child = appliance.Line(
            "qemu-system-x86_64",
            ["-nodefaults", "-no-user-config", "-display", "none", "-machine", "q35", "-accel", "tcg", "-m", "512", "-no-reboot",
             "-serial", "stdio", "-drive", f"file=fat:rw:{tmp_path / 'disk'},if=virtio,format=raw", *firmware],
            encoding="utf-8", codec_errors="replace", timeout=appliance.BOOT)
        child.delaybeforesend = None
        child.logfile_read = log
        try:
            child.expect(appliance.PROMPT)
            # in one line, for the kernel's own may come between two
            child.send("echo bits=$(cat /sys/firmware/efi/fw_platform_size) words=$(wc -w </proc/cmdline).\r")
            child.expect_exact("bits=64 words=0.")
            child.send("poweroff\r")
            child.expect(pexpect.EOF)
        finally:
            child.close(force=True)
