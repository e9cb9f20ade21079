# SPDX-License-Identifier: Apache-2.0
"""UNIDIRECTIONAL_SEQUENCE_LSTM: int8 activations, int16 cell state, state kept between runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from hocket_tools.tflite.builder import ABSENT, ModelBuilder, Quantisation

from ..case import Case

_GATES = ("input", "forget", "cell", "output")
_TANH = 4


@dataclass(frozen=True)
class Lstm(Case):
    """One LSTM layer over a whole sequence."""

    operator: ClassVar[str] = "UNIDIRECTIONAL_SEQUENCE_LSTM"
    steps: int = 4
    features: int = 6
    units: int = 8
    batch: int = 1
    cell_clip: float = 10.0
    input_zero: int = -3
    time_major: bool = False

    def build(self, model: ModelBuilder) -> None:
        """Add the layer."""
        wide = self.is_int16
        state_scale = 1 / 32768 if wide else 1 / 128
        source_quantisation = self.quantisation(0.02 / 256 if wide else 0.02, self.input_zero)
        state_quantisation = self.quantisation(state_scale, 0)
        shape = (self.batch, self.steps)
        leading = shape[::-1] if self.time_major else shape
        source = model.input("input", (*leading, self.features), self.dtype, source_quantisation)
        random = self.generator("weights")

        def weights(name: str, columns: int, scale: float) -> int:
            values = random.integers(-127, 127, (self.units, columns), np.int8, endpoint=True)
            return model.constant(name, values, Quantisation.tensor(scale))

        from_input = [weights(f"input_to_{g}", self.features, 0.009) for g in _GATES]
        from_state = [weights(f"recurrent_to_{g}", self.units, 0.007) for g in _GATES]
        bias_scale = 0.009 * source_quantisation.scale
        biases = [
            model.constant(
                f"{gate}_bias",
                random.integers(-4000, 4000, self.units).astype(np.int64 if wide else np.int32),
                Quantisation.tensor(bias_scale),
            )
            for gate in _GATES
        ]
        output_state = model.activation(
            "output_state", (self.batch, self.units), self.dtype, state_quantisation, variable=True
        )
        cell_state = model.activation(
            "cell_state",
            (self.batch, self.units),
            np.int16,
            Quantisation.tensor(2**-12),
            variable=True,
        )
        result = model.output("output", (*leading, self.units), self.dtype, state_quantisation)
        # Without these, which hold scales only, readers take the layer for a float one.
        gates = [model.activation(f"{g}_intermediate", (0,), np.float32, None) for g in _GATES]
        hidden = model.activation("hidden_intermediate", (0,), np.int8, state_quantisation)
        model.operator(
            self.op,
            (
                source,
                *from_input,
                *from_state,
                *(ABSENT,) * 3,
                *biases,
                *(ABSENT,) * 2,
                output_state,
                cell_state,
                *(ABSENT,) * 4,
            ),
            (result,),
            "UnidirectionalSequenceLSTMOptions",
            intermediates=(*gates, hidden),
            fusedActivationFunction=_TANH,
            cellClip=self.cell_clip,
            timeMajor=self.time_major,
        )


CASES: tuple[Case, ...] = (
    Lstm("4x6-units8"),
    Lstm("2x3-units1", steps=2, features=3, units=1),
    Lstm("1x6-units8", steps=1),
    Lstm("3x17-units20", steps=3, features=17, units=20, input_zero=-128),
    Lstm("time-major", time_major=True),
    Lstm("batch2", batch=2, steps=3),
    Lstm("no-clip", cell_clip=0.0),
    Lstm("4x6-units8", dtype="int16"),
)
