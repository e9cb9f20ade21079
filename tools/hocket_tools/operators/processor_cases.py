# SPDX-License-Identifier: Apache-2.0
"""One-operator cases that the NPU is not compared on: comparisons, choices, gathers, floats."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

from ..exactness.builder import ModelBuilder, Quantisation
from ..exactness.case import Case
from ..exactness.cases.convolution import Conv
from ..exactness.cases.dense import FullyConnected

Scale = tuple[float, int] | None


@dataclass(frozen=True)
class Operand:
    """A tensor of a case: an input, or a constant when it has values."""

    shape: tuple[int, ...]
    dtype: str = "int8"
    scale: Scale = None
    values: tuple[float, ...] | None = None
    limit: int = 0
    """Integers that are fed lie in 0 .. limit; 0 for the whole type."""
    variable: bool = False
    channel_scales: bool = False


class _Builder(ModelBuilder):
    """Knows bool, which networks on the NPU have none of."""

    def _tensor(self, name: Any, shape: Any, dtype: Any, quantisation: Any, **more: Any) -> int:
        known = np.dtype(np.int8) if dtype == np.bool_ else dtype
        index = super()._tensor(name, shape, known, quantisation, **more)
        if dtype == np.bool_:
            self._tensors[index].type = schema.TensorType.BOOL
        return index


@dataclass(frozen=True)
class Plain(Case):
    """One operator on operands that are all given."""

    kind: str = "ADD"
    operands: tuple[Operand, ...] = ()
    results: tuple[Operand, ...] = ()
    options: str | None = None
    attributes: tuple[tuple[str, Any], ...] = field(default=())

    @property
    def op(self) -> str:
        """Name of the TFLite operator."""
        return self.kind

    def build(self, model: ModelBuilder) -> None:
        """Add the operator."""
        inputs = []
        for i, operand in enumerate(self.operands):
            dtype = np.dtype(operand.dtype)
            scale = operand.scale and Quantisation.tensor(*operand.scale)
            if operand.values is not None:
                values = np.resize(np.array(operand.values), operand.shape).astype(dtype)
                inputs.append(model.constant(f"constant{i}", values, scale))
            elif operand.variable:
                inputs.append(
                    model.activation(f"state{i}", operand.shape, dtype, scale, variable=True)
                )
            else:
                inputs.append(model.input(f"input{i}", operand.shape, dtype, scale))
        outputs = [
            model.output(
                f"output{i}", r.shape, np.dtype(r.dtype), r.scale and Quantisation.tensor(*r.scale)
            )
            for i, r in enumerate(self.results)
        ]
        model.operator(self.kind, inputs, outputs, self.options, version=2, **dict(self.attributes))

    def model(self) -> bytes:
        """Return the .tflite file."""
        builder = _Builder()
        self.build(builder)
        return builder.finish()

    def inputs(self, dtype: Any, shape: tuple[int, ...], index: int) -> list[NDArray[Any]]:
        """Values of any type, integers within the operand's limit."""
        fed = [o for o in self.operands if o.values is None and not o.variable]
        limit = fed[index].limit
        random = self.generator(f"input{index}")
        if dtype == "bool":
            return [random.integers(0, 2, shape).astype(bool) for _ in range(8)]
        if dtype == "float32":
            return [*_floats(random, shape, self.results[0].scale)]
        if limit:
            return [random.integers(0, limit, shape, dtype, endpoint=True) for _ in range(8)]
        return super().inputs(dtype, shape, index)


def _floats(random: np.random.Generator, shape: tuple[int, ...], scale: Scale) -> Any:
    """Floats around every boundary between two results, and far outside."""
    step = 1.0 if scale is None else scale[0]
    for reach in (140, 140, 140, 33000):
        ties = (random.integers(-reach, reach + 1, shape) + 0.5).astype(np.float32) * np.float32(
            step
        )
        yield ties.astype(np.float32)
        yield np.nextafter(ties, np.float32(random.choice([-1e9, 1e9]))).astype(np.float32)
    yield (random.normal(0, 60, shape) * step).astype(np.float32)
    yield (random.normal(0, 15000, shape) * step).astype(np.float32)
    yield np.resize(
        np.array([0.0, -0.0, 1e-42, -1e-42, 1e6, -1e6], np.float32) * np.float32(step), shape
    )


