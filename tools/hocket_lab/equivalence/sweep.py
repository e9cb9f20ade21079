# SPDX-License-Identifier: Apache-2.0
"""One application on every platform, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hocket_host.errors import HocketError
from hocket_tools.app.application import load
from hocket_tools.pack.pack import pack

from ..needs import require
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
    for name in asked or ():
        if name not in PLATFORMS:
            raise HocketError(
                "unknown platform", found=repr(name), expected=", ".join(PLATFORMS),
                where="--platform",
            )  # fmt: skip
    reasons = {name: missing(name, firmware) for name in asked or PLATFORMS}
    require(all_of=reasons if asked else None)
    packed = pack(load(application))
    results: dict[str, PlatformResult] = {}
    for done, (name, reason) in enumerate(reasons.items()):
        progress(f"{application.name} on {name}", done, len(reasons))
        if reason is None:
            results[name] = run(name, packed, firmware, verify=verify)
    return report(results, {name: why for name, why in reasons.items() if why is not None})
