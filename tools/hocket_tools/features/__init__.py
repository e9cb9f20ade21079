# SPDX-License-Identifier: Apache-2.0
"""Features of sensors on the host: tables for the device, and frames of a recording."""

from __future__ import annotations

from .settings import FEATURE_SCALE, FeatureError, FrontendSettings
from .tables import build_tables

__all__ = ["FEATURE_SCALE", "FeatureError", "FrontendSettings", "build_tables"]
