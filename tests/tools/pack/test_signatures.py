# SPDX-License-Identifier: Apache-2.0
"""Tasks that run the networks of one file by their signatures."""

from __future__ import annotations

from pathlib import Path

import pytest

from hocket_host.errors import HocketError
from hocket_tools.app.application import load
from hocket_tools.pack.pack import pack
from hocket_tools.pack.packed import Packed, open_packed
from hocket_tools.run.run import execute
from paths import DATA, MODELS

TWO = DATA / "odd" / "two_signatures.tflite"


def packed(folder: Path, **tasks: tuple[Path, str]) -> Packed:
    lines = [
        f'[tasks.{name}]\nmodel = "{model}"\nperiod = "400 ms"\n{more}\n'
        for name, (model, more) in tasks.items()
    ]
    (folder / "app.toml").write_text("\n".join(lines))
    return pack(load(folder / "app.toml"), folder=folder)


def test_each_task_runs_its_own_network_and_is_verified_against_it(tmp_path: Path) -> None:
    found = packed(tmp_path, left=(TWO, 'signature = "a"'), right=(TWO, 'signature = "b"'))
    assert [m.outputs[0].shape for m in found.image.models] == [(1, 4), (1, 6)]
    outcome = execute(found, 10**9, verify=True)
    assert outcome.verifier is not None
    assert outcome.verifier.mismatches == []
    assert set(outcome.verifier.checked) == {"left", "right"}


def test_a_container_finds_the_signature_again(tmp_path: Path) -> None:
    found = packed(tmp_path, right=(TWO, 'signature = "b"'))
    again = open_packed(tmp_path / "app.hkt", found.data)
    assert again.application.model("right").signature == "b"
    outcome = execute(again, 10**9, verify=True)
    assert outcome.verifier is not None
    assert outcome.verifier.mismatches == []


def test_tasks_of_one_network_share_its_weights(tmp_path: Path) -> None:
    kws = MODELS / "mlp_kws_int8.tflite"
    one = len(packed(tmp_path, a=(kws, "")).data)
    two = len(packed(tmp_path, a=(kws, ""), b=(kws, "")).data)
    weights = len(packed(tmp_path, a=(kws, "")).image.models[0].regions[0].data or b"")
    assert weights > 20_000
    assert two - one < weights / 4


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("", "no signature says which"),
        ('signature = "c"', "no such signature"),
        ('signature = ""', "tasks.left.signature"),
    ],
)
def test_what_is_wrong_with_a_signature_is_told_with_the_file(
    tmp_path: Path, line: str, says: str
) -> None:
    with pytest.raises(HocketError) as error:
        packed(tmp_path, left=(TWO, line))
    assert says in str(error.value)
