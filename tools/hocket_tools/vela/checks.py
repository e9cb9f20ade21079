# SPDX-License-Identifier: Apache-2.0
"""What a source model must be before it is worth compiling, and why one is refused after."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ..cpu import kinds, read_source, reason
from ..tflite.content import short_name
from ..tflite.model import Subgraph, TfliteModel, read_tflite
from ._process import CompilerOutput
from .floats import (
    FLOATS,
    computes_integers,
    listed,
    named,
    refused_floats,
    tensors_of_operator,
    using,
)
from .options import VelaError

#: Element types that the NPU computes with; int32 holds biases, int64 the biases of int16 layers.
_ACTIVATIONS = ("int8", "uint8", "int16")
_ON_DEVICE = ("int8", "uint8", "int16", "int32", "float32", "bool")
_PLAIN = (*_ACTIVATIONS, "int32", "int64", "bool", "resource")


def check_source(model: TfliteModel, data: bytes) -> None:
    """Refuse what neither the NPU nor a CPU operator could run.

    Parameters
    ----------
    model, data
        The source, as read and as bytes.

    Raises
    ------
    VelaError
        Compiled before, float operators (named), another element type, or an input or output
        without quantisation.
    """
    main = model.main
    if not main.operators or not main.inputs or not main.outputs:
        raise VelaError(
            "the model computes nothing",
            found=f"{len(main.operators)} operators, {len(main.inputs)} inputs, "
            f"{len(main.outputs)} outputs",
            expected="at least one of each",
        )
    compiled = [o for o in main.operators if o.custom and o.kind == "ethos-u"]
    if compiled:
        raise VelaError(
            "the model is compiled by Vela already",
            where=str(compiled[0]),
            found=f"{len(compiled)} of {len(main.operators)} operators are command streams",
            expected="the .tflite file that Vela was given",
            try_="give the original: Hocket compiles it itself, for the accelerator of app.toml",
        )
    floats = using(main, *FLOATS)
    if floats:
        described, known = read_source(data, model), kinds()
        floats = [(o, t) for o, t in floats if reason(described[o.index]) is not None]
        if not computes_integers(main):
            known = tuple(o.kind for o, _ in floats)
        # What the CPU has no operator for in any type would not be helped by quantising.
        floats = [(o, t) for o, t in floats if o.kind in known]
        if floats:
            raise refused_floats(model, data, floats)
    _check_types(main)


def _check_types(main: Subgraph) -> None:
    plain = (*_PLAIN, *FLOATS)
    foreign = [
        (o, t) for o in main.operators for t in tensors_of_operator(main, o) if t.dtype not in plain
    ]
    for operator, tensor in foreign:
        raise VelaError(
            "an element type that neither unit has",
            where=str(operator),
            found=named(tensor),
            expected=", ".join(_ACTIVATIONS),
            try_="quantise the model to int8",
        )
    for index in (*main.inputs, *main.outputs):
        tensor = main.tensors[index]
        if tensor.dtype not in _ON_DEVICE:
            raise VelaError(
                "an input or output of a type that the device has no tensors of",
                found=named(tensor),
                expected=", ".join(_ON_DEVICE),
                try_="give ARG_MAX and CAST an output_type of int32, and inputs int8",
            )
        users = {o.kind for o in main.operators if index in (*o.inputs, *o.outputs)}
        if tensor.dtype in _ACTIVATIONS and tensor.quantization is None and users != {"CAST"}:
            raise VelaError(
                "an input or output has no quantisation",
                found=named(tensor),
                expected="a scale and a zero point",
                try_="export the model with full integer quantisation",
            )


def check_quantised(model: TfliteModel, data: bytes) -> None:
    """Refuse any float, which the NPU has no place for.

    Raises
    ------
    VelaError
        With the operators that use floats.
    """
    floats = using(model.main, *FLOATS)
    if floats:
        raise refused_floats(model, data, floats)


def check_chosen(model: TfliteModel, data: bytes, chosen: Sequence[int]) -> None:
    """Refuse layers that the user puts on a CPU which has no operator for them.

    Parameters
    ----------
    model, data
        The source, as read and as bytes.
    chosen
        Indices of operators.

    Raises
    ------
    VelaError
        The first such layer, with the reason.
    """
    described = read_source(data, model)
    for index in chosen:
        why = reason(described[index])
        if why is not None:
            raise VelaError(
                "a layer that the CPU cannot run",
                where=str(model.main.operators[index]),
                found=why,
                expected="a CPU operator for it",
                try_="leave the layer to the NPU",
            )


def refusal(
    source: TfliteModel, answer: CompilerOutput, impossible: Mapping[int, str] | None = None
) -> VelaError:
    """Name the operators that Vela left on the CPU.

    Parameters
    ----------
    source, answer
        The model, and what Vela made of it.
    impossible
        Operators of Vela's graph that the CPU cannot run, with the reasons; None where it
        is to run none.
    """
    left: dict[tuple[str, str], list[str]] = {}
    if answer.blobs:
        kept = read_tflite(answer.blobs[0])
        operators = {(o.kind, o.name): o for o in source.main.operators}
        for operator in kept.main.operators:
            if impossible is None:
                if operator.custom and operator.kind == "ethos-u":
                    continue
            elif operator.index not in impossible:
                continue
            # Vela renames what has no output; the source's own name helps more.
            known = operators.get((operator.kind, operator.name))
            why = answer.reasons.get((operator.kind, operator.name), "")
            if impossible is not None:
                why = f"{why}; on the CPU: {impossible[operator.index]}".removeprefix("; ")
            layers = left.setdefault((operator.kind, why), [])
            layers.append(known.name if known is not None else operator.name)
    if not left:
        return VelaError(
            "Vela cannot compile this model",
            found=str(answer.fields["error"]).strip(),
            expected="a model that Vela turns into one NPU command stream",
            try_="compile it with the vela command to see its full report; or keep the layer "
            "from Vela: on-cpu puts it on the CPU",
        )
    if impossible is not None:
        unknown = any("no implementation" in why for why in impossible.values())
        return VelaError(
            "operators that neither the NPU nor the CPU runs",
            found=listed([_left(kind, why, names) for (kind, why), names in left.items()]),
            expected="operators that Vela supports (vela --supported-ops-report)"
            + (
                ", or one of " + ", ".join(kinds())
                if unknown
                else ", or types that the CPU has them for"
            ),
            try_=_instead(kind for kind, _ in left),
        )
    return VelaError(
        "operators are left on the CPU",
        found=listed([_left(kind, why, names) for (kind, why), names in left.items()]),
        expected="every operator on the NPU",
        try_="replace them by operators that Vela supports (vela --supported-ops-report), "
        "or compile them as a network for both units",
    )


def _left(kind: str, why: str, names: list[str]) -> str:
    layers = listed([f"'{short_name(name)}'" for name in names if name])
    return f"{kind} x{len(names)}" + f" ({layers})" * bool(layers) + f": {why}" * bool(why)


def _instead(left: Iterable[str]) -> str:
    if "WHILE" in left:
        return (
            "export recurrent layers unrolled (Keras: unroll=True), or fused as "
            "UNIDIRECTIONAL_SEQUENCE_LSTM, in place of a loop"
        )
    return (
        "replace the layers, or register operators of your own "
        "(hocket_tools.cpu.register and hocket.ops.register)"
    )
