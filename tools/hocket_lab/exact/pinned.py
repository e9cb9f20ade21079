# SPDX-License-Identifier: Apache-2.0
"""Where Vela's command stream cannot equal tflite_micro, pinned to the exact values of both sides.

A pin is no tolerance. It names the inference and the element, what the NPU gives and what
tflite_micro gives; a change on either side, in either direction, breaks its test. The arithmetic,
which the tests repeat from the registers and tables that Vela wrote:

MUL, int16
    The product is scaled by ``s1 * s2 / s3``. Vela evaluates that in float32 and writes
    2021161216 × 2**-45 to OFM_SCALE; tflite_micro evaluates it in float64 and uses
    2021161119 × 2**-45. For 20147 × 12225 the two give 14148.5002 and 14148.4995, which round to
    either side. Products of 8-bit operands are too small for the difference to show.

FULLY_CONNECTED, int8 with one scale for all weights
    Vela multiplies the input's and the weights' scale in float32, as TFLite's own kernel does, and
    divides in float64; tflite_micro multiplies in float64. The multipliers differ by some 5e-8, so
    of random outputs about one in a million rounds the other way. The case has biases at ties.
    Convolutions, and weights with a scale for each channel, are float64 on both sides.

SUM, int8
    Vela makes it a convolution with unit weights and round mode NATURAL: one rounding of
    ``sum * s1 / s2``. tflite_micro rounds twice when ``s1 / s2`` is below one half, first at one
    more fraction bit and then to the integer, ties away from zero: 82.41 becomes 82.5 and then 83.

TANH, int8
    Vela fills a table of 256 entries with correctly rounded values; tflite_micro evaluates the
    hyperbolic tangent in fixed point. With an input step of 1/256 and an output step of 1/128 the
    first positive step is 0.499997: Vela rounds it to 0, the fixed-point error lifts it to 1.

RSQRT, int16
    Vela fills a table of 512 chords, each over 128 input steps; tflite_micro evaluates an inverse
    square root in fixed point for each element. The chord lies above the convex curve, and the
    fixed-point root has an error of its own: at the largest input the exact value is 16000.2.
"""

from __future__ import annotations

from .sweep import Difference

#: Every difference of a case, by case id, on every accelerator.
PINNED: dict[str, tuple[Difference, ...]] = {
    "mul-int16-plain": (Difference(6, 0, 95, 14149, 14148),),
    "fully_connected-int8-ties": (
        Difference(2, 0, 11, -48, -49),
        Difference(2, 0, 108, 48, 49),
    ),
    "sum-int8-depth-double-rounding": (
        Difference(3, 0, 3, -49, -50),
        Difference(4, 0, 1, -55, -56),
        Difference(4, 0, 6, -21, -22),
        Difference(4, 0, 8, 44, 45),
        Difference(6, 0, 1, 47, 48),
        Difference(6, 0, 6, -26, -27),
        Difference(7, 0, 2, 15, 16),
        Difference(7, 0, 3, -5, -6),
    ),
    "tanh-int8-ties": (
        Difference(3, 0, 1, 0, 1),
        Difference(6, 0, 172, 0, 1),
        Difference(6, 0, 206, 0, 1),
    ),
    "rsqrt-int16-plain": (
        *(Difference(1, 0, element, 16000, 16001) for element in range(8)),
        Difference(3, 0, 5, 24441, 24442),
        Difference(3, 0, 6, 18933, 18932),
        Difference(3, 0, 7, 16000, 16001),
        Difference(5, 0, 0, 25084, 25083),
        Difference(5, 0, 1, 16193, 16192),
        Difference(5, 0, 3, 19457, 19456),
        Difference(6, 0, 0, 30093, 30091),
        Difference(6, 0, 2, 23777, 23776),
    ),
}
