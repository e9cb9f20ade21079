# SPDX-License-Identifier: Apache-2.0
"""Options that several commands have, and what their values mean."""

from __future__ import annotations

from typing import Annotated

import typer

from hocket_host.errors import HocketError
from hocket_host.units import parse_duration

Seconds = Annotated[str, typer.Option(help='Virtual time to run, such as 2, 0.5 or "200 ms".')]
Policy = Annotated[str | None, typer.Option(help="fifo, fp, edf or rr; else the container's own.")]
Verify = Annotated[bool, typer.Option("--verify", help="Compare every output with tflite_micro's.")]
AsJson = Annotated[bool, typer.Option("--json", help="Write JSON.")]


def virtual_time(text: str) -> int:
    """Nanoseconds of a time such as ``200 ms``; a bare number is seconds.

    Raises
    ------
    UnitError
        It is neither.
    """
    return parse_duration(f"{text} s" if text[-1:].isdigit() else text)


def check_policy(policy: str | None) -> None:
    """Refuse a policy that there is not.

    Raises
    ------
    HocketError
        There is none of that name.
    """
    from ..app.application import POLICIES

    if policy is not None and policy not in POLICIES:
        raise HocketError(
            "unknown policy", found=repr(policy), expected=", ".join(POLICIES), where="--policy"
        )
