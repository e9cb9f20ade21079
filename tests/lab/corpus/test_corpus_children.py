# SPDX-License-Identifier: Apache-2.0
"""Whatever a model does to its process, the table has a line for it and goes on."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hocket_host.errors import HocketError
from hocket_lab.corpus.children import judged
from hocket_lab.corpus.folder import models_of
from hocket_lab.corpus.generated.networks import examples
from hocket_lab.corpus.judge import Asked
from hocket_lab.corpus.table import Corpus, Expected, Row

MIB = 1 << 20


def trouble(asked: Asked) -> dict[str, Any]:
    """Does what the model's name says."""
    if asked.name == "abort":
        os.abort()
    if asked.name == "exit":
        os._exit(3)
    if asked.name == "sleep":
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        time.sleep(600)
    if asked.name == "memory":
        try:
            np.ones(1 << 30, np.int64)
        except MemoryError:
            return {"verdict": "crashed", "reason": "MemoryError"}
    if asked.name == "100 MiB":
        np.ones(100 * MIB, np.uint8)
    return {"verdict": "exact"}


def run(*names: str) -> list[dict[str, Any]]:
    asked = [Asked(name, Path(name), "ethos-u55-128") for name in names]
    found = list(judged(asked, seconds=20, memory_bytes=1024 * MIB, judge=trouble))
    assert [a.name for a, _ in found] == list(names)
    return [result for _, result in found]


def test_ends_of_a_process_are_lines_of_the_table() -> None:
    abort, left, memory, well = run("abort", "exit", "memory", "well")
    assert abort["reason"] == "the process ended by SIGABRT"
    assert left["reason"] == "the process ended with exit code 3"
    assert memory["reason"] == "MemoryError"
    assert well["verdict"] == "exact"


def test_time_ends_and_takes_what_was_started_along() -> None:
    asked = [Asked("sleep", Path("sleep"), "ethos-u55-128")]
    ((_, found),) = judged(asked, seconds=1.0, memory_bytes=1024 * MIB, judge=trouble)
    assert (found["verdict"], found["reason"]) == ("crashed", "no verdict after 1 s")
    assert 1.0 <= found["seconds"] < 15


def test_peak_memory_is_the_childs() -> None:
    small, large = run("well", "100 MiB")
    assert 80 < large["peak_mb"] - small["peak_mb"] < 140


def test_every_network_of_every_file_is_asked_about(tmp_path: Path) -> None:
    several = next(e for e in examples() if e.signature == "small")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "several.tflite").write_bytes(several.data)
    (tmp_path / "a.onnx").write_bytes(b"?")
    (tmp_path / "readme.txt").write_bytes(b"?")
    found = [(a.name, a.signature) for a in models_of(tmp_path, "ethos-u55-128")]
    assert found == [
        ("a.onnx", None),
        ("b/several.tflite small", "small"),
        ("b/several.tflite large", "large"),
    ]


def test_a_folder_without_models_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(HocketError, match="no models"):
        list(models_of(tmp_path, "ethos-u55-128"))


def rows(*verdicts: tuple[str, Expected | None]) -> Corpus:
    asked = Asked("m", Path("m"), "ethos-u55-128")
    return Corpus(
        tuple(
            Row(asked, {"verdict": v, "reason": "as it is", "seconds": i, "peak_mb": 10 - i}, e)
            for i, (v, e) in enumerate(verdicts)
        )
    )


def test_figures_count_verdicts() -> None:
    figures = rows(("exact", None), ("exact", None), ("wrong", None), ("refused", None)).figures()
    assert figures == {
        "models": 4, "exact": 2, "exact_on_CPU": 0, "refused": 1, "unjudged": 0, "wrong": 1,
        "crashed": 0, "slowest_s": 3, "peak_mb": 10,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("verdict", "expected", "unexpected"),
    [
        ("exact", None, False),
        ("refused", None, False),
        ("wrong", None, True),
        ("crashed", None, True),
        ("refused", Expected("refused", "as it"), False),
        ("refused", Expected("refused", "otherwise"), True),
        ("exact", Expected("refused"), True),
    ],
)
def test_what_is_other_than_it_should_be(
    verdict: str, expected: Expected | None, unexpected: bool
) -> None:
    assert len(rows((verdict, expected)).unexpected) == unexpected
