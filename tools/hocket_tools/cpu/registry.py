# SPDX-License-Identifier: Apache-2.0
"""Which operators the CPU runs, by which primitives.

An operator is a class with the names of the TFLite operators that it takes. An application adds its
own with :func:`register`, and the device's half with ``hocket.ops.register``.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import ClassVar

from ..tflite.operators import SourceOperator
from .costs import STEP_CYCLES
from .packing import OperatorError, PackedOperator


class Operator:
    """One way to run some TFLite operators on the CPU."""

    kinds: ClassVar[tuple[str, ...]] = ()
    """Names of TFLite operators, or a custom operator's own name."""

    primitives: ClassVar[tuple[str, ...]] = ("direct",)
    """Implementations, of which each is exact."""

    def supports(self, source: SourceOperator) -> str | None:
        """Return why this one operator cannot run, or None."""
        raise NotImplementedError

    def pack(self, source: SourceOperator, primitive: str) -> PackedOperator | None:
        """Pack for the device by one of the primitives; None where that one does not fit."""
        raise NotImplementedError


#: What code raises that meets operands of another number, rank, type or range than it is made for.
_MALFORMED = (ArithmeticError, AssertionError, LookupError, TypeError, ValueError, struct.error)

_registered: dict[str, list[Operator]] = {}


def register(operator: Operator) -> Operator:
    """Add an operator; one added later for the same kind is asked first."""
    for kind in operator.kinds:
        _registered.setdefault(kind, []).insert(0, operator)
    return operator


def unregister(kind: str) -> None:
    """Take back the operator that was registered last for a kind."""
    found = _registered[kind]
    del found[0]
    if not found:
        del _registered[kind]


def count() -> int:
    """How many registrations there are."""
    return sum(map(len, _registered.values()))


def kinds() -> tuple[str, ...]:
    """Names of all TFLite operators that have an implementation."""
    return tuple(sorted(_registered))


def reason(source: SourceOperator) -> str | None:
    """Why the CPU cannot run an operator, or None when it can."""
    known = _registered.get(source.kind)
    if not known:
        return "no implementation"
    reasons = [_supports(operator, source) for operator in known]
    return None if None in reasons else reasons[0]


def _supports(operator: Operator, source: SourceOperator) -> str | None:
    """What an operator says, or that the source is none of its kind.

    Operators of the library look at operands by the form that their kind has; a file may give them
    any.
    """
    try:
        return operator.supports(source)
    except _MALFORMED as error:
        return f"operands that a {source.kind} does not have ({error})"


def candidates(source: SourceOperator) -> Iterator[PackedOperator]:
    """Every way to run an operator, by the order of preference among equal costs.

    Raises
    ------
    OperatorError
        There is none.
    """
    why = reason(source)
    if why is not None:
        raise OperatorError(
            "an operator that the CPU cannot run",
            where=f"layer '{source.name}'",
            found=f"{source.kind}: {why}",
            expected="one of " + ", ".join(kinds()) if why == "no implementation" else None,
            try_="replace the layer, or register an operator of your own",
        )
    for operator in _registered[source.kind]:
        if _supports(operator, source) is not None:
            continue
        for primitive in operator.primitives:
            try:
                packed = operator.pack(source, primitive)
            except _MALFORMED as error:
                raise OperatorError(
                    "an operator that the CPU cannot run",
                    where=f"layer '{source.name}'",
                    found=f"{source.kind}: operands that it does not have ({error})",
                    expected="operands of the kinds and shapes that TFLite gives it",
                    try_="export the model again",
                ) from error
            if packed is not None:
                yield packed


def pack(source: SourceOperator, *, scratch_bytes: int | None = None) -> PackedOperator:
    """Pack an operator by its cheapest primitive that fits.

    Parameters
    ----------
    source
        The operator.
    scratch_bytes
        Scratch memory that there is; None for any amount.

    Raises
    ------
    OperatorError
        It cannot run, or no primitive fits the memory.
    """
    found = list(candidates(source))
    fitting = [p for p in found if scratch_bytes is None or p.scratch_bytes <= scratch_bytes]
    if not fitting:
        raise OperatorError(
            "no primitive fits the memory",
            where=f"layer '{source.name}'",
            found=f"{scratch_bytes} bytes",
            expected=f"{min(p.scratch_bytes for p in found)} bytes of scratch",
        )
    # A step beyond the bound delays every other task, so that comes first.
    return min(fitting, key=lambda p: (p.step_cycles > STEP_CYCLES, p.cycles))
