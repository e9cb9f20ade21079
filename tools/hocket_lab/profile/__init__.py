# SPDX-License-Identifier: Apache-2.0
"""What operators on the processor cost on a board: measured, and fitted as upper bounds."""

from __future__ import annotations

from .fit import FitError, fit
from .measure import Measured, measure
from .tables import render, toml

__all__ = ["FitError", "Measured", "fit", "measure", "render", "toml"]
