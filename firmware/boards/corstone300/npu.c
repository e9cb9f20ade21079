// SPDX-License-Identifier: Apache-2.0
// The dispatcher's interrupt in C: what hocket/dispatch.py does in viper, on the same words, in a
// tenth of the instructions. The layout of the words is generated from there, and a test runs both
// over the same events. What fails is left to Python.
#include "py/objarray.h"
#include "py/runtime.h"
#include "npu.h"

static void put(const dispatcher_t *self, uint32_t tick, uint32_t kind, uint32_t detail) {
    uint32_t *ring = self->ring;
    uint32_t at = ring[TRACE_NEXT];
    uint32_t *record = ring + TRACE_HEAD + 2 * at;
    record[0] = tick;
    record[1] = kind << 24 | detail;
    ring[TRACE_NEXT] = at + 1 == ring[TRACE_CAPACITY] ? 0 : at + 1;
    if (ring[TRACE_COUNT] == ring[TRACE_CAPACITY]) {
        ring[TRACE_LOST] = (ring[TRACE_LOST] + 1) & DISPATCH_MASK;
    } else {
        ring[TRACE_COUNT]++;
    }
}

static void enqueue(const dispatcher_t *self, uint32_t *row) {
    uint32_t *words = self->words;
    words[DISPATCH_SEQUENCE] = (words[DISPATCH_SEQUENCE] + 1) & DISPATCH_MASK;
    row[DISPATCH_ORDER] = words[DISPATCH_SEQUENCE];
}

static bool precedes(const uint32_t *row, const uint32_t *best) {
    uint32_t distance = (row[DISPATCH_RANK] - best[DISPATCH_RANK]) & DISPATCH_MASK;
    if (distance == 0) {
        distance = (row[DISPATCH_TIE] - best[DISPATCH_TIE]) & DISPATCH_MASK;
    }
    if (distance == 0) {
        distance = (row[DISPATCH_ORDER] - best[DISPATCH_ORDER]) & DISPATCH_MASK;
    }
    return distance >= DISPATCH_HALF;
}

static void start(const dispatcher_t *self, uint32_t slot) {
    uint32_t *words = self->words;
    uint32_t *row = row_of(self, slot);
    uint32_t step = row[DISPATCH_STEP];
    const uint32_t *entry = self->steps + step * DISPATCH_STEP_ROW;
    volatile uint32_t *npu = self->npu;
    npu[DISPATCH_R_QBASE0] = entry[DISPATCH_QBASE];
    npu[DISPATCH_R_QBASE1] = 0;
    npu[DISPATCH_R_QSIZE] = entry[DISPATCH_QSIZE];
    npu[DISPATCH_R_QCONFIG] = DISPATCH_QCONFIG_FLASH;
    npu[DISPATCH_R_REGIONCFG] = row[DISPATCH_REGIONS];
    for (int i = 0; i < DISPATCH_REGION_SLOTS; i++) {
        npu[DISPATCH_R_BASEP0 + 2 * i] = row[DISPATCH_BASES + i];
        npu[DISPATCH_R_BASEP0 + 2 * i + 1] = 0;
    }
    uint32_t now = now_us();
    row[DISPATCH_STATE] = DISPATCH_RUNNING;
    words[DISPATCH_CURRENT] = slot;
    words[DISPATCH_STARTED] = now;
    words[DISPATCH_CHECK] = (now + entry[DISPATCH_BUDGET]) & DISPATCH_MASK;
    words[DISPATCH_MARK] = 0;
    words[DISPATCH_CYCLES] = npu[DISPATCH_R_PMCCNTR];
    put(self, now, TRACE_START,
        row[DISPATCH_ID] + ((step - row[DISPATCH_FIRST]) & 0xFFFF));
    npu[DISPATCH_R_CMD] = DISPATCH_CMD_RUN;
}

// Starts the most urgent slot that is ready, if any.
static void start_next(const dispatcher_t *self) {
    const uint32_t *words = self->words;
    if (words[DISPATCH_DEAD]) {
        return;
    }
    const uint32_t *row = words + DISPATCH_HEAD;
    const uint32_t *best = NULL;
    uint32_t chosen = DISPATCH_NONE;
    for (uint32_t slot = 0; slot < words[DISPATCH_COUNT]; slot++, row += DISPATCH_ROW) {
        if (row[DISPATCH_STATE] == DISPATCH_READY && (best == NULL || precedes(row, best))) {
            best = row;
            chosen = slot;
        }
    }
    if (best != NULL) {
        start(self, chosen);
    }
}

