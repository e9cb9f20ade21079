# SPDX-License-Identifier: Apache-2.0
"""Everything that a report shows, as one structure of plain values.

The HTML file holds it as JSON and draws from nothing else; `hocket report --json` writes it as it
is. A reader should refuse another ``version``: it changes when a key changes its meaning or goes.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Any

from hocket_host.board.board import Board
from hocket_host.ethosu.config import npu_config

from ..pack.packed import Packed
from ..run.run import Outcome
from .activity import activity
from .memory import Lifetimes, arena, flash, pool
from .network import layers, networks, segments
from .summary import POLICY_NAMES

SCHEMA = "hocket-report"
VERSION = 1


def build(packed: Packed, outcome: Outcome) -> dict[str, Any]:
    """Describe an application and one run of it.

    Parameters
    ----------
    packed
        Container and application.
    outcome
        A run of that container.

    Returns
    -------
    dict
        Of strings, integers, booleans, None, lists and dicts only. Sizes and offsets are bytes,
        times ns from the start of the run, cycles NPU cycles. ``application`` says what was run,
        ``run`` what happened (see `activity`), ``models`` describes each network, ``pool`` and
        ``flash`` the memories.

    Raises
    ------
    HocketError
        A model cannot be compiled again to name its operators.
    """
    image = packed.image
    models = []
    for network in networks(packed):
        lifetimes = Lifetimes(network)
        models.append(
            {
                "name": network.model.name,
                "segments": segments(network, lifetimes.live_bytes),
                "layers": layers(network),
                "arena": arena(network, lifetimes),
            }
        )
    board = packed.target.board
    return {
        "schema": SCHEMA,
        "version": VERSION,
        "generator": f"hocket {_release()}",
        "application": _application(packed, outcome, board),
        "run": activity(outcome.run, image, policy=outcome.policy),
        "models": models,
        "pool": pool(image, image.models, board.arena_size),
        "flash": flash(image, packed.data),
    }


def _application(packed: Packed, outcome: Outcome, board: Board) -> dict[str, Any]:
    image, verifier = packed.image, outcome.verifier
    verified = None
    if verifier is not None:
        verified = {
            "jobs": sum(verifier.checked.values()),
            "mismatches": [vars(mismatch) for mismatch in verifier.mismatches],
        }
    return {
        "file": packed.application.path.name,
        "accelerator": image.accelerator,
        "macs": npu_config(image.accelerator).macs,
        "npu_hz": image.npu_hz,
        "board": board.name,
        "cpu_hz": packed.application.board.cpu_clock or board.cpu_hz,
        "dispatch_cpu_cycles": board.dispatch_cpu_cycles,
        "release_cpu_cycles": board.release_cpu_cycles,
        "resume_cpu_cycles": board.resume_cpu_cycles,
        "completion_cpu_cycles": board.completion_cpu_cycles,
        "policy": outcome.policy,
        "policy_name": POLICY_NAMES.get(outcome.policy, outcome.policy),
        "cut": outcome.cut,
        "cycles": packed.application.schedule.cycles,
        "verified": verified,
    }


def _release() -> str:
    try:
        return version("hocket")
    except PackageNotFoundError:
        return "from source"
