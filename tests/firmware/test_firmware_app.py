# SPDX-License-Identifier: Apache-2.0
"""The default application and the lists of what belongs to an image."""

from __future__ import annotations

import json
import runpy
from types import SimpleNamespace
from typing import Any

import pytest

import hocket
from hocket.testing import FakeApp, FakePort
from paths import FIRMWARE

# Everything but what only tests need.
PARTS = sorted(
    f.relative_to(FIRMWARE / "hocket").as_posix()
    for f in (FIRMWARE / "hocket").rglob("*.py")
    if f.name != "testing.py"
)


def run_main(monkeypatch: pytest.MonkeyPatch, app: FakeApp, port: FakePort) -> list[Any]:
    sources: list[Any] = []
    monkeypatch.setattr(hocket, "load", lambda source: sources.append(source) or app)
    runpy.run_path(str(FIRMWARE / "app" / "main.py"))["main"](reports=1, port=port)
    return sources


def test_application_runs_every_task_of_the_container_in_flash(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    app = FakeApp()
    app.add("kws", [100, 100], 20_000)
    app.add("detect", [500] * 4, 100_000, priority=1)
    port = FakePort(app)
    port.board = SimpleNamespace(CONTAINER_BASE=0x70000000)
    assert run_main(monkeypatch, app, port) == [0x70000000]
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:3] for line in lines] == [
        ["task", "jobs", "done"],
        ["kws", "250", "250"],
        ["detect", "50", "50"],
    ]


def test_application_tells_misses_and_faults_and_goes_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    app = FakeApp()
    app.add("late", [100], 2_000_000, deadline_us=40)
    app.add("broken", [100], 2_000_000, offset_us=1_000)
    port = FakePort(app)
    port.board = SimpleNamespace(CONTAINER_BASE=0)
    port.fault(1, 0x4)
    run_main(monkeypatch, app, port)
    told = capsys.readouterr().out
    assert "deadline missed: late by 60 us" in told
    assert "net broken: bus abort" in told


def test_package_list_for_mip_names_every_part() -> None:
    listed = json.loads((FIRMWARE / "package.json").read_text())["urls"]
    assert sorted(listed) == [[f"hocket/{name}"] * 2 for name in PARTS]


def test_manifest_freezes_every_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FIRMWARE / "app")  # as the build does
    frozen: list[str] = []

    def package(name: str, files: tuple[str, ...], base_path: str, opt: int) -> None:
        assert (FIRMWARE / "app" / base_path / name).is_dir()
        frozen.extend(files)

    def module(name: str, base_path: str, opt: int) -> None:
        assert (FIRMWARE / "app" / base_path / name).is_file()

    runpy.run_path(str(FIRMWARE / "app" / "manifest.py"), {"package": package, "module": module})
    assert sorted(frozen) == PARTS
