# SPDX-License-Identifier: Apache-2.0
"""The measured costs as a file and as tables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from rich.table import Table

from ..operators.costs import STEP_CYCLES, Costs, using
from ..tables import plain_table
from .measure import Measured

_HEAD = """\
# SPDX-License-Identifier: Apache-2.0
# CPU cycles of what operators do, each an upper bound over the measured cases. Written by
# `hocket profile` from the image on the bundled emulator, where an instruction takes one cycle.
"""


def toml(costs: Costs) -> str:
    """The file of a board's costs."""
    text, module = _HEAD, ""
    for unit, cycles in costs.cycles.items():
        owner, _, name = unit.partition(".")
        if owner != module:
            module = owner
            text += f"\n[{module}]\n"
        text += f"{name} = {cycles}\n"
    return text


def render(measured: Sequence[Measured], costs: Costs) -> Table:
    """By operator and primitive: what was measured, and how much more is estimated."""
    table = plain_table(
        "operator", "primitive", "cases", "longest step", "estimate / measured", "host ns / kcycle",
        title=f"cycles; a step may take {STEP_CYCLES}",
    )  # fmt: skip
    groups: dict[tuple[str, str], list[Measured]] = defaultdict(list)
    for one in measured:
        groups[one.kind, one.primitive].append(one)
    with using(costs):
        for (kind, primitive), found in sorted(groups.items()):
            ratios = sorted(one.spent.cycles / one.cycles for one in found)
            timed = [one for one in found if one.host_ns is not None]
            host = sum(one.host_ns or 0 for one in timed) * 1000
            table.add_row(
                kind,
                primitive,
                str(len(found)),
                str(max(one.step_cycles for one in found)),
                f"{ratios[0]:.2f} - {ratios[-1]:.2f}",
                str(host // sum(one.cycles for one in timed)) if timed else "",
            )
    return table
