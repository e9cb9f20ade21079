# SPDX-License-Identifier: Apache-2.0
"""Virtual time: integer nanoseconds and a queue of events.

Nothing here looks at the host's clock, and events of one instant fire in the order in which they
were asked for, so two runs of one program give the same trace.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable

from ..errors import HocketError


class ClockError(HocketError):
    """A request for a time that has passed."""


class Event:
    """An action at an instant; made by `Clock.at` and `Clock.after`."""

    __slots__ = ("_order", "action", "label", "live", "when_ns")

    def __init__(self, when_ns: int, order: int, action: Callable[[], None], label: str) -> None:
        self.when_ns = when_ns
        self._order = order
        self.action = action
        self.label = label
        self.live = True

    def __lt__(self, other: Event) -> bool:
        return (self.when_ns, self._order) < (other.when_ns, other._order)

    def __repr__(self) -> str:
        return f"Event({self.label!r} at {self.when_ns} ns{'' if self.live else ', over'})"


class Clock:
    """A virtual clock; it moves only when told to."""

    def __init__(self) -> None:
        self._now_ns = 0
        self._order = 0
        self._queue: list[Event] = []

    @property
    def now_ns(self) -> int:
        """The present instant."""
        return self._now_ns

    @property
    def next_ns(self) -> int | None:
        """Instant of the next event; None when there is none."""
        queue = self._queue
        while queue and not queue[0].live:
            heapq.heappop(queue)
        return queue[0].when_ns if queue else None

    def at(self, when_ns: int, action: Callable[[], None], label: str = "") -> Event:
        """Ask for ``action()`` at an instant, the present one included.

        Raises
        ------
        ClockError
            The instant has passed.
        """
        if when_ns < self._now_ns:
            raise ClockError(
                "an event in the past",
                where=label or None,
                found=f"{when_ns} ns",
                expected=f"{self._now_ns} ns or later",
            )
        event = Event(when_ns, self._order, action, label)
        self._order += 1
        heapq.heappush(self._queue, event)
        return event

    def after(self, delay_ns: int, action: Callable[[], None], label: str = "") -> Event:
        """Ask for ``action()`` a delay from now."""
        return self.at(self._now_ns + delay_ns, action, label)

    def cancel(self, event: Event | None) -> None:
        """Withdraw an event; one that has fired, was cancelled or is None is left alone."""
        if event is not None:
            event.live = False

    def move_to(self, when_ns: int) -> None:
        """Let time pass up to an instant that no event precedes.

        Raises
        ------
        ClockError
            The instant has passed, or an event is due before it.
        """
        due_ns = self.next_ns
        if when_ns < self._now_ns or (due_ns is not None and due_ns < when_ns):
            raise ClockError(
                "time cannot move there",
                found=f"{when_ns} ns",
                expected=f"from {self._now_ns} ns"
                + ("" if due_ns is None else f" to the event at {due_ns} ns"),
                try_="fire the events in between first",
            )
        self._now_ns = when_ns

    def fire_next(self) -> Event | None:
        """Move to the next event and run it; None when there is none."""
        if self.next_ns is None:
            return None
        event = heapq.heappop(self._queue)
        self._now_ns = event.when_ns
        event.live = False
        event.action()
        return event

    def run_until(self, when_ns: int) -> None:
        """Fire every event up to and including an instant, and end there."""
        while (due_ns := self.next_ns) is not None and due_ns <= when_ns:
            self.fire_next()
        self.move_to(when_ns)
