# SPDX-License-Identifier: Apache-2.0
"""Robot Framework suites on Hocket's own emulators: Renode's keywords, for `robot` itself."""

from __future__ import annotations

from pathlib import Path

#: What a suite imports in place of Renode's own keywords.
KEYWORDS = Path(__file__).with_name("keywords.robot")
