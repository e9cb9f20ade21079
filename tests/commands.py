# SPDX-License-Identifier: Apache-2.0
"""The `hocket` command as a user meets it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from hocket_tools import cli


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str


@pytest.fixture
def hocket(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Said]:
    """Run it; exit code, and what it says."""

    def call(*arguments: object) -> Said:
        monkeypatch.setenv("COLUMNS", "120")
        monkeypatch.setattr("sys.argv", ["hocket", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        code = stopped.value.code
        said = capsys.readouterr()
        return Said(code if isinstance(code, int) else 0, said.out, said.err)

    return call
