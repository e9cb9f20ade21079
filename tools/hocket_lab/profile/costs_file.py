# SPDX-License-Identifier: Apache-2.0
"""The measured costs as the file of a board."""

from __future__ import annotations

from hocket_tools.cpu.costs import Costs

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
