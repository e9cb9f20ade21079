# SPDX-License-Identifier: Apache-2.0
"""Layers of which one output takes more than a step; filters with state."""

from __future__ import annotations

import numpy as np

from ..exact.case import Case
from ..exact.cases.convolution import Conv
from ..exact.cases.dense import FullyConnected
from ..exact.cases.recurrent import Lstm
from .plain_case import Operand, Plain


def large() -> list[Case]:
    """Layers of which one output takes more than a step."""
    return [
        Conv("3x3-depth200", size=(3, 3), depth=200, channels=5),
        Conv("5x5-depth70", size=(4, 3), kernel=(5, 5), depth=70, channels=3),
        Conv("1x1-depth1300", size=(2, 2), kernel=(1, 1), depth=1300, channels=4),
        FullyConnected("3000-to-3-batch2", batch=2, depth=3000, channels=3),
        Lstm("2x150-units30", steps=2, features=150, units=30),
        Lstm("2x150-units3", steps=2, features=150, units=3),
        Lstm("1x150-units70", dtype="int16", steps=1, features=150, units=70),
        FullyConnected("3000-to-3", dtype="int16", depth=3000, channels=3),
    ]


def filters() -> list[Case]:
    def svdf(
        name: str,
        *,
        depth: int = 10,
        units: int = 6,
        rank: int = 1,
        memory: int = 5,
        state: str = "int16",
        batch: int = 1,
        bias: bool = True,
    ) -> Plain:
        random = np.random.default_rng(len(name) * 31 + depth)
        filters = units * rank
        features = tuple(random.integers(-127, 128, filters * depth).tolist())
        low = -127 if state == "int8" else -32000
        times = tuple(random.integers(low, -low + 1, filters * memory).tolist())
        narrow = state == "int8"
        state_scale = 0.11 if narrow else 0.0007
        time_scale = 0.0078 if narrow else 0.00003
        offsets = tuple(random.integers(-9000, 9000, units).tolist())
        operands = [
            Operand((batch, depth), scale=(0.04, -17)),
            Operand((filters, depth), scale=(0.006, 0), values=features),
            Operand((filters, memory), state, (time_scale, 0), values=times),
        ]
        if bias:
            operands.append(
                Operand((units,), "int32", (state_scale * time_scale, 0), values=offsets)
            )
        operands.append(
            Operand(
                (batch, filters * memory), state, (state_scale, 3 if narrow else 0), variable=True
            )
        )
        return Plain(
            f"{name}-{state}-state",
            kind="SVDF",
            operands=tuple(operands),
            results=(Operand((batch, units), scale=(0.08, 9)),),
            options="SVDFOptions",
            attributes=(("rank", rank),),
        )

    return [
        svdf("plain"),
        svdf("rank2", rank=2, units=5),
        svdf("batch2", batch=2),
        svdf("long", memory=30, units=9, depth=33),
        svdf("memory1", memory=1),
        svdf("deep", depth=210, units=13, memory=7),
        svdf("narrow", depth=230, units=3, memory=90),
        svdf("plain", state="int8"),
        svdf("rank3", state="int8", rank=3, units=4, memory=8),
    ]
