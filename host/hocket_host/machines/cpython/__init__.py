# SPDX-License-Identifier: Apache-2.0
"""The firmware on CPython: the emulated SoC, and the modules of MicroPython that it imports."""
