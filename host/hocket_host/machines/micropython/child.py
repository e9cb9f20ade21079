# SPDX-License-Identifier: Apache-2.0
"""The child process: the board's memories at their addresses, then MicroPython.

Arguments: the descriptor of the shared memory; ranges of it, each as address, offset and size
joined by colons, in one argument by commas; and then the script with its arguments.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import sys
from collections.abc import Sequence

_MAP_SHARED, _MAP_FIXED_NOREPLACE = 0x1, 0x10_0000


def place(descriptor: int, address: int, offset: int, size: int) -> None:
    """Map part of a file at an address where nothing is.

    Raises
    ------
    OSError
        Something is there.
    """
    library = ctypes.CDLL(None, use_errno=True)
    library.mmap.restype = ctypes.c_void_p
    library.mmap.argtypes = [
        ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long,
    ]  # fmt: skip
    found = library.mmap(
        address, size, mmap.PROT_READ | mmap.PROT_WRITE, _MAP_SHARED | _MAP_FIXED_NOREPLACE,
        descriptor, offset,
    )  # fmt: skip
    # Old kernels take the address for a wish.
    if found != address:
        raise OSError(ctypes.get_errno(), f"no room for a memory of the board at {address:#x}")


def main(arguments: Sequence[str]) -> int:
    """Map, and run the script; its exit code."""
    descriptor, ranges, *script = arguments
    for text in ranges.split(","):
        place(int(descriptor), *(int(part, 0) for part in text.split(":")))
    os.close(int(descriptor))
    import micropython

    return int(micropython.run_main(["micropython", *script]) or 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
