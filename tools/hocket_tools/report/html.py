# SPDX-License-Identifier: Apache-2.0
"""The report as one HTML file that needs nothing else: style, script and data are inside."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from importlib import resources
from pathlib import Path
from typing import Any

from hocket_host.errors import HocketError

#: In order of use; all of them share one scope.
_SCRIPTS = (
    "base.js",
    "tasks.js",
    "timeline.js",
    "interact.js",
    "responses.js",
    "networks.js",
    "memories.js",
    "main.js",
)


class ReportError(HocketError):
    """A report that cannot be written."""


def render(report: dict[str, Any]) -> str:
    """The HTML text of a report.

    Parameters
    ----------
    report
        What `hocket_tools.report.build` returned.

    Notes
    -----
    Its content security policy allows this style and this script by their digests and nothing
    else, so the page can load nothing, whatever the names in a model hold.
    """
    style = _asset("report.css")
    script = '"use strict";\n' + "".join(_asset(name) for name in _SCRIPTS)
    # JSON may contain "</script>" or "<!--" within strings; "<" has an escape there.
    data = json.dumps(report, separators=(",", ":"), ensure_ascii=False).replace("<", "\\u003c")
    title = html.escape(f"Hocket report: {report['application']['file']}")
    values = {
        "TITLE": title,
        "STYLE_HASH": _digest(style),
        "SCRIPT_HASH": _digest(script),
        "STYLE": style,
        "SCRIPT": script,
        "DATA": data,
    }
    # Split rather than replaced one after the other: a value may contain another's marker.
    parts = _asset("page.html").split("@")
    return "".join(values.get(part, part) for part in parts)


def write(report: dict[str, Any], path: Path) -> int:
    """Write a report as an HTML file.

    Returns
    -------
    int
        Its size in bytes.

    Raises
    ------
    ReportError
        The file cannot be written.
    """
    encoded = render(report).encode()
    try:
        path.write_bytes(encoded)
    except OSError as error:
        raise ReportError(
            "the report cannot be written",
            where=path,
            found=error.strerror,
            expected="a folder that exists and may be written to",
        ) from error
    return len(encoded)


def _asset(name: str) -> str:
    return resources.files(__package__).joinpath("assets", name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
