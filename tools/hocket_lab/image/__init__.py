# SPDX-License-Identifier: Apache-2.0
"""What the ARM image costs: flash, heap, instructions."""
