# SPDX-License-Identifier: Apache-2.0
"""Cuts a command stream into segments that can run with anything in between."""

from .choice import ChosenCuts, Oversize, choose, flash_prologue_cycles
from .dataflow import ByteRange
from .network import SplitError, Stream
from .segment import CutPoint, Prologue, Segment, cut_points, split

__all__ = [
    "ByteRange",
    "ChosenCuts",
    "CutPoint",
    "Oversize",
    "Prologue",
    "Segment",
    "SplitError",
    "Stream",
    "choose",
    "cut_points",
    "flash_prologue_cycles",
    "split",
]
