// SPDX-License-Identifier: Apache-2.0
// What of MicroPython this port has: the language in full with viper, no file system.
#include <alloca.h>
#include <stdint.h>
#include "board.h"

#define MICROPY_CONFIG_ROM_LEVEL (MICROPY_CONFIG_ROM_LEVEL_EXTRA_FEATURES)

#define MICROPY_HW_BOARD_NAME BOARD_NAME
#define MICROPY_HW_MCU_NAME BOARD_CPU
#define MICROPY_PY_SYS_PLATFORM "hocket"

#define MICROPY_EMIT_THUMB (1)
#define MICROPY_EMIT_INLINE_THUMB (0)
#define MICROPY_MAKE_POINTER_CALLABLE(p) ((void *)((mp_uint_t)(p) | 1))
#define MICROPY_OPT_COMPUTED_GOTO (1)
#define MICROPY_LONGINT_IMPL (MICROPY_LONGINT_IMPL_MPZ)
#define MICROPY_FLOAT_IMPL (MICROPY_FLOAT_IMPL_FLOAT)

#define MICROPY_ENABLE_GC (1)
// Frames of functions have a stack of their own. Without, all but the smallest come from the heap,
// each after a search for room, and a call of a task could start a collection.
#define MICROPY_ENABLE_PYSTACK (1)
#define MICROPY_ENABLE_EMERGENCY_EXCEPTION_BUF (1)
#define MICROPY_EMERGENCY_EXCEPTION_BUF_SIZE (256)
// So that names seldom share a place: an attribute is then found at once.
#define MICROPY_OPT_MAP_LOOKUP_CACHE_SIZE (1024)
#define MICROPY_MEM_STATS (0)
#define MICROPY_ENABLE_EXTERNAL_IMPORT (1)
#define MICROPY_REPL_INFO (1)

#define MICROPY_PY_TIME (1)
#define MICROPY_PY_MACHINE (1)
#define MICROPY_PY_MACHINE_INCLUDEFILE "machine_port.c"
#define MICROPY_PY_MACHINE_RESET (1)
#define MICROPY_PY_MACHINE_MEMX (1)
#define MICROPY_PY_MACHINE_DISABLE_IRQ_ENABLE_IRQ (1)

// Hocket has its own kernel; the others want a file system or a network, or are large.
#define MICROPY_PY_ASYNCIO (0)
#define MICROPY_PY_SELECT (0)
#define MICROPY_PY_OS (0)
#define MICROPY_PY_DEFLATE_COMPRESS (0) // the rest has the CRC of the container
#define MICROPY_PY_HASHLIB (0)
#define MICROPY_PY_FRAMEBUF (0)
#define MICROPY_PY_RE (0)
#define MICROPY_PY_PLATFORM (0)
#define MICROPY_PY_CMATH (0)
#define MICROPY_PY_BUILTINS_EXECFILE (0)
#define MICROPY_PY_SYS_STDIO_BUFFER (1)

#define MICROPY_BEGIN_ATOMIC_SECTION() hal_begin_atomic()
#define MICROPY_END_ATOMIC_SECTION(state) hal_end_atomic(state)

static inline uint32_t hal_begin_atomic(void) {
    uint32_t primask;
    __asm volatile ("mrs %0, primask\n\tcpsid i" : "=r" (primask) : : "memory");
    return primask;
}

static inline void hal_end_atomic(uint32_t primask) {
    __asm volatile ("msr primask, %0" : : "r" (primask) : "memory");
}

// The generated list of root pointers has no other header than this one.
#define HOCKET_IRQ_COUNT (BOARD_IRQ_COUNT)

typedef int32_t mp_int_t;
typedef uint32_t mp_uint_t;
typedef long mp_off_t;
#define MP_SSIZE_MAX (0x7fffffff)

#define MP_STATE_PORT MP_STATE_VM
