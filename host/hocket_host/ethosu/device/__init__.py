# SPDX-License-Identifier: Apache-2.0
"""The NPU behind its registers: command queue, interrupts, performance counters."""