// Takes the current slot off the NPU and books what its segment cost itself and others.
static void leave(const dispatcher_t *self, uint32_t *row, uint32_t now) {
    uint32_t *words = self->words;
    words[DISPATCH_CURRENT] = DISPATCH_NONE;
    uint32_t spent = self->npu[DISPATCH_R_PMCCNTR] - words[DISPATCH_CYCLES];
    uint32_t busy = row[DISPATCH_BUSY_LOW] + (spent & DISPATCH_MASK);
    row[DISPATCH_BUSY_LOW] = busy & DISPATCH_MASK;
    row[DISPATCH_BUSY_HIGH] += busy >> 30 & 1;
    uint32_t priority = row[DISPATCH_PRIORITY];
    uint32_t held = (now - words[DISPATCH_STARTED]) & DISPATCH_MASK;
    uint32_t *other = words + DISPATCH_HEAD;
    for (uint32_t slot = 0; slot < words[DISPATCH_COUNT]; slot++, other += DISPATCH_ROW) {
        if (other[DISPATCH_STATE] == DISPATCH_READY && other[DISPATCH_PRIORITY] < priority) {
            uint32_t waited = (now - other[DISPATCH_SINCE]) & DISPATCH_MASK;
            waited = (other[DISPATCH_BLOCKED] + MIN(waited, held)) & DISPATCH_MASK;
            other[DISPATCH_BLOCKED] = waited;
            if (waited > other[DISPATCH_BLOCKED_MAX]) {
                other[DISPATCH_BLOCKED_MAX] = waited;
            }
        }
    }
    put(self, now, TRACE_END,
        row[DISPATCH_ID] + ((row[DISPATCH_STEP] - row[DISPATCH_FIRST]) & 0xFFFF));
}

static void interrupt(const dispatcher_t *self, uint32_t status) {
    uint32_t *words = self->words;
    self->npu[DISPATCH_R_CMD] = DISPATCH_CMD_CLEAR_IRQ;
    uint32_t slot = words[DISPATCH_CURRENT];
    if (slot == DISPATCH_NONE) {
        return;
    }
    uint32_t now = now_us();
    uint32_t *row = row_of(self, slot);
    leave(self, row, now);
    if (status & DISPATCH_STATUS_FAULTS || !(status & DISPATCH_STATUS_END)) {
        mp_obj_t arguments[3] = {
            MP_OBJ_NEW_SMALL_INT(slot),
            MP_OBJ_NEW_SMALL_INT(status & 0xFFFF),
            MP_OBJ_NEW_SMALL_INT(now),
        };
        mp_call_function_n_kw(self->fail, 3, 0, arguments);
    } else if (row[DISPATCH_STATE] == DISPATCH_ABANDONED) {
        row[DISPATCH_STATE] = DISPATCH_IDLE;
        words[DISPATCH_FINISHED] = 1;
    } else if (row[DISPATCH_STEP] == row[DISPATCH_LAST]) {
        row[DISPATCH_STATE] = DISPATCH_DONE;
        words[DISPATCH_FINISHED] = 1;
    } else {
        row[DISPATCH_STEP]++;
        row[DISPATCH_STATE] = DISPATCH_READY;
        if (words[DISPATCH_ROTATES]) {
            enqueue(self, row);
        }
    }
    start_next(self);
}

// False, with nothing done, if Python will be needed.
bool npu_interrupt(mp_obj_t handler) {
    const dispatcher_t *self = MP_OBJ_TO_PTR(handler);
    uint32_t status = self->npu[DISPATCH_R_STATUS];
    if (!(status & DISPATCH_STATUS_IRQ)) {
        return true;
    }
    if (status & DISPATCH_STATUS_FAULTS || !(status & DISPATCH_STATUS_END)) {
        return false;
    }
    interrupt(self, status);
    return true;
}

static mp_obj_t dispatcher_call(mp_obj_t self_in, size_t count, size_t keywords,
    const mp_obj_t *arguments) {
    const dispatcher_t *self = MP_OBJ_TO_PTR(self_in);
    uint32_t status = self->npu[DISPATCH_R_STATUS];
    if (status & DISPATCH_STATUS_IRQ) {
        interrupt(self, status);
    }
    return mp_const_none;
}

