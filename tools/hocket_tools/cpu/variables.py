# SPDX-License-Identifier: Apache-2.0
"""Resource variables: what a network keeps between inferences by name, and where it starts.

``VAR_HANDLE`` names a variable and computes nothing, and ``CALL_ONCE`` only says what variables
hold before the first inference. Both are therefore settled when a network is packed: a handle
stands for the variable's memory, and the initial contents are data.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..tflite.model import TfliteModel, TfliteTensor, read_tflite
from ..tflite.operators import SourceOperator, read_source
from .packing import OperatorError, element_bytes

#: Operators that the device does not run.
SETTLED = ("VAR_HANDLE", "CALL_ONCE")

_NOTHING_ELSE = (*SETTLED, "ASSIGN_VARIABLE")


@dataclass(frozen=True)
class Variable:
    """One resource variable."""

    name: str
    initial: bytes
    """Contents before the first inference, and after a reset."""
    handles: tuple[int, ...]
    """Tensors of the main subgraph that stand for it."""

    @property
    def bytes(self) -> int:
        """Size of its memory."""
        return len(self.initial)


def read_variables(model: bytes, source: TfliteModel | None = None) -> tuple[Variable, ...]:
    """Find the resource variables of a network.

    Parameters
    ----------
    model
        Bytes of a .tflite file: a source, or what Vela made of it.
    source
        The same file as read, when the caller has it already.

    Raises
    ------
    OperatorError
        A variable has two sizes, or is initialised by more than constants.
    """
    source = source or read_tflite(model)
    main = read_source(model, source)
    names = _names(main)
    sizes: dict[str, int] = {}
    for operator in main:
        tensor = _contents(operator)
        if tensor is not None:
            _measure(sizes, names[operator.input(0).index], tensor)
    initial: dict[str, bytes] = {}
    for operator in main:
        if operator.kind == "CALL_ONCE":
            number = int(operator.option("initSubgraphIndex", 0))
            initial.update(_initial(read_source(model, source, number), sizes))
    handles: dict[str, list[int]] = {}
    for index, name in names.items():
        handles.setdefault(name, []).append(index)
    return tuple(
        Variable(name, initial.get(name, bytes(sizes.get(name, 0))), tuple(found))
        for name, found in handles.items()
    )


def _names(operators: tuple[SourceOperator, ...]) -> dict[int, str]:
    """Variable's name by the tensor of its handle."""

    def text(value: object) -> str:
        return value.decode() if isinstance(value, bytes) else str(value or "")

    return {
        operator.outputs[0].index: "/".join(
            part
            for part in (text(operator.option("container")), text(operator.option("sharedName")))
            if part
        )
        for operator in operators
        if operator.kind == "VAR_HANDLE"
    }


def _contents(operator: SourceOperator) -> TfliteTensor | None:
    """What an operator reads from a variable or writes into it."""
    if operator.kind == "READ_VARIABLE":
        return operator.outputs[0]
    return operator.input(1) if operator.kind == "ASSIGN_VARIABLE" else None


def _measure(sizes: dict[str, int], name: str, tensor: TfliteTensor) -> None:
    size = tensor.elements * element_bytes(tensor)
    if sizes.setdefault(name, size) != size or not size:
        raise OperatorError(
            "a variable without one size",
            where=f"variable '{name}'",
            found=f"{size} bytes of {tensor.dtype}",
            expected=f"{sizes[name]} bytes" if sizes[name] else "elements of 8 to 64 bits",
        )


def _initial(operators: tuple[SourceOperator, ...], sizes: dict[str, int]) -> dict[str, bytes]:
    """Contents that a subgraph of assignments leaves."""
    names = _names(operators)
    found = {}
    for operator in operators:
        if operator.kind not in _NOTHING_ELSE:
            raise OperatorError(
                "variables that are computed before the first inference",
                where=f"layer '{operator.name}'",
                found=operator.kind,
                expected="constants that are assigned",
                try_="export the model with constant initial states",
            )
        if operator.kind != "ASSIGN_VARIABLE":
            continue
        name, value = names[operator.input(0).index], operator.input(1)
        if value.data is None:
            raise OperatorError(
                "a variable that does not start from a constant", where=f"variable '{name}'"
            )
        _measure(sizes, name, value)
        found[name] = value.data
    return found
