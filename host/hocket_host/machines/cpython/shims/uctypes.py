# SPDX-License-Identifier: Apache-2.0
"""``uctypes`` of MicroPython, as far as memory in place goes."""

from __future__ import annotations

from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from .protocol import Machine
from .state import ShimError, current

# Where a machine's memory lies in this process: for each distance between the two kinds of
# address, the range of process addresses that was handed out with it.
_windows: WeakKeyDictionary[Machine, dict[int, tuple[int, int]]] = WeakKeyDictionary()


def _process_address(buffer: object) -> tuple[int, int]:
    data: npt.NDArray[np.uint8] = np.frombuffer(buffer, np.uint8)  # type: ignore[call-overload]
    return int(data.ctypes.data), data.size


def bytearray_at(address: int, size: int) -> memoryview:
    """Memory of the machine in place, as a view of bytes; none of no bytes, wherever they are."""
    if not size:
        return memoryview(bytearray())
    machine = current()
    view = machine.view(address, size)
    windows = _windows.setdefault(machine, {})
    start, length = _process_address(view)
    low, high = windows.get(start - address, (start, start))
    windows[start - address] = (min(low, start), max(high, start + length))
    return view


def bytes_at(address: int, size: int) -> bytes:
    """A copy of memory of the machine."""
    return bytes(current().view(address, size))


def addressof(buffer: object) -> int:
    """Address of a buffer in the machine.

    Raises
    ------
    ShimError
        If the buffer is not in the machine's memory: an object of CPython has no address there.
    """
    own = getattr(current(), "address_of", None)
    if own is not None:
        return int(own(buffer))
    start, length = _process_address(buffer)
    for distance, (low, high) in _windows.get(current(), {}).items():
        if low <= start and start + length <= high:
            return start - distance
    raise ShimError(
        "a buffer that is not in the machine's memory has no address",
        found=f"{type(buffer).__name__} of {length} bytes",
        expected="memory from uctypes.bytearray_at",
        try_="copy the data to an address of the machine first",
    )