def _comparisons() -> list[Case]:
    found: list[Case] = []
    for kind in ("EQUAL", "NOT_EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL"):
        options = {
            "EQUAL": "EqualOptions",
            "NOT_EQUAL": "NotEqualOptions",
            "GREATER": "GreaterOptions",
            "GREATER_EQUAL": "GreaterEqualOptions",
            "LESS": "LessOptions",
            "LESS_EQUAL": "LessEqualOptions",
        }[kind]

        def case(name: str, a: Operand, b: Operand, k: str = kind, o: str = options) -> Plain:
            shape = tuple(np.broadcast_shapes(a.shape, b.shape))
            result = Operand(shape, "bool")
            return Plain(name, a.dtype, kind=k, operands=(a, b), results=(result,), options=o)

        shape = (1, 5, 6, 3)
        found += [
            case("same-scale", Operand(shape, scale=(0.05, 3)), Operand(shape, scale=(0.05, 3))),
            case("scales", Operand(shape, scale=(0.05, 3)), Operand(shape, scale=(0.031, -9))),
            case(
                "broadcast",
                Operand(shape, scale=(0.05, -7)),
                Operand((1, 1, 6, 1), scale=(0.031, 2)),
            ),
            case("plain", Operand(shape, "int32"), Operand(shape, "int32")),
            case("small", Operand(shape, "int32", limit=3), Operand((3,), "int32", limit=3)),
        ]
    for kind, options in (("LOGICAL_AND", "LogicalAndOptions"), ("LOGICAL_OR", "LogicalOrOptions")):
        flags = Operand((1, 40), "bool")
        found.append(
            Plain(
                "plain",
                "bool",
                kind=kind,
                operands=(flags, flags),
                results=(flags,),
                options=options,
            )
        )
    return found


def _arithmetic() -> list[Case]:
    found: list[Case] = []
    shape, other = (1, 4, 5, 3), (1, 1, 5, 1)
    for kind, options in (("ADD", "AddOptions"), ("SUB", "SubOptions"), ("MUL", "MulOptions")):
        for name, right in (("plain", shape), ("broadcast", other)):
            found.append(
                Plain(
                    name,
                    "int32",
                    kind=kind,
                    operands=(
                        Operand(shape, "int32", limit=30000),
                        Operand(right, "int32", limit=30000),
                    ),
                    results=(Operand(shape, "int32"),),
                    options=options,
                )
            )
    for kind in ("MAXIMUM", "MINIMUM"):
        found.append(
            Plain(
                "plain",
                "int32",
                kind=kind,
                operands=(Operand(shape, "int32"),) * 2,
                results=(Operand(shape, "int32"),),
                options="MaximumMinimumOptions",
            )
        )
    found.append(
        Plain(
            "plain",
            kind="ARG_MIN",
            operands=(Operand((1, 4, 4, 10), scale=(0.04, 3)), Operand((), "int32", values=(3,))),
            results=(Operand((1, 4, 4), "int32"),),
            options="ArgMinOptions",
            attributes=(("outputType", 2),),
        )
    )
    found.append(
        Plain(
            "middle-axis",
            kind="ARG_MAX",
            operands=(Operand((2, 7, 5), scale=(0.04, 3)), Operand((), "int32", values=(1,))),
            results=(Operand((2, 5), "int32"),),
            options="ArgMaxOptions",
            attributes=(("outputType", 2),),
        )
    )
    return found


def _choices() -> list[Case]:
    def gather(name: str, shape: tuple[int, ...], axis: int, indices: tuple[int, ...]) -> Plain:
        dtype, scale = "int8", (0.05, 1)
        result = (*shape[:axis], *indices, *shape[axis + 1 :])
        return Plain(
            name,
            dtype,
            kind="GATHER",
            options="GatherOptions",
            attributes=(("axis", axis),),
            operands=(
                Operand(shape, dtype, scale),
                Operand(indices, "int32", limit=shape[axis] - 1),
            ),
            results=(Operand(result, dtype, scale),),
        )

    def gather_nd(name: str, shape: tuple[int, ...], indices: tuple[int, ...]) -> Plain:
        depth = indices[-1]
        return Plain(
            name,
            kind="GATHER_ND",
            options="GatherNdOptions",
            operands=(
                Operand(shape, scale=(0.05, 1)),
                Operand(indices, "int32", limit=min(shape[:depth]) - 1),
            ),
            results=(Operand((*indices[:-1], *shape[depth:]), scale=(0.05, 1)),),
        )

    def select(
        name: str,
        condition: tuple[int, ...],
        left: tuple[int, ...],
        right: tuple[int, ...],
        dtype: str = "int8",
    ) -> Plain:
        scale = (0.05, 0)
        shape = tuple(np.broadcast_shapes(condition, left, right))
        return Plain(
            name,
            dtype,
            kind="SELECT_V2",
            options="SelectV2Options",
            operands=(
                Operand(condition, "bool"),
                Operand(left, dtype, scale),
                Operand(right, dtype, scale),
            ),
            results=(Operand(shape, dtype, scale),),
        )

    shape = (1, 4, 5, 6)
    return [
        gather("rows", (9, 7), 0, (4,)),
        gather("axis1", (2, 6, 5), 1, (3,)),
        gather("last-axis", (2, 3, 8), 2, (5,)),
        gather("table", (20, 16), 0, (2, 3)),
        gather_nd("points", (5, 6), (7, 2)),
        gather_nd("rows", (5, 6, 3), (4, 1)),
        gather_nd("deep", (3, 4, 5, 2), (6, 3)),
        select("plain", shape, shape, shape),
        select("broadcast-condition", (1, 4, 5, 1), shape, shape),
        select("broadcast-operand", shape, (1,), shape),
        select("plain", shape, shape, shape, "int16"),
        Plain(
            "plain",
            kind="BROADCAST_TO",
            options="BroadcastToOptions",
            operands=(
                Operand((1, 5, 1), scale=(0.05, 1)),
                Operand((3,), "int32", values=(4, 5, 3)),
            ),
            results=(Operand((4, 5, 3), scale=(0.05, 1)),),
        ),
    ]


