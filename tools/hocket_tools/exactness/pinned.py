# SPDX-License-Identifier: Apache-2.0
"""Where Vela's command stream cannot equal tflite_micro, pinned to the exact values of both sides.

A pin is no tolerance. It names the inference and the element, what the NPU gives and what
tflite_micro gives; a change on either side, in either direction, breaks its test.
"""

from __future__ import annotations

from .sweep import Difference

#: Every difference of a case, by case id.
PINNED: dict[str, tuple[Difference, ...]] = {}
