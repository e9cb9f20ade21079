# SPDX-License-Identifier: Apache-2.0
"""Models of every kind that people have and tools disagree about, each with its right verdict."""

from __future__ import annotations

from . import damaged, edges, formats, kernels, meanings, networks
from .example import Example

__all__ = ["FAMILIES", "Example", "examples"]

FAMILIES = (edges, meanings, networks, kernels, formats, damaged)


def examples() -> tuple[Example, ...]:
    """All of them; names are unique."""
    return tuple(example for family in FAMILIES for example in family.examples())
