# SPDX-License-Identifier: Apache-2.0
"""Emulation of the board on CPython: virtual time, memories, interrupts and the Ethos-U model."""
