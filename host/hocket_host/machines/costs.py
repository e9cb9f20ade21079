# SPDX-License-Identifier: Apache-2.0
"""Virtual time of CPU steps: of what one resume does of an operator."""

from __future__ import annotations

from typing import Any

from ..units import cycles_to_ns


class StepCosts:
    """How long each CPU step takes, as the container says.

    Every CPU step of an operator takes the cycles of its longest one, until what the operator has
    in all is used up; the last one takes what remains.

    Parameters
    ----------
    app
        The container as the device's reader has it.
    cpu_hz
        Clock of the CPU.
    worst
        Take the worst-case cycles instead of the nominal ones.
    """

    def __init__(self, app: Any, cpu_hz: int, *, worst: bool) -> None:
        self._app = app
        self._cpu_hz = cpu_hz
        self._worst = worst
        self._spent: dict[int, int] = {}

    def begin(self, net: int) -> None:
        """Forget what an inference left unfinished."""
        first = self._app.nets[net].first_step
        for step in range(first, first + self._app.nets[net].steps):
            self._spent.pop(step, None)

    def cpu_step_ns(self, net: int, step: int, last: bool) -> int:
        """Time of the next CPU step.

        Parameters
        ----------
        net, step
            Index of the network, and of the operator among its steps.
        last
            Whether the operator is done with it.

        Returns
        -------
        int
            Nanoseconds; those of all CPU steps together are those of the operator, rounded up.
        """
        app = self._app
        index = app.nets[net].first_step + step
        whole = app.step_worst_cycles(index) if self._worst else app.step_cycles(index)
        before = self._spent.pop(index, 0)
        after = whole if last else min(before + app.cpu_step_cycles(index), whole)
        if not last:
            self._spent[index] = after
        return cycles_to_ns(after, self._cpu_hz) - cycles_to_ns(before, self._cpu_hz)
