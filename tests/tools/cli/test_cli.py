# SPDX-License-Identifier: Apache-2.0
"""The command line as a user meets it: exit codes, messages, and what is left on disk."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from hocket_tools import cli
from paths import MODELS

APP = """
[npu]
clock = "50 MHz"
[schedule]
cut = "all"
[tasks.words]
model = "micro_speech.tflite"
period = "20 ms"
[tasks.large]
model = "mlp_kws_int8.tflite"
period = "40 ms"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("micro_speech", "mlp_kws_int8"):
        shutil.copy(MODELS / f"{name}.tflite", tmp_path)
    (tmp_path / "app.toml").write_text(APP)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    return tmp_path


def hocket(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["hocket", *arguments])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    code = stopped.value.code
    return code if isinstance(code, int) else 0


@pytest.fixture
def packed(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Path:
    assert hocket(monkeypatch, "pack", "app.toml") == 0
    capsys.readouterr()
    return folder / "app.hkt"


def test_pack_writes_the_container_beside_the_application(packed: Path) -> None:
    assert packed.is_file()


def test_pack_says_tasks_segments_and_sizes(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hocket(monkeypatch, "pack", "app.toml", "-o", "x.hkt")
    assert "x.hkt: 2 tasks, 70 segments" in capsys.readouterr().out


def test_inspect_writes_json_of_what_is_inside(
    packed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert hocket(monkeypatch, "inspect", "app.hkt", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert [model["name"] for model in told["models"]] == ["words", "large"]


def test_run_verifies_outputs(
    packed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert hocket(monkeypatch, "run", "app.hkt", "--seconds", "0.08", "--verify") == 0
    assert "6 jobs equal tflite_micro's, bit for bit" in capsys.readouterr().out


def test_run_compares_with_run_to_completion(
    packed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert hocket(monkeypatch, "run", "app.hkt", "--seconds", "40 ms", "--compare", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert [run["policy"] for run in told["runs"]] == ["fifo", "fp"]
    assert [run["segments"] for run in told["runs"]] == [3, 100]


def test_run_takes_an_application_file_too(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert hocket(monkeypatch, "run", "app.toml", "--seconds", "20 ms", "--timeline") == 0
    assert "█" in capsys.readouterr().out


def refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str
) -> str:
    """Message of a command that must end with exit code 2."""
    assert hocket(monkeypatch, *arguments) == 2
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "0 bytes"),
        (b"not a model at all, but long enough to look at", "not a TFLite"),
        ((MODELS / "micro_speech.tflite").read_bytes()[:9000], "TFLite"),
    ],
    ids=["empty", "text", "truncated"],
)
def test_pack_refuses_what_is_no_model_and_writes_nothing(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    content: bytes,
    told: str,
) -> None:
    (folder / "micro_speech.tflite").write_bytes(content)
    message = refused(monkeypatch, capsys, "pack", "app.toml")
    assert told.lower() in message.lower()
    assert "micro_speech.tflite" in message
    assert not list(folder.glob("*.hkt*"))


def test_pack_keeps_an_older_container_when_it_fails(
    packed: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = packed.read_bytes()
    (folder / "app.toml").write_text(APP.replace("50 MHz", "50"))
    assert "npu.clock" in refused(monkeypatch, capsys, "pack", "app.toml")
    assert packed.read_bytes() == before


@pytest.mark.parametrize("where", [0, 9, 40, 500, -40])
def test_run_refuses_a_damaged_container(
    packed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], where: int
) -> None:
    data = bytearray(packed.read_bytes())
    data[where] ^= 0x40
    packed.write_bytes(data)
    message = refused(monkeypatch, capsys, "run", "app.hkt")
    assert "found:" in message
    assert "Traceback" not in message


def test_run_refuses_a_model_that_changed_since_it_was_packed(
    packed: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(MODELS / "mlp_kws_int8.tflite", folder / "micro_speech.tflite")
    message = refused(monkeypatch, capsys, "run", "app.hkt")
    assert "the model changed since it was packed" in message
    assert "hocket pack" in message


def test_a_stripped_container_says_how_to_run_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hocket(monkeypatch, "pack", "app.toml", "--strip")
    assert "hocket run app.toml" in refused(monkeypatch, capsys, "run", "app.hkt")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["run", "none.hkt"], "No such file"),
        (["run", "app.hkt", "--seconds", "soon"], "duration"),
        (["run", "app.hkt", "--policy", "lottery"], "fifo, fp, edf, rr"),
        (["inspect", "app.toml"], "not a container"),
        (["pack", "none.toml"], "none.toml"),
    ],
)
def test_wrong_arguments_are_told(
    packed: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    told: str,
) -> None:
    assert told in refused(monkeypatch, capsys, *arguments)


def test_the_demo_can_be_written_out_and_packed(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert hocket(monkeypatch, "demo", "--write", "mine") == 0
    assert hocket(monkeypatch, "pack", "mine/app.toml") == 0
    assert "already" in refused(monkeypatch, capsys, "demo", "--write", "mine")


def test_the_demo_recognises_its_inputs_and_misses_no_deadline(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    assert hocket(monkeypatch, "demo", "--seconds", "2.5") == 0
    told = capsys.readouterr().out
    assert all(word in told for word in ("“left”", "“go”", "“yes”"))
    assert "25 of 25 as written" in told
    assert "0 in segments" in told
    assert told.count("equal tflite_micro's, bit for bit") == 2
