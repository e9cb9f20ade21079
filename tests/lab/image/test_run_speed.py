# SPDX-License-Identifier: Apache-2.0
"""The command that tells the emulators' speed; no figure of it is held to anything."""

import json

from hocket_host.missing import Missing
from hocket_lab.image import emulator_speed as speed
from hocket_tools import run


def test_each_emulator_that_is_here_tells_instructions_and_virtual_time(
    elf, monkeypatch, tmp_path, hocket
):
    monkeypatch.setattr(speed, "_RUNS", 1)
    monkeypatch.setattr(speed, "_LOOP_NS", 50_000_000)
    monkeypatch.setattr(speed, "_DEMO_NS", 100_000_000)
    out = tmp_path / "build" / "speed.json"
    said = hocket("lab", "speed", "--firmware", elf, "--output", out)
    assert said.code == 0
    found = json.loads(out.read_text())
    for back_end, speeds in found.items():
        assert back_end in said.out
        if speeds["missing"] is None:
            assert speeds["loop"]["real_time"] > 0
            assert speeds["demo"]["real_time"] > 0


def test_without_any_emulator_nothing_is_measured(monkeypatch, tmp_path, hocket):
    elf = tmp_path / "any.elf"
    elf.write_bytes(b"")
    monkeypatch.setattr(run, "missing", lambda name: Missing(f"no {name}", f"get {name}"))
    said = hocket("lab", "speed", "--firmware", elf)
    assert said.code == 2
    assert "no unicorn; no qemu" in said.err
    assert "get unicorn; get qemu" in said.err


def test_without_an_image_it_says_how_to_build_one(tmp_path, hocket):
    said = hocket("lab", "speed", "--firmware", tmp_path / "none.elf")
    assert said.code == 2
    assert "make firmware" in said.err
