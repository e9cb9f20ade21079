# SPDX-License-Identifier: Apache-2.0
"""Activation functions: TANH, SIGMOID and the look-up tables in SHRAM.

TANH and SIGMOID interpolate TFLite's 16-bit table of ``65536 * sigmoid(i / 24)`` with the input in
units of 1 / (3 * 4096), not yet clipped to the OFM's range. A table of 256 bytes or of 256 words is
indexed by an 8-bit value, one of 512 words (base in the low half, slope in the high half)
by the upper nine bits of a 16-bit value, and interpolated by the lower seven.
"""

from __future__ import annotations

import numpy as np

from .compiled import kernel
from .row import (
    ACT_LUT8,
    ACT_LUT8_TO_32,
    ACT_NONE,
    ACT_SIGMOID,
    ACT_TANH,
    ACTIVATION,
    CLIP_HIGH,
    CLIP_LOW,
    LUT_ADDRESS,
    LUT_FIRST_INDEX,
    OUT_ZERO,
)

# TFLite's sigmoid_table_uint16 (tuned by one or two counts from plain rounding).
SIGMOID_TABLE = np.array(
    [
        32768, 33451, 34133, 34813, 35493, 36169, 36843, 37513, 38180, 38841, 39498, 40149,
        40794, 41432, 42064, 42688, 43304, 43912, 44511, 45102, 45683, 46255, 46817, 47369,
        47911, 48443, 48964, 49475, 49975, 50464, 50942, 51409, 51865, 52311, 52745, 53169,
        53581, 53983, 54374, 54755, 55125, 55485, 55834, 56174, 56503, 56823, 57133, 57433,
        57724, 58007, 58280, 58544, 58800, 59048, 59288, 59519, 59743, 59959, 60168, 60370,
        60565, 60753, 60935, 61110, 61279, 61441, 61599, 61750, 61896, 62036, 62172, 62302,
        62428, 62549, 62666, 62778, 62886, 62990, 63090, 63186, 63279, 63368, 63454, 63536,
        63615, 63691, 63765, 63835, 63903, 63968, 64030, 64090, 64148, 64204, 64257, 64308,
        64357, 64405, 64450, 64494, 64536, 64576, 64614, 64652, 64687, 64721, 64754, 64786,
        64816, 64845, 64873, 64900, 64926, 64950, 64974, 64997, 65019, 65039, 65060, 65079,
        65097, 65115, 65132, 65149, 65164, 65179, 65194, 65208, 65221, 65234, 65246, 65258,
        65269, 65280, 65291, 65301, 65310, 65319, 65328, 65337, 65345, 65352, 65360, 65367,
        65374, 65381, 65387, 65393, 65399, 65404, 65410, 65415, 65420, 65425, 65429, 65433,
        65438, 65442, 65445, 65449, 65453, 65456, 65459, 65462, 65465, 65468, 65471, 65474,
        65476, 65479, 65481, 65483, 65485, 65488, 65489, 65491, 65493, 65495, 65497, 65498,
        65500, 65501, 65503, 65504, 65505, 65507, 65508, 65509, 65510, 65511, 65512, 65513,
        65514, 65515, 65516, 65517, 65517, 65518, 65519, 65520, 65520, 65521, 65522, 65522,
        65523, 65523, 65524, 65524, 65525, 65525, 65526, 65526, 65526, 65527, 65527, 65528,
        65528, 65528, 65529, 65529, 65529, 65529, 65530, 65530, 65530, 65530, 65531, 65531,
        65531, 65531, 65531, 65532, 65532, 65532, 65532, 65532, 65532, 65533, 65533, 65533,
        65533, 65533, 65533, 65533, 65533, 65534, 65534, 65534, 65534, 65534, 65534, 65534,
        65534, 65534, 65534, 65535,
    ],
    dtype=np.int64,
)  # fmt: skip


@kernel
def sigmoid16(x):  # type: ignore[no-untyped-def]
    """Sigmoid of ``x / 12288`` in units of 2**-15."""
    magnitude = abs(x)
    index = magnitude >> 9
    if index >= 255:
        result = np.int64(0x7FFF << 10)
    else:
        first, second = SIGMOID_TABLE[index], SIGMOID_TABLE[index + 1]
        result = (first << 9) + (magnitude & 511) * (second - first)
    result = result + (1 << 9) if x >= 0 else (1 << 25) - result + (1 << 9) - 1
    return result >> 10


@kernel
def tanh16(x):  # type: ignore[no-untyped-def]
    """Hyperbolic tangent of ``x / 12288`` in units of 2**-15."""
    magnitude = abs(x)
    index = magnitude >> 8
    if index >= 255:
        result = np.int64(0xFFFF << 8)
    else:
        first, second = SIGMOID_TABLE[index], SIGMOID_TABLE[index + 1]
        result = (first << 8) + (magnitude & 255) * (second - first)
    result -= 1 << 23
    result = result + (1 << 7) if x >= 0 else -result + (1 << 7) - 1
    return result >> 8


@kernel
def activate(row, shram, line, count):  # type: ignore[no-untyped-def]
    """Apply the activation function to ``count`` scaled values in place."""
    kind = row[ACTIVATION]
    if kind == ACT_NONE:
        return
    values = line[:count]
    if kind in (ACT_TANH, ACT_SIGMOID):
        zero, low, high = row[OUT_ZERO], row[CLIP_LOW], row[CLIP_HIGH]
        for i in range(count):
            v = np.int64(values[i])
            v = tanh16(v) if kind == ACT_TANH else sigmoid16(v)
            values[i] = min(max(v + zero, low), high)
        return
    table = shram[row[LUT_ADDRESS] :]
    first = row[LUT_FIRST_INDEX]
    if kind == ACT_LUT8:
        # The table's bytes are of the OFM's own type; storing keeps their low eight bits.
        for i in range(count):
            values[i] = table[values[i] - first]
    elif kind == ACT_LUT8_TO_32:
        words = table[:1024].view(np.int32)
        for i in range(count):
            values[i] = words[values[i] - first]
    else:
        pairs = table[:2048].view(np.int16)
        for i in range(count):
            v = np.int64(values[i]) + 32768
            base, slope = np.int64(pairs[(v >> 7) * 2]), np.int64(pairs[(v >> 7) * 2 + 1])
            values[i] = base + ((slope * (v & 127) + 64) >> 7)