// queue(slot, rank, tie, priority, waiter): makes a slot ready from its first step on, and starts it
// if the NPU is free.
static mp_obj_t dispatcher_queue(size_t count, const mp_obj_t *arguments) {
    const dispatcher_t *self = MP_OBJ_TO_PTR(arguments[0]);
    uint32_t *row = row_of(self, MP_OBJ_SMALL_INT_VALUE(arguments[1]));
    row[DISPATCH_RANK] = MP_OBJ_SMALL_INT_VALUE(arguments[2]);
    row[DISPATCH_TIE] = MP_OBJ_SMALL_INT_VALUE(arguments[3]);
    row[DISPATCH_PRIORITY] = MP_OBJ_SMALL_INT_VALUE(arguments[4]);
    row[DISPATCH_WAITER] = MP_OBJ_SMALL_INT_VALUE(arguments[5]);
    row[DISPATCH_STEP] = row[DISPATCH_FIRST];
    row[DISPATCH_SINCE] = now_us();
    row[DISPATCH_BLOCKED] = 0;
    uint32_t state = irq_save();
    enqueue(self, row);
    if (self->words[DISPATCH_DEAD]) {
        row[DISPATCH_REASON] = DISPATCH_RESETTING;
        row[DISPATCH_STATE] = DISPATCH_FAILED;
        self->words[DISPATCH_FINISHED] = 1;
    } else {
        row[DISPATCH_STATE] = DISPATCH_READY;
        if (self->words[DISPATCH_CURRENT] == DISPATCH_NONE) {
            start_next(self);
        }
    }
    irq_restore(state);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(dispatcher_queue_obj, 6, 6, dispatcher_queue);

// take(slot): frees an ended slot; 0, or the reason why it failed.
static mp_obj_t dispatcher_take(mp_obj_t self_in, mp_obj_t slot) {
    uint32_t *row = row_of(MP_OBJ_TO_PTR(self_in), MP_OBJ_SMALL_INT_VALUE(slot));
    bool failed = row[DISPATCH_STATE] == DISPATCH_FAILED;
    row[DISPATCH_STATE] = DISPATCH_IDLE;
    return MP_OBJ_NEW_SMALL_INT(failed ? row[DISPATCH_REASON] : 0);
}
static MP_DEFINE_CONST_FUN_OBJ_2(dispatcher_take_obj, dispatcher_take);

void npu_record(const dispatcher_t *self, uint32_t tick, uint32_t kind, uint32_t detail) {
    uint32_t state = irq_save();
    put(self, tick, kind, detail);
    irq_restore(state);
}

// record(tick, kind, detail): writes to the trace, where the interrupt writes, too.
static mp_obj_t dispatcher_record(size_t count, const mp_obj_t *arguments) {
    npu_record(MP_OBJ_TO_PTR(arguments[0]), MP_OBJ_SMALL_INT_VALUE(arguments[1]),
        MP_OBJ_SMALL_INT_VALUE(arguments[2]), MP_OBJ_SMALL_INT_VALUE(arguments[3]));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(dispatcher_record_obj, 4, 4, dispatcher_record);

// sleep(ticks): to an interrupt or a tick, unless a slot has finished; None for an interrupt alone.
// The look and the sleep are one here, so the caller holds only the other handlers. Held handlers
// do not wake the CPU, but masked ones do.
static mp_obj_t dispatcher_sleep(mp_obj_t self_in, mp_obj_t ticks) {
    const dispatcher_t *self = MP_OBJ_TO_PTR(self_in);
    uint32_t state = irq_save();
    uint32_t us = DISPATCH_HALF - 1;
    if (ticks != mp_const_none) {
        us = (MP_OBJ_SMALL_INT_VALUE(ticks) - clock_us()) & DISPATCH_MASK;
    }
    if (!self->words[DISPATCH_FINISHED] && us < DISPATCH_HALF) {
        uint32_t held = irq_held();
        irq_let(0);
        clock_wait(us);
        irq_let(held);
    }
    irq_restore(state);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(dispatcher_sleep_obj, dispatcher_sleep);

static uint32_t *words_of(mp_obj_t array) {
    mp_buffer_info_t buffer;
    mp_get_buffer_raise(array, &buffer, MP_BUFFER_RW);
    return buffer.buf;
}

// NpuDispatcher(words, steps, ring, base, fail)
static mp_obj_t dispatcher_make_new(const mp_obj_type_t *type, size_t count, size_t keywords,
    const mp_obj_t *arguments) {
    mp_arg_check_num(count, keywords, 5, 5, false);
    dispatcher_t *self = mp_obj_malloc(dispatcher_t, type);
    self->words = words_of(arguments[0]);
    self->steps = words_of(arguments[1]);
    self->ring = words_of(arguments[2]);
    self->npu = (volatile uint32_t *)mp_obj_get_int_truncated(arguments[3]);
    self->fail = arguments[4];
    return MP_OBJ_FROM_PTR(self);
}

static const mp_rom_map_elem_t dispatcher_locals_table[] = {
    { MP_ROM_QSTR(MP_QSTR_queue), MP_ROM_PTR(&dispatcher_queue_obj) },
    { MP_ROM_QSTR(MP_QSTR_take), MP_ROM_PTR(&dispatcher_take_obj) },
    { MP_ROM_QSTR(MP_QSTR_record), MP_ROM_PTR(&dispatcher_record_obj) },
    { MP_ROM_QSTR(MP_QSTR_sleep), MP_ROM_PTR(&dispatcher_sleep_obj) },
};
static MP_DEFINE_CONST_DICT(dispatcher_locals, dispatcher_locals_table);

MP_DEFINE_CONST_OBJ_TYPE(
    npu_dispatcher_type,
    MP_QSTR_NpuDispatcher,
    MP_TYPE_FLAG_NONE,
    make_new, dispatcher_make_new,
    call, dispatcher_call,
    locals_dict, &dispatcher_locals
    );
