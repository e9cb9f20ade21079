# SPDX-License-Identifier: Apache-2.0
"""Constants of the device's modules as the host reads them, and blocks of words packed by them."""

from __future__ import annotations

import importlib
import re

import pytest

from hocket_host.machines.cpython.process_memory import ProcessMemory
from hocket_host.machines.cpython.shims import installed
from hocket_tools.container.device import Words, constants, package, words

BLOCKS = [
    (".".join(("ops", file.stem)), title)
    for file in sorted((package() / "ops").glob("*.py"))
    for title in re.findall(r"^# Words of ([\w ]+).*\n(?:# .*\n)*_", file.read_text(), re.MULTILINE)
]


@pytest.mark.parametrize("module", ["dispatch", "_layout", "ethosu", "ops", "ops.conv"])
def test_constants_are_those_that_the_module_has_when_it_runs(module: str) -> None:
    with installed(ProcessMemory()):
        loaded = vars(importlib.import_module(f"hocket.{module}"))
    upper = {name.lstrip("_"): value for name, value in loaded.items() if name.isupper()}
    found = constants(module)
    assert found.keys() <= upper.keys()
    assert found == {name: upper[name] for name in found}
    assert len(found) > 1


@pytest.mark.parametrize(("module", "title"), BLOCKS)
def test_words_of_a_block_follow_each_other(module: str, title: str) -> None:
    block = Words(module, title)
    text = (package() / "ops" / f"{module[4:]}.py").read_text().partition(f"# Words of {title}")[2]
    numbers = [int(n) for n in re.findall(r"^_\w+ = const\((\d+)\)", text.split("\n\n")[0], re.M)]
    assert numbers == sorted(set(numbers))
    assert block.size == numbers[-1]


def test_a_block_is_packed_by_name() -> None:
    factor = Words("ops.fixed", "a factor")
    assert factor.size == 3
    assert factor.pack(right=3, multiplier=-1, left=2) == words(-1, 2, 3)
    loading = Words("ops.fixed", "a loading")
    packed = loading.pack(
        type=1, offset=2, shift=3, flat=0, sizes=words(4, 5, 6, 7, 8), strides=range(9, 14)
    )
    assert packed == words(1, 2, 3, 0, *range(4, 14))


def test_words_that_are_missing_or_too_many_are_refused() -> None:
    factor = Words("ops.fixed", "a factor")
    with pytest.raises(TypeError, match="must be"):
        factor.pack(multiplier=1, left=2)
    with pytest.raises(TypeError, match="must be"):
        factor.pack(multiplier=1, left=2, right=3, middle=4)
    with pytest.raises(TypeError, match="8 bytes of left, must be 4"):
        factor.pack(multiplier=1, left=(2, 2), right=3)