def _conversions() -> list[Case]:
    shape = (1, 300)

    def convert(name: str, kind: str, a: Operand, b: Operand) -> Plain:
        return Plain(
            f"{name}-to-{b.dtype}",
            a.dtype,
            kind=kind,
            operands=(a,),
            results=(b,),
            options={"CAST": "CastOptions"}.get(kind, f"{kind.capitalize()}Options"),
        )

    found = [
        convert("plain", "QUANTIZE", Operand(shape, "float32"), Operand(shape, scale=(0.05, -3))),
        convert(
            "unit", "QUANTIZE", Operand(shape, "float32"), Operand(shape, scale=(1 / 256, -128))
        ),
        convert(
            "plain", "QUANTIZE", Operand(shape, "float32"), Operand(shape, "int16", (0.00031, 0))
        ),
        convert(
            "unit", "QUANTIZE", Operand(shape, "float32"), Operand(shape, "int16", (2**-15, 0))
        ),
        convert("coarse", "QUANTIZE", Operand(shape, "float32"), Operand(shape, "int16", (3.7, 0))),
        convert("coarse", "QUANTIZE", Operand(shape, "float32"), Operand(shape, scale=(0.7, 127))),
        convert(
            "plain",
            "QUANTIZE",
            Operand(shape, "int32", (0.001, 0), limit=200000),
            Operand(shape, scale=(0.9, 4)),
        ),
        convert(
            "plain",
            "QUANTIZE",
            Operand(shape, "int32", (0.001, 0), limit=200000),
            Operand(shape, "int16", (0.004, 0)),
        ),
        convert(
            "up",
            "QUANTIZE",
            Operand(shape, "int16", (0.05, 0)),
            Operand(shape, "int32", (0.0003, 0)),
        ),
        convert(
            "plain", "DEQUANTIZE", Operand(shape, scale=(0.0472, -11)), Operand(shape, "float32")
        ),
        convert(
            "plain", "DEQUANTIZE", Operand(shape, "uint8", (0.0039, 128)), Operand(shape, "float32")
        ),
        convert(
            "plain", "DEQUANTIZE", Operand(shape, "int16", (0.000317, 0)), Operand(shape, "float32")
        ),
        convert(
            "large", "DEQUANTIZE", Operand(shape, "int16", (3.7e5, 0)), Operand(shape, "float32")
        ),
        convert(
            "zero-point",
            "DEQUANTIZE",
            Operand(shape, "int16", (1 / 3, 1234)),
            Operand(shape, "float32"),
        ),
    ]
    for a in ("int8", "int16", "int32"):
        for b in ("int8", "int16", "int32", "float32"):
            if a != b and (a, b) != ("int32", "float32"):
                found.append(convert("plain", "CAST", Operand(shape, a), Operand(shape, b)))
    return list(found)


def _moves() -> list[Case]:
    """Moves that a step cannot do at once."""

    def move(
        name: str, kind: str, shape: tuple[int, ...], parameters: tuple[int, ...],
        result: tuple[int, ...],
    ) -> Plain:  # fmt: skip
        scale = (0.05, 1)
        constant = Operand((len(parameters),), "int32", values=parameters)
        options = "".join(part.capitalize() for part in kind.split("_"))
        return Plain(
            name,
            kind=kind,
            operands=(Operand(shape, scale=scale), constant),
            results=(Operand(result, scale=scale),),
            options=f"{options}Options",
        )

    return [
        move("long", "RESHAPE", (1, 5003), (5003, 1), (5003, 1)),
        move("large", "TRANSPOSE", (61, 83), (1, 0), (83, 61)),
        move("long-rows", "TRANSPOSE", (3, 2, 1500), (1, 0, 2), (2, 3, 1500)),
        move("five-axes", "TRANSPOSE", (2, 3, 4, 5, 2), (4, 2, 0, 3, 1), (2, 4, 2, 5, 3)),
        move("long", "REVERSE_V2", (1, 3001), (1,), (1, 3001)),
    ]


def _large() -> list[Case]:
    """Layers of which one output takes more than a step."""
    return [
        Conv("3x3-depth200", size=(3, 3), depth=200, channels=5),
        Conv("5x5-depth70", size=(4, 3), kernel=(5, 5), depth=70, channels=3),
        Conv("1x1-depth1300", size=(2, 2), kernel=(1, 1), depth=1300, channels=4),
        FullyConnected("3000-to-3-batch2", batch=2, depth=3000, channels=3),
        FullyConnected("3000-to-3", dtype="int16", depth=3000, channels=3),
    ]


def _filters() -> list[Case]:
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
        svdf("plain", state="int8"),
        svdf("rank3", state="int8", rank=3, units=4, memory=8),
    ]


CASES: tuple[Case, ...] = (
    *_comparisons(),
    *_arithmetic(),
    *_choices(),
    *_conversions(),
    *_moves(),
    *_large(),
    *_filters(),
)
