# SPDX-License-Identifier: Apache-2.0
"""`hocket emulate`: what it prints, what it verifies, and what it refuses."""

import json

import pytest

from hocket_lab.exact.cases import BY_ID
from hocket_tools import cli
from hocket_tools.app.application import load
from hocket_tools.pack.pack import pack
from hocket_tools.run import renode
from hocket_tools.zoo.application import APPLICATION
from rigs.needs import BACK_ENDS


@pytest.fixture
def hocket(monkeypatch):
    def run(*arguments):
        monkeypatch.setattr("sys.argv", ["hocket", "emulate", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        return stopped.value.code or 0

    return run


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    path = folder / "demo.hkt"
    path.write_bytes(pack(load(APPLICATION), folder=folder).data)
    return path


@pytest.mark.parametrize("back_end", BACK_ENDS)
def test_outputs_of_the_image_are_verified(elf, hocket, demo, capsys, back_end):
    assert hocket(elf, demo, "--backend", back_end, "--verify", "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["mismatches"] == []
    assert report["verified"] == report["jobs"]
    assert set(report["jobs"]) == {"keyword", "digits", "detector"}
    assert report["npu_runs"] >= sum(report["jobs"].values())


@pytest.mark.needs("unicorn")
def test_a_difference_is_explained_by_the_layer_that_vela_rounds(elf, hocket, tmp_path, capsys):
    (tmp_path / "sum.tflite").write_bytes(BY_ID["sum-int8-depth-double-rounding"].model())
    (tmp_path / "app.toml").write_text('[tasks.sum]\nmodel = "sum.tflite"\nperiod = "100 ms"\n')
    path = tmp_path / "app.hkt"
    path.write_bytes(pack(load(tmp_path / "app.toml"), folder=tmp_path).data)
    assert hocket(elf, path, "--verify") == 1
    told = capsys.readouterr().out
    assert "SUM int8 'output': Vela rounds a sum once, tflite_micro twice" in told
    assert 'on-cpu = ["output"] makes it exact' in told


@pytest.mark.parametrize("back_end", BACK_ENDS)
def test_tasks_with_one_model_are_told_apart(elf, hocket, tmp_path, capsys, back_end):
    """Their streams are stored once, so only the arenas differ."""
    text = '[npu]\nclock = "32 MHz"\n'
    for name in "ab":
        text += (
            f'[tasks.{name}]\nmodel = "{APPLICATION.parent}/data/digits.tflite"\n'
            'period = "40 ms"\ninput = { generator = "hocket_tools.zoo.inputs:digits" }\n'
        )
    (tmp_path / "two.toml").write_text(text)
    path = tmp_path / "two.hkt"
    path.write_bytes(pack(load(tmp_path / "two.toml"), folder=tmp_path).data)
    words = ("--backend", back_end, "--verify", "--json", "--seconds", "400 ms")
    assert hocket(elf, path, *words) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["mismatches"] == []
    assert report["jobs"]["a"] > 3
    assert abs(report["jobs"]["a"] - report["jobs"]["b"]) <= 1


@pytest.mark.needs("unicorn")
def test_the_console_of_an_image_without_an_application_is_shown(elf, hocket, capsys):
    assert hocket(elf, "--seconds", "60 ms") == 0
    out = capsys.readouterr().out
    assert ">>>" in out
    assert "million guest instructions" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("none.elf",), "make firmware"),
        (("wrong.elf",), "not an ELF file"),
        (("wrong.elf", "none.hkt"), "hocket pack"),
        (("wrong.elf", "--backend", "spike"), "unicorn, qemu, renode"),
        (("wrong.elf", "--verify"), "nothing to verify"),
        (("wrong.elf", "--gdb", "3333"), "--backend qemu"),
        (("wrong.elf", "--platform", "mps9"), "unknown platform"),
        (("wrong.elf", "--backend", "renode", "--verify"), "--backend unicorn"),
    ],
)
@pytest.mark.needs("unicorn")
def test_what_it_cannot_do_ends_with_advice(hocket, tmp_path, monkeypatch, capsys, arguments, said):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "wrong.elf").write_text("no image")
    assert hocket(*arguments) == 2
    assert said in capsys.readouterr().err


def test_renode_where_it_is_missing_is_named_with_how_to_get_it(
    hocket, tmp_path, monkeypatch, capsys
):
    (tmp_path / "firmware.elf").write_text("")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert hocket(tmp_path / "firmware.elf", "--backend", "renode") == 2
    assert "renode-run" in capsys.readouterr().err


def test_renode_is_told_image_container_and_time(tmp_path):
    told = renode.statements(
        tmp_path / "a.resc", tmp_path / "a.elf", tmp_path / "a.hkt", 1_500_000_000, None
    )
    assert told == [
        f"$bin=@{tmp_path / 'a.elf'}",
        f"$app=@{tmp_path / 'a.hkt'}",
        f"include @{tmp_path / 'a.resc'}",
        'emulation RunFor "1.500000000"',
        "quit",
    ]


def test_renode_waits_for_a_debugger_instead_of_running(tmp_path):
    told = renode.statements(tmp_path / "a.resc", tmp_path / "a.elf", None, 1, 3333)
    assert told[-1] == "machine StartGdbServer 3333"
    assert not any("$app" in line for line in told)


def test_a_child_that_is_renode_gets_the_servers_port(tmp_path, monkeypatch):
    """A stand-in for Renode records how it was called."""
    from hocket_tools.run import machines

    heard = tmp_path / "heard"
    program = tmp_path / "renode"
    program.write_text(f'#!/bin/sh\necho "$HOCKET_NPU_PORT $@" > {heard}\nexit 3\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    monkeypatch.setattr(renode, "load_elf", lambda path, vectors: None)
    guest = machines.open_guest(tmp_path / "a.elf", None)
    assert renode.run(guest, None, 1_000_000_000, lambda line: None) == 3
    port, *words = heard.read_text().split()
    assert 0 < int(port) < 65536
    assert "--console" in words
