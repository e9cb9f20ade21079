# SPDX-License-Identifier: Apache-2.0
# Arm Corstone-300 (SSE-300 subsystem): memory map, interrupts, clocks and measured costs.
# Constants only, so that the host reads the same file.

NAME = "Corstone-300"
CPU = "Cortex-M55"
CPU_HZ = 32_000_000

# Ethos-U, through its non-secure alias.
NPU_BASE = 0x48102000
NPU_SECURE_BASE = 0x58102000
NPU_SIZE = 0x1000
NPU_IRQ = 56
NPU_PROTECTION = 1  # written to RESET: privileged and secure, as the CPU boots

# ITCM: vectors, interpreter and frozen modules.
CODE_BASE = 0x00000000
CODE_SIZE = 512 * 1024
IRQ_COUNT = 128

# Where a machine is not quite as described here, whoever loads the image leaves a note in the last
# words of the ITCM: this magic number; base and interrupt of the NPU; the longest period of SysTick
# in cycles, or 0 (QEMU's virtual time overshoots a wait by up to one period with sleep=off).
NOTE_BASE = CODE_BASE + CODE_SIZE - 16
NOTE_MAGIC = 0x314B5448

# DDR is read in place as flash: container first, 16-byte aligned.
FLASH_BASE = 0x70000000
FLASH_SIZE = 32 * 1024 * 1024
CONTAINER_BASE = FLASH_BASE

# SRAM is the interpreter's below the pool from which all arenas come.
SRAM_BASE = 0x21000000
SRAM_SIZE = 4 * 1024 * 1024
ARENA_BASE = 0x21100000
ARENA_SIZE = 3 * 1024 * 1024

UART0_BASE = 0x49303000  # CMSDK UART
UART0_RX_IRQ = 33
UART0_TX_IRQ = 34

# Cycles of the CPU with up to four tasks, from above: `make dispatch` measures what each must
# be at least (398, 174, 7181 and 2425), an instruction of the emulated CPU being a cycle.
# From the NPU's interrupt to the start of the next segment, 29 more for each further task. Release
# of a job. From the end of a wait through the resume of the coroutine to the kernel's next look,
# with a turn of its loop that may be under way. What the completion of a job adds to that.
DISPATCH_CPU_CYCLES = 600
RELEASE_CPU_CYCLES = 300
RESUME_CPU_CYCLES = 9000
COMPLETION_CPU_CYCLES = 3200
