// SPDX-License-Identifier: Apache-2.0
// The dispatcher as the agenda sees it.
#ifndef HOCKET_NPU_H
#define HOCKET_NPU_H

#include "py/obj.h"
#include "board.h"
#include "dispatch.h"
#include "trace.h"
#include "cortex_m.h"
#include "port.h"

typedef struct _dispatcher_t {
    mp_obj_base_t base;
    volatile uint32_t *npu;
    uint32_t *words;
    const uint32_t *steps;
    uint32_t *ring;
    mp_obj_t fail; // of Python, called with slot, reason and tick
} dispatcher_t;

static inline uint32_t *row_of(const dispatcher_t *self, uint32_t slot) {
    return self->words + DISPATCH_HEAD + slot * DISPATCH_ROW;
}

static inline uint32_t now_us(void) {
    return clock_us() & DISPATCH_MASK;
}

// Writes to the trace, where the interrupt writes, too.
void npu_record(const dispatcher_t *self, uint32_t tick, uint32_t kind, uint32_t detail);

#endif
