# SPDX-License-Identifier: Apache-2.0
"""Output scaling: accumulator times a 32-bit scale, rounded right shift.

``(v * scale + r) >> shift`` with ``r`` chosen by the sign of ``v``:

- NATURAL: half of the last place, so that ties go up.
- DOUBLE: the same, and from shift 32 on 2**30 away from zero: which equals TFLite's saturating
  rounding doubling high multiply followed by a rounding shift by ``shift - 31`` that sends ties
  away from zero, in one shift.
- TRUNCATE: towards zero.
"""

from __future__ import annotations

import numpy as np

from .compiled import kernel

DOUBLE, TRUNCATE, NATURAL = 0, 1, 2


@kernel
def rounding_terms(shift, rounding, preshift):  # type: ignore[no-untyped-def]
    """What to add to a product before the shift: for values >= 0, for values < 0.

    ``preshift`` is the number of bits that the scale's shift was already reduced by, because the
    hardware shifts the operand left by as many before it multiplies (ADD and SUB).
    """
    one = np.int64(1)
    zero = np.int64(0)
    if rounding == TRUNCATE:
        return zero, (one << shift) - one
    half = one << (shift - 1) if shift > 0 else zero
    far = zero
    if rounding == DOUBLE and shift > 31 - preshift:
        far = one << (30 - preshift)
    return half + far, half - far


@kernel
def scaled(value, scale, shift, up, down):  # type: ignore[no-untyped-def]
    """One value, scaled and rounded."""
    return (value * scale + (up if value >= 0 else down)) >> shift


@kernel
def scale_uniform(acc, count, scale, shift, up, down, zero, low, high, line):  # type: ignore[no-untyped-def]
    """Scale ``count`` accumulators with one scale, add the zero point and clip."""
    for i in range(count):
        v = acc[i]
        v = ((v * scale + (up if v >= 0 else down)) >> shift) + zero
        line[i] = min(max(v, low), high)


@kernel
def scale_channels(acc, pixels, depth, lanes, scales, zero, low, high, line):  # type: ignore[no-untyped-def]
    """Scale rows of accumulators, ``lanes`` apart, channel by channel; results ``depth`` apart.

    ``scales`` holds five arrays of ``lanes``: bias, scale, shift and the two rounding terms.
    """
    bias, scale, shift = scales[:lanes], scales[lanes : 2 * lanes], scales[2 * lanes : 3 * lanes]
    up, down = scales[3 * lanes : 4 * lanes], scales[4 * lanes : 5 * lanes]
    for p in range(pixels):
        a = acc[p * lanes : p * lanes + depth]
        into = line[p * depth : (p + 1) * depth]
        for c in range(depth):
            v = a[c] + bias[c]
            v = ((v * scale[c] + (up[c] if v >= 0 else down[c])) >> shift[c]) + zero
            into[c] = min(max(v, low), high)


@kernel
def average_scale(count, rounding):  # type: ignore[no-untyped-def]
    """Scale, shift and rounding terms that divide by ``count``.

    Source: Vela's ``QuantizePoolingScale`` with 31 fraction bits: the exponent of ``count - 1``,
    and a reciprocal a little too large, so that ties leave zero as in TFLite's integer division.
    """
    exponent = 0
    while (count - 1) >> exponent:
        exponent += 1
    one = np.int64(1)
    shift = 31 + exponent
    scale = ((one << shift) + (one << exponent)) // count
    up, down = rounding_terms(shift, rounding, 0)
    return scale, shift, up, down
