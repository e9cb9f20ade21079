# SPDX-License-Identifier: Apache-2.0
"""Every generated model comes to its verdict; of those that run, an oracle has the outputs."""

from __future__ import annotations

from pathlib import Path

import pytest

from hocket_lab.corpus.generated import Example, examples
from hocket_lab.corpus.judge import Asked, judge
from hocket_lab.corpus.table import Row
from hocket_lab.exact.cases import BY_ID
from paths import DATA

EXAMPLES = examples()


def row(folder: Path, example: Example) -> Row:
    path = folder / example.name
    path.write_bytes(example.data)
    asked = Asked(example.name, path, "ethos-u55-128", example.signature, example.lines)
    return Row(asked, judge(asked), example.expected)


def test_there_are_enough_and_each_has_a_name() -> None:
    assert len(EXAMPLES) == len({e.name for e in EXAMPLES}) >= 60


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: e.name)
def test_verdict_is_the_right_one(tmp_path: Path, example: Example) -> None:
    found = row(tmp_path, example)
    assert not found.unexpected, (found.verdict, found.reason)
    assert (found.verdict == "exact") == (found.result.get("latency_ns") is not None)


@pytest.mark.parametrize(
    ("name", "verdict", "says"),
    [
        ("contradicting_signature", "exact", ""),
        ("offline_metadata", "exact", ""),
        ("unused_input", "exact", ""),
        ("damaged_flatbuffer", "refused", "damaged TFLite file"),
        ("softmax_tiny", "unjudged", "SOFTMAX 'Identity': tflite_micro crashes"),
        ("two_signatures", "refused", 'signatures "a", "b"'),
        ("layernorm", "exact", ""),
        ("int64_output", "refused", "int64 tensor"),
    ],
)
def test_published_files_that_tools_disagree_about(name: str, verdict: str, says: str) -> None:
    found = judge(Asked(name, DATA / "odd" / f"{name}.tflite", "ethos-u55-128"))
    assert found["verdict"] == verdict, found
    assert says in found.get("reason", "")


def test_what_is_exact_on_the_cpu_only_says_which_layers(tmp_path: Path) -> None:
    path = tmp_path / "sum.tflite"
    path.write_bytes(BY_ID["sum-int8-depth-double-rounding"].model())
    found = judge(Asked("sum", path, "ethos-u55-128"))
    assert found["verdict"] == "exact on CPU"
    assert found["reason"].startswith('on-cpu = ["output"]: ')
