# SPDX-License-Identifier: Apache-2.0
"""Inputs and outputs of a network on the NPU, those that Vela leaves out included.

Vela lists no input that no operator reads, and no output that no operator computes. The device has
them all the same: such an input has a place of its own behind Vela's plan, an output that is an
input is read where the input lies, and an output that is a constant lies there from the start.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..segment.dataflow import Footprint
from ..tflite.model import Subgraph, TfliteModel
from .arena import Extension, tensor_bytes
from .options import VelaError
from .places import tensors_of
from .result import PlacedTensor, State

_Place = dict[str, Any]


@dataclass(frozen=True)
class Edges:
    """Where a network begins and ends."""

    inputs: tuple[PlacedTensor, ...]
    outputs: tuple[PlacedTensor, ...]
    constants: tuple[State, ...]
    """Outputs that are constants."""
    scratch_size: int
    """Of the arena, with what lies behind Vela's plan."""


class _Behind:
    """Places behind Vela's plan."""

    def __init__(self, graph: Subgraph, region: int, start: int) -> None:
        self.graph, self.region, self.size = graph, region, start
        self.extension = Extension(start)

    def place(self, index: int) -> _Place:
        place = self.extension.keep(tensor_bytes(self.graph.tensors[index]))
        self.size = place.end
        return {"region": self.region, "address": place.start, "size": place.size}


def edges_of(
    source: TfliteModel, fields: dict[str, Any], region: int, prints: Sequence[Footprint]
) -> Edges:
    """Pair Vela's inputs and outputs with the source's, and place those that it left out.

    Parameters
    ----------
    source
        The model.
    fields
        What Vela says about its own plan.
    region
        Region of the arena.
    prints
        Footprints of the stream's operations.

    Raises
    ------
    VelaError
        Vela's are not the source's; or an output is neither computed, nor given, nor constant.
    """
    main = source.main
    read = {i for o in main.operators for i in o.inputs}
    made = {i for o in main.operators for i in o.outputs}
    behind = _Behind(main, region, int(fields["scratch"]))
    inputs = _paired(source, "input", fields["inputs"], [i for i in main.inputs if i in read])
    for index in main.inputs:
        if index not in inputs:
            inputs[index] = behind.place(index)
    outputs = _paired(source, "output", fields["outputs"], [i for i in main.outputs if i in made])
    constants = []
    for index in main.outputs:
        if index in outputs:
            continue
        data = main.tensors[index].data
        if index in inputs:
            outputs[index] = inputs[index]
            _refuse_overwritten(main, index, inputs[index], prints)
        elif data is not None:
            outputs[index] = behind.place(index)
            constants.append(State(region, outputs[index]["address"], data))
        else:
            raise uncomputed(main, index)
    return Edges(
        tensors_of("input", [inputs[i] for i in main.inputs], source, main.inputs),
        tensors_of("output", [outputs[i] for i in main.outputs], source, main.outputs),
        tuple(constants),
        behind.size,
    )


def uncomputed(graph: Subgraph, index: int) -> VelaError:
    """An output that nothing gives a value."""
    return VelaError(
        "an output that nothing computes",
        found=f"tensor '{graph.tensors[index].name}', which no operator writes",
        expected="a result of an operator, an input or a constant",
        try_="export the model without that output",
    )


def _paired(
    source: TfliteModel, what: str, placed: Sequence[_Place], indices: Sequence[int]
) -> dict[int, _Place]:
    tensors_of(what, placed, source, indices)
    return dict(zip(indices, placed, strict=True))


def _refuse_overwritten(
    graph: Subgraph, index: int, place: _Place, prints: Sequence[Footprint]
) -> None:
    start, end = place["address"], place["address"] + place["size"]
    for p in prints:
        for box in p.writes:
            if box.region == place["region"] and box.low < end and start < box.high:
                raise VelaError(
                    "an output that is an input, whose memory Vela uses again",
                    found=f"tensor '{graph.tensors[index].name}'",
                    expected="an output that an operator computes",
                    try_="export the model without that output: the application has the input",
                )
