# SPDX-License-Identifier: Apache-2.0
import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from hocket_host.errors import HocketError
from hocket_tools.cli import report
from hocket_tools.pack.packed import Packed


@pytest.fixture
def app() -> typer.Typer:
    made = typer.Typer()
    made.command()(report.report)
    return made


def _source(packed: Packed) -> str:
    return str(packed.application.path)


def test_a_report_is_written_and_its_size_told(
    app: typer.Typer, packed: Packed, tmp_path: Path
) -> None:
    output = tmp_path / "out.html"
    command = [_source(packed), "-o", str(output), "--seconds", "0.02"]
    result = CliRunner().invoke(app, command, catch_exceptions=False)
    assert result.exit_code == 0
    assert str(output) in result.stdout
    assert output.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_json_is_the_data_alone(app: typer.Typer, packed: Packed) -> None:
    command = [_source(packed), "--json", "--seconds", "0.02", "--policy", "edf"]
    result = CliRunner().invoke(app, command, catch_exceptions=False)
    assert json.loads(result.stdout)["application"]["policy"] == "edf"


def test_an_unknown_policy_is_told(app: typer.Typer, packed: Packed) -> None:
    with pytest.raises(HocketError, match="unknown policy"):
        CliRunner().invoke(app, [_source(packed), "--policy", "best"], catch_exceptions=False)
