# SPDX-License-Identifier: Apache-2.0
"""How the kernels are compiled."""

from __future__ import annotations

from typing import Any

from numba import njit

#: For functions that allocate nothing. Numba then counts no references on array slices, which
#: would cost more than the arithmetic of a small operation.
kernel: Any = njit(cache=True, _nrt=False)

#: For functions that allocate arrays.
allocating: Any = njit(cache=True)
