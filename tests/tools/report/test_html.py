# SPDX-License-Identifier: Apache-2.0
import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from hocket_tools.pack.packed import Packed
from hocket_tools.report import ReportError, build, render, write
from hocket_tools.run.run import Outcome


@pytest.fixture(scope="module")
def told(packed: Packed, outcome: Outcome) -> dict[str, Any]:
    return build(packed, outcome)


@pytest.fixture(scope="module")
def text(told: dict[str, Any]) -> str:
    return render(told)


def _content(text: str, tag: str) -> str:
    return re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)[0]


def test_the_data_is_the_report_itself(told: dict[str, Any], text: str) -> None:
    data = re.findall(r'<script type="application/json" id="data">(.*?)</script>', text)
    assert [json.loads(found) for found in data] == [told]


def test_names_cannot_end_the_script_that_holds_them(told: dict[str, Any]) -> None:
    hostile = json.loads(json.dumps(told))
    hostile["run"]["tasks"][0]["name"] = "</script><!--<script>"
    hostile["application"]["file"] = '"><img src=x>@SCRIPT@.toml'
    text = render(hostile)
    assert len(re.findall("</script>", text)) == 2
    assert "<img" not in text
    assert "&lt;img src=x&gt;@SCRIPT@.toml" in text


def test_the_policy_allows_this_style_and_script_only(text: str) -> None:
    policy = re.findall(r'Content-Security-Policy" content="(.*?)"', text)[0]
    for tag in ("style", "script"):
        digest = hashlib.sha256(_content(text, tag).encode()).digest()
        assert f"{tag}-src 'sha256-{base64.b64encode(digest).decode()}'" in policy
    assert "default-src 'none'" in policy


def test_no_address_is_in_the_file_but_that_of_svg(text: str) -> None:
    style_and_script = _content(text, "style") + _content(text, "script")
    assert re.findall(r"https?://[^\"' ]*", style_and_script) == ["http://www.w3.org/2000/svg"]


def test_the_size_is_told(told: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    assert write(told, path) == path.stat().st_size


def test_a_report_that_cannot_be_written_is_told(told: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="cannot be written"):
        write(told, tmp_path / "none" / "report.html")
