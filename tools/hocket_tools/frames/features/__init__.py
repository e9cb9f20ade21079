# SPDX-License-Identifier: Apache-2.0
"""Features of sensors on the host: tables for the device, and frames of a recording."""

from __future__ import annotations

from .settings import FeatureError, FrontendSettings
from .stream import feature_inputs, open_features, read_wav
from .tables import build_tables

__all__ = [
    "FeatureError",
    "FrontendSettings",
    "build_tables",
    "feature_inputs",
    "open_features",
    "read_wav",
]
