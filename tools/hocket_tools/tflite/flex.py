# SPDX-License-Identifier: Apache-2.0
"""Numbers of a FlexBuffer map, as custom operators keep their options.

Only the map's own numbers are read: maps within maps could refer to each other without end.
"""

from __future__ import annotations

import struct

from flatbuffers import flexbuffers

_MOST_KEYS = 64


def numbers(data: bytes) -> dict[str, int | float | bool] | None:
    """Numbers of the map by key; None where the bytes are no map of a few entries."""
    try:
        root = flexbuffers.GetRoot(data)
        if not root.IsMap:
            return None
        entries = root.AsMap
        if len(entries) > _MOST_KEYS:
            return None
        found: dict[str, int | float | bool] = {}
        for key, value in zip(entries.Keys, entries.Values, strict=True):
            if value.IsBool:
                found[key.AsKey] = bool(value.AsBool)
            elif value.IsInt:
                found[key.AsKey] = int(value.AsInt)
            elif value.IsFloat:
                found[key.AsKey] = float(value.AsFloat)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, struct.error):
        return None
    return found
