# SPDX-License-Identifier: Apache-2.0
"""A container in flash, read in place by the default application."""

from __future__ import annotations

from pathlib import Path

import pytest

from hocket_lab.image import console
from hocket_tools.container import (
    DType,
    Image,
    Model,
    PlanEntry,
    Policy,
    Region,
    Step,
    Task,
    Tensor,
    region_slots,
)
from hocket_tools.container import build as build_container

pytestmark = pytest.mark.needs("qemu-arm")

FLASH = 0x70000000
LOAD = """
import board, hocket
app = hocket.load(board.CONTAINER_BASE)
print(app.address == board.CONTAINER_BASE, app.accelerator, [n.name for n in app.nets])
"""


def container() -> bytes:
    return build_container(
        Image(
            accelerator="ethos-u55-128",
            npu_config=0x1807,
            npu_id=0x10066001,
            npu_hz=50_000_000,
            arena_size=1024,
            policy=Policy.FP,
            models=(
                Model(
                    name="only",
                    regions=region_slots(Region.read_only(bytes(32)), Region.arena(0, 1024)),
                    inputs=(Tensor("x", (4,), DType.INT8, 1.0, 0, 1, 0, 4),),
                    outputs=(Tensor("y", (4,), DType.INT8, 1.0, 0, 1, 16, 4),),
                    steps=(Step("only/0", bytes(16), 600, 900, 0, 1),),
                    arena_offset=0,
                    arena_size=1024,
                ),
            ),
            tasks=(Task("only", 0, 20_000_000, 20_000_000),),
            plan=(PlanEntry(),),
        )
    )


def test_is_read_where_it_lies(elf: Path, tmp_path: Path) -> None:
    file = tmp_path / "app.hkt"
    file.write_bytes(container())
    run = console.run_script(elf, LOAD, files={FLASH: file})
    assert run.error == ""
    assert run.output == "True ethos-u55-128 ['only']\n"


def test_for_another_npu_is_refused_in_a_line_and_the_repl_is_there(
    elf: Path, tmp_path: Path
) -> None:
    # QEMU's machine reads zeros where the NPU is: another NPU than the container's.
    file = tmp_path / "app.hkt"
    file.write_bytes(container())
    run = console.run_script(elf, "print('here')", files={FLASH: file})
    assert "the container is for Ethos-U55 with 128 MACs" in run.console
    assert run.output == "here\n"


def test_damaged_is_refused_in_a_line_and_the_repl_is_there(elf: Path, tmp_path: Path) -> None:
    data = bytearray(container())
    data[-40] ^= 1
    file = tmp_path / "app.hkt"
    file.write_bytes(data)
    run = console.run_script(elf, "print('here')", files={FLASH: file})
    assert "is corrupt (CRC)" in run.console
    assert run.output == "here\n"
