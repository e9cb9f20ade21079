# SPDX-License-Identifier: Apache-2.0
"""`hocket doctor` on a machine that lacks what is optional."""

import pytest

from hocket_tools import cli


@pytest.fixture
def doctor(monkeypatch, capsys):
    def run():
        monkeypatch.setenv("COLUMNS", "200")
        monkeypatch.setattr("sys.argv", ["hocket", "doctor"])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        return stopped.value.code or 0, capsys.readouterr().out

    return run


def test_what_is_optional_is_told_with_how_to_get_it_and_all_is_well(doctor, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    code, said = doctor()
    assert code == 0
    for way in (
        "apt-get install qemu-system-arm",
        "libnewlib-arm-none-eabi",
        "pip install git+https://github.com/antmicro/renode-run",
    ):
        assert way in said


@pytest.mark.needs("gcc-arm")
def test_a_machine_with_the_arm_toolchain_has_it_told(doctor):
    _, said = doctor()
    (line,) = [line for line in said.splitlines() if "ARM toolchain" in line]
    assert line.split()[0] == "ok" or "libnewlib" in line
