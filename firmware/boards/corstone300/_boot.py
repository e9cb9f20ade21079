# SPDX-License-Identifier: Apache-2.0
# Runs before anything else, also before a REPL that is to find the machine at rest: takes over
# where the NPU is from the two words of the vector table that a loader may have changed.
import board
import machine

board.NPU_BASE = machine.mem32[board.CODE_BASE + 0x20] & 0xFFFFFFFF
board.NPU_IRQ = machine.mem32[board.CODE_BASE + 0x24]
