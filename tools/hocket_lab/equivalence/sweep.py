# SPDX-License-Identifier: Apache-2.0
"""One application on every platform, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hocket_tools.app.application import load
from hocket_tools.pack.pack import pack

from ..needs import choose
from ..progress import Report, silent
from .compare import report
from .platforms import PLATFORMS, missing, run
from .result import PlatformResult


def sweep(
    application: Path,
    asked: Sequence[str] | None,
    firmware: Path,
    *,
    verify: bool = False,
    progress: Report = silent,
) -> dict[str, Any]:
    """Run an application and compare what came of it.

    Parameters
    ----------
    application
        The application file.
    asked
        Platforms, each of which must be usable here; None for all that are.
    firmware
        The ARM image, for its emulators.
    verify
        Compare every output with tflite_micro's, too.
    progress
        Told of each platform.

    Returns
    -------
    dict
        As `compare.report` makes it.

    Raises
    ------
    HocketError
        A platform is unknown or missing, or a run fails.
    """
    chosen, lacking = choose(
        "--platform", asked, {name: missing(name, firmware) for name in PLATFORMS}
    )
    packed = pack(load(application))
    results: dict[str, PlatformResult] = {}
    for done, name in enumerate(chosen):
        progress(f"{application.name} on {name}", done, len(chosen))
        results[name] = run(name, packed, firmware, verify=verify)
    return report(results, lacking)
