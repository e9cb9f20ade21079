# SPDX-License-Identifier: Apache-2.0
"""Networks that keep a feature map in a resource variable, read and assigned in some order."""

from __future__ import annotations

import numpy as np
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

from hocket_tools.tflite.builder import ModelBuilder, Quantisation

SHAPE = (1, 4, 4, 4)


class VariableModel:
    """A chain of layers on one input; every layer's output may be kept or mixed with what was."""

    def __init__(self) -> None:
        self.scale = Quantisation.tensor(0.05, 0)
        self.model = ModelBuilder()
        self.map = self.model.input("x", SHAPE, np.int8, self.scale)
        self.handles: dict[str, int] = {}
        self.values = np.random.default_rng(3)
        self.count = 0
        self.held = self.map

    def handle(self, variable: str) -> int:
        if variable not in self.handles:
            index = self.model.activation(f"{variable}/handle", (), np.int32, None)
            self.model._tensors[index].type = schema.TensorType.RESOURCE
            self.handles[variable] = index
            self.model.operator(
                "VAR_HANDLE", [], [index], "VarHandleOptions", container="", sharedName=variable
            )
        return self.handles[variable]

    def fresh(self, kind: str) -> int:
        self.count += 1
        return self.model.activation(f"{kind}{self.count}", SHAPE, np.int8, self.scale)

    def conv(self) -> None:
        output, name = self.fresh("conv"), f"weights{self.count}"
        weights = self.values.integers(-127, 128, (4, 1, 1, 4), np.int8)
        scales = Quantisation.channels([0.01] * 4, 0)
        bias = Quantisation.channels([0.01 * self.scale.scale] * 4, 0)
        zeros = np.zeros(4, np.int32)
        self.model.operator(
            "CONV_2D",
            [
                self.map,
                self.model.constant(name, weights, scales),
                self.model.constant(f"{name}_bias", zeros, bias),
            ],
            [output], "Conv2DOptions", version=3, strideH=1, strideW=1, dilationHFactor=1,
            dilationWFactor=1,
        )  # fmt: skip
        self.map = output

    def gather(self) -> None:
        """Mirror the rows, which is the processor's."""
        output = self.fresh("gather")
        rows = self.model.constant(f"rows{self.count}", np.arange(4, dtype=np.int32)[::-1].copy())
        self.model.operator("GATHER", [self.map, rows], [output], "GatherOptions", axis=1)
        self.map = output

    def read(self, variable: str) -> None:
        """Take up what is kept, to be mixed in later."""
        self.held = self.fresh("read")
        handle = self.handle(variable)
        self.model.operator("READ_VARIABLE", [handle], [self.held], "ReadVariableOptions")

    def mix(self) -> None:
        """Add what was read to the map."""
        output = self.fresh("add")
        self.model.operator("ADD", [self.map, self.held], [output], "AddOptions")
        self.map = output

    def assign(self, variable: str) -> None:
        """Keep the map."""
        self.model.operator(
            "ASSIGN_VARIABLE", [self.handle(variable), self.map], [], "AssignVariableOptions"
        )


def variable_model(plan: str) -> bytes:
    """Layers by their names: ``conv``, ``gather``, ``read NAME``, ``mix``, ``assign NAME``."""
    built = VariableModel()
    for step in plan.split(", "):
        kind, *variable = step.split()
        getattr(built, kind)(*variable)
    built.model.hand_back(built.map)
    return built.model.finish()
