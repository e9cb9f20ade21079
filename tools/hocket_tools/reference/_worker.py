# SPDX-License-Identifier: Apache-2.0
"""Runs the reference interpreters in a process of their own.

They are C++ and end the process on some models: a check that fails, a read outside. Requests come
on standard input, each a line of JSON with the bytes that it announces behind it; answers leave in
the same form on the original standard output. What the interpreters print goes to standard error,
where the caller finds the reason of a refusal. Run as a file; an interpreter is imported when the
first model for it comes.
"""

from __future__ import annotations

import json
import os
from typing import Any

import numpy as np


class TfliteMicro:
    """A model in tflite_micro's interpreter, which keeps every tensor."""

    def __init__(self, model: bytes, request: dict[str, Any]) -> None:
        from tflite_micro.python.tflite_micro import runtime

        self._outputs = request["outputs"]
        self._interpreter = runtime.Interpreter.from_bytes(
            model,
            arena_size=request["arena"],
            intrepreter_config=runtime.InterpreterConfig.kPreserveAllTensors,
        )

    def run(self, inputs: list[Any]) -> list[Any]:
        """Infer once."""
        for index, values in enumerate(inputs):
            self._interpreter.set_input(values, index)
        self._interpreter.invoke()
        return [self._interpreter.get_output(i) for i in range(self._outputs)]

    def tensor(self, index: int) -> Any:
        """A tensor of the main subgraph."""
        return self._interpreter.GetTensor(index, 0)["tensor_data"]


class LiteRt:
    """A model in LiteRT's interpreter, with its reference kernels and nothing delegated."""

    def __init__(self, model: bytes, request: dict[str, Any]) -> None:
        from ai_edge_litert import interpreter as litert

        del request
        self._interpreter = litert.Interpreter(
            model_content=model,
            experimental_op_resolver_type=litert.OpResolverType.BUILTIN_REF,
            experimental_preserve_all_tensors=True,
            num_threads=1,
        )
        self._interpreter.allocate_tensors()
        self._inputs = [d["index"] for d in self._interpreter.get_input_details()]
        self._outputs = [d["index"] for d in self._interpreter.get_output_details()]

    def run(self, inputs: list[Any]) -> list[Any]:
        """Infer once."""
        for index, values in zip(self._inputs, inputs):  # noqa: B905
            self._interpreter.set_tensor(index, values)
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(i) for i in self._outputs]

    def tensor(self, index: int) -> Any:
        """A tensor of the main subgraph."""
        return self._interpreter.get_tensor(index)


ENGINES = {"tflite_micro": TfliteMicro, "LiteRT": LiteRt}


class Server:
    """Models by number, and what to do with them."""

    def __init__(self, source: Any) -> None:
        self.source = source
        self.models: dict[int, Any] = {}

    def answer(self, request: dict[str, Any]) -> tuple[dict[str, Any], list[bytes]]:
        """Do what one request asks."""
        for number in request.get("closed", ()):
            self.models.pop(number, None)
        data = [self.source.read(size) for size in request.get("sizes", ())]
        try:
            return self._done(request, data)
        except Exception as error:
            return {"error": f"{type(error).__name__}: {error}"}, []

    def _done(
        self, request: dict[str, Any], data: list[bytes]
    ) -> tuple[dict[str, Any], list[bytes]]:
        number = request["model"]
        if request["do"] == "open":
            self.models[number] = ENGINES[request["engine"]](data[0], request)
            return {}, []
        model = self.models[number]
        if request["do"] == "tensor":
            return _arrays([model.tensor(request["index"])])
        given = [
            np.frombuffer(raw, dtype).reshape(shape)
            for raw, (dtype, shape) in zip(data, request["arrays"])  # noqa: B905
        ]
        return _arrays(model.run(given))


def _arrays(values: list[Any]) -> tuple[dict[str, Any], list[bytes]]:
    held = [np.ascontiguousarray(v) for v in map(np.asarray, values)]
    shapes = [np.asarray(v).shape for v in values]
    head = [(v.dtype.name, shape) for v, shape in zip(held, shapes)]  # noqa: B905
    return {"arrays": head}, [v.tobytes() for v in held]


def main() -> None:
    """Answer requests until there are no more."""
    source, out = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    server = Server(source)
    for line in source:
        head, parts = server.answer(json.loads(line))
        head["sizes"] = [len(part) for part in parts]
        out.write(json.dumps(head).encode() + b"\n" + b"".join(parts))
        out.flush()


if __name__ == "__main__":
    main()
