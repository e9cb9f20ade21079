# SPDX-License-Identifier: Apache-2.0
"""The demonstration's application file: three networks of the zoo on one NPU."""

from __future__ import annotations

from pathlib import Path

APPLICATION = Path(__file__).with_name("app.toml")
