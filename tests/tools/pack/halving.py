# SPDX-License-Identifier: Apache-2.0
# An operator of an application's own, both halves in one file: every element halved, toward zero.
# The device imports this file, too, and has no hocket_tools.
# ruff: noqa: F821
import micropython

import hocket.ops

CODE = 128
# Elements of a step.
CHUNK = 64

try:
    from hocket_tools.cpu import Operator, PackedOperator, register
except ImportError:
    Operator = None


@micropython.viper
def halve(to, of, start: int, end: int):
    target = ptr8(to)
    source = ptr8(of)
    for i in range(start, end):
        value = int(source[i])
        if value > 127:
            value -= 256
            value = 0 - ((0 - value) >> 1)
        else:
            value >>= 1
        target[i] = value


class Halving:
    def __init__(self, params, inputs, outputs, scratch):
        self._of = inputs[0].raw
        self._to = outputs[0].raw
        self._at = 0

    def step(self):
        end = min(self._at + CHUNK, len(self._to))
        halve(self._to, self._of, self._at, end)
        self._at = end % len(self._to)
        return self._at == 0

    def reset(self):
        self._at = 0


hocket.ops.register(CODE, Halving)

if Operator is not None:

    class HalvingOperator(Operator):
        """Packs a custom operator named Halving."""

        kinds = ("Halving",)

        def supports(self, source):
            return None if source.input(0).dtype == "int8" else "elements that are not int8"

        def pack(self, source, primitive):
            given, result = source.input(0), source.outputs[0]
            return PackedOperator(
                code=CODE,
                primitive=primitive,
                params=b"",
                inputs=(given.index,),
                outputs=(result.index,),
                scratch_bytes=0,
                steps=-(-result.elements // CHUNK),
                step_cycles=3000 + 60 * CHUNK,
            )

    register(HalvingOperator())
