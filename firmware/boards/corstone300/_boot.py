# SPDX-License-Identifier: Apache-2.0
# Runs before anything else, also before a REPL that is to find the machine at rest: the loader's
# note says where the NPU is, if it is not where the board has it.
import board
import machine

if machine.mem32[board.NOTE_BASE] == board.NOTE_MAGIC:
    board.NPU_BASE = machine.mem32[board.NOTE_BASE + 4] & 0xFFFFFFFF
    board.NPU_IRQ = machine.mem32[board.NOTE_BASE + 8]
