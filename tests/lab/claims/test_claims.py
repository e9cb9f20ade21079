# SPDX-License-Identifier: Apache-2.0
"""Documents say what was measured, and a difference is noticed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hocket_lab.claims.claims import Claim, ClaimError, check, load, write
from hocket_lab.claims.figures import FigureError, Placeholder, look_up
from hocket_lab.claims.record import record, recorded
from paths import ROOT

MEASURED = {
    "overlap": {"ratio": 0.8098, "rows": [{"least": 0.57, "ns": 3}, {"least": 0.65, "ns": 4}]},
    "robot": {"unicorn": {"failed": 0}, "renode": {"missing": "no Renode"}},
}
TEXT = "Together they take 0.78 of\nthe time, 1,234 jobs at most.\n"


def find(name: str) -> float | None:
    return look_up(MEASURED, name)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "README.md").write_text(TEXT)
    return tmp_path


def verdict(root: Path, says: str, **bounds: Any) -> tuple[str, str]:
    (finding,) = check([Claim("README.md", says, **bounds)], find, root)
    return finding.verdict, finding.detail


def test_documents_say_what_the_record_holds(hocket: Callable[..., Any]) -> None:
    said = hocket("lab", "claims", "--recorded")
    assert said.code == 0, said.out
    assert "not measured" not in said.out


def test_every_claimed_figure_is_recorded() -> None:
    names = {p.name for claim in load(ROOT / "docs" / "claims.toml") for p in claim.placeholders}
    assert names == set(recorded(ROOT / "docs" / "measured.json"))


def test_a_figure_that_differs_is_told_with_both_numbers(root: Path) -> None:
    what, detail = verdict(root, "take {overlap/ratio:.2f} of the time")
    assert what == "differs"
    assert "says 0.78, measured 0.81" in detail


def test_a_figure_of_the_machine_may_differ_by_a_share(root: Path) -> None:
    assert verdict(root, "take {overlap/ratio:.2f} of", within=0.05)[0] == "holds"
    assert verdict(root, "take {overlap/ratio:.2f} of", within=0.01)[0] == "differs"


@pytest.mark.parametrize(
    ("bounds", "what"),
    [
        ({"at_least": 0.5}, "holds"),
        ({"at_least": 0.9}, "differs"),
        ({"at_most": 0.9}, "holds"),
        ({"at_most": 0.5}, "differs"),
        ({"equals": 0.8098}, "holds"),
        ({"equals": 0.81}, "differs"),
    ],
)
def test_a_bound_is_held(root: Path, bounds: dict[str, float], what: str) -> None:
    assert verdict(root, "at most", figure=Placeholder("overlap/ratio"), **bounds)[0] == what


def test_what_was_not_measured_is_named(root: Path) -> None:
    assert verdict(root, "take {speed/x} of") == ("not measured", "not measured: speed/x")
    assert verdict(root, "take {robot/renode/failed} of")[0] == "not measured"


def test_words_that_no_document_says_are_an_error(root: Path) -> None:
    with pytest.raises(ClaimError, match="no document says so"):
        verdict(root, "they give {overlap/ratio}")


def test_documents_are_written_with_what_was_measured(root: Path) -> None:
    claims = [Claim("README.md", "take {overlap/ratio:.2f} of the time, {overlap/rows/1/ns:,} j")]
    assert write(claims, find, root) == ["README.md"]
    assert (root / "README.md").read_text() == TEXT.replace("0.78", "0.81").replace("1,234", "4")
    assert write(claims, find, root) == []


def test_an_asterisk_stands_for_every_key() -> None:
    assert find("overlap/rows/*/least|min") == 0.57
    assert find("overlap/rows/*/ns|sum") == 7
    assert find("robot/*/failed|max") == 0


@pytest.mark.parametrize("name", ["overlap/nothing", "overlap/rows/*/ns", "overlap/rows/7/ns"])
def test_a_name_of_no_single_figure_is_an_error(name: str) -> None:
    with pytest.raises(FigureError, match="no single figure"):
        find(name)


@pytest.mark.parametrize(
    ("text", "value", "shown"),
    [
        ("a/b", 5, "5"),
        ("a/b:,", 48464, "48,464"),
        ("a/b×100:.1f", 0.9786, "97.9"),
        ("a/b~100:,", 5433, "5,400"),
        ("a/*/b|max×0.001:.1f", 17840, "17.8"),
    ],
)
def test_a_figure_is_shown_as_the_document_writes_it(text: str, value: float, shown: str) -> None:
    assert Placeholder.parse(text).show(value) == shown


@pytest.mark.parametrize("table", ['says = "x"', 'in = "a"\nsays = "{b/c}"\nequals = 1', 'i = "a"'])
def test_a_claim_that_is_none_is_told(tmp_path: Path, table: str) -> None:
    path = tmp_path / "claims.toml"
    path.write_text(f"[[claim]]\n{table}\n")
    with pytest.raises(ClaimError, match="no claim"):
        load(path)


def test_the_record_keeps_what_was_not_measured_again(tmp_path: Path) -> None:
    path = tmp_path / "measured.json"
    path.write_text('{"speed/x": 3, "gone/y": 1}')
    record(path, [Claim("R", "{speed/x} {overlap/ratio}")], MEASURED)
    assert recorded(path) == {"speed/x": 3, "overlap/ratio": 0.8098}
