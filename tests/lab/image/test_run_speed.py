# SPDX-License-Identifier: Apache-2.0
"""The command that tells the emulators' speed; no figure of it is held to anything."""

import json
import sys

from hocket_lab.image import speed


def run(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["speed", *map(str, words)])
    return speed.main()


def test_each_emulator_that_is_here_tells_instructions_and_virtual_time(
    elf, monkeypatch, tmp_path, capsys
):
    monkeypatch.setattr(speed, "_RUNS", 1)
    monkeypatch.setattr(speed, "_LOOP_NS", 50_000_000)
    monkeypatch.setattr(speed, "_DEMO_NS", 100_000_000)
    out = tmp_path / "build" / "speed.json"
    assert run(monkeypatch, "--firmware", elf, "--output", out) == 0
    found = json.loads(out.read_text())
    said = capsys.readouterr().out
    for back_end, speeds in found.items():
        assert back_end in said
        if speeds["missing"] is None:
            assert speeds["loop"]["real_time"] > 0
            assert speeds["demo"]["real_time"] > 0


def test_what_is_not_here_is_told(monkeypatch, tmp_path, capsys):
    elf = tmp_path / "any.elf"
    elf.write_bytes(b"")
    monkeypatch.setattr(speed, "missing", lambda name: f"no {name}: get it")
    assert run(monkeypatch, "--firmware", elf) == 0
    assert "qemu did not run: no qemu: get it" in capsys.readouterr().out


def test_without_an_image_it_says_how_to_build_one(monkeypatch, tmp_path, capsys):
    assert run(monkeypatch, "--firmware", tmp_path / "none.elf") == 2
    assert "make firmware" in capsys.readouterr().err
