# SPDX-License-Identifier: Apache-2.0
"""What runs the firmware: CPython, MicroPython, and the ARM image on Unicorn or QEMU."""
