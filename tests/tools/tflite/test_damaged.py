# SPDX-License-Identifier: Apache-2.0
"""No traceback for any input, in bounded time: bytes changed, and graphs changed."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hocket_host.errors import HocketError
from hocket_lab.corpus.generated.damaged import examples, mutants
from hocket_lab.exact.cases import ALL
from hocket_tools.tflite.builder import unpack_model, write_model
from hocket_tools.tflite.flex import numbers
from hocket_tools.tflite.model import TfliteError
from hocket_tools.tflite.normal import normal_form
from hocket_tools.vela import VelaOptions, compile_network
from hocket_tools.verify.own_arithmetic import own_arithmetic
from paths import MODELS

U128 = VelaOptions("ethos-u55-128")
SMALL = {
    "alexa": (MODELS / "mww_alexa.tflite").read_bytes(),
    "micro_speech": (MODELS / "micro_speech.tflite").read_bytes(),
    "lstm": (MODELS / "mnist_lstm_int8.tflite").read_bytes(),
}
CASES = {case.id: case.model() for case in ALL[::23]}


@pytest.fixture(autouse=True)
def no_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    """What reaches Vela is whole; Vela itself is a process, whose end is an error anyway."""

    def reached(*_: Any, **__: Any) -> None:
        raise HocketError("it went to Vela")

    monkeypatch.setattr("hocket_tools.vela.compile.run_compiler", reached)


def looked_at(data: bytes) -> None:
    """Everything that is asked about a model before it is compiled."""
    with contextlib.suppress(HocketError):
        own_arithmetic(normal_form(data))
        compile_network(data, U128)


@pytest.mark.parametrize("name", [*SMALL, *CASES])
def test_bytes_changed_anywhere_are_read_or_refused(name: str) -> None:
    for mutant in mutants((SMALL | CASES)[name], 25, name):
        looked_at(mutant)


def reshape(tensor: Any, value: int) -> None:
    tensor.shape = [value, *([] if tensor.shape is None else tensor.shape)][: 1 + value % 5]


def retype(tensor: Any, value: int) -> None:
    tensor.type = value % 20


def unscaled(tensor: Any, value: int) -> None:
    tensor.quantization = None


def other_buffer(tensor: Any, value: int) -> None:
    tensor.buffer = value % 3


TENSOR_CHANGES: list[Callable[[Any, int], None]] = [reshape, retype, unscaled, other_buffer]


def changed(data: bytes, draw: st.DataObject) -> bytes:
    """A model with tensors, operands and options of other values: whole, and without sense."""
    tree = unpack_model(data)
    graph = tree.subgraphs[0]
    value = draw.draw(st.integers(0, 70))
    for _ in range(draw.draw(st.integers(1, 3))):
        operator = draw.draw(st.sampled_from(graph.operators))
        what = draw.draw(st.sampled_from(("tensor", "inputs", "outputs", "options", "kind")))
        if what == "tensor":
            change = draw.draw(st.sampled_from(TENSOR_CHANGES))
            change(draw.draw(st.sampled_from(graph.tensors)), value)
        elif what in ("inputs", "outputs"):
            known = getattr(operator, what)
            indices = [] if known is None else [int(i) for i in known]
            at = draw.draw(st.integers(0, len(indices)))
            indices[at : at + 1] = draw.draw(
                st.lists(st.integers(-(what == "inputs"), len(graph.tensors) - 1), max_size=2)
            )
            setattr(operator, what, indices)
        elif what == "options" and operator.builtinOptions is not None:
            for field, old in vars(operator.builtinOptions).items():
                if isinstance(old, int) and not isinstance(old, bool):
                    setattr(operator.builtinOptions, field, value % 7)
        elif what == "kind":
            code = tree.operatorCodes[operator.opcodeIndex]
            code.builtinCode = code.deprecatedBuiltinCode = value
    return write_model(tree)


@given(st.data(), st.sampled_from([*SMALL, *CASES]))
def test_graphs_without_sense_are_refused_or_go_to_vela(data: st.DataObject, name: str) -> None:
    looked_at(changed((SMALL | CASES)[name], data))


@pytest.mark.parametrize("example", list(examples()), ids=lambda e: e.name)
def test_what_refers_to_everything_is_refused_at_once(example: Any) -> None:
    begin = time.monotonic()
    with pytest.raises(TfliteError, match="damaged"):
        normal_form(example.data)
    assert time.monotonic() - begin < 20


@given(st.binary(max_size=200))
def test_options_of_custom_operators_may_be_any_bytes(data: bytes) -> None:
    found = numbers(data)
    assert found is None or all(np.isscalar(v) for v in found.values())
