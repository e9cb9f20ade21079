// SPDX-License-Identifier: Apache-2.0
// A step of the kernel's agenda in C: what hocket/agenda.py and hocket/periodic.py do, on the same
// words, in a twentieth of the instructions. What is rare is left to Python: releases that find the
// job before unfinished or its net in use, arenas that are shared, the watchdog.
#include "py/objarray.h"
#include "py/runtime.h"
#include "agenda.h"
#include "npu.h"

typedef struct _agenda_t {
    mp_obj_base_t base;
    const mp_obj_array_t *array; // grows when tasks are spawned
    const dispatcher_t *npu;
} agenda_t;

static inline uint32_t *task_row(uint32_t *words, uint32_t index) {
    return words + AGENDA_HEAD + index * AGENDA_ROW;
}

static void make_ready(uint32_t *words, uint32_t *row) {
    words[AGENDA_SEQUENCE] = (words[AGENDA_SEQUENCE] + 1) & AGENDA_MASK;
    row[AGENDA_ORDER] = words[AGENDA_SEQUENCE];
    row[AGENDA_READY] = 1;
}

static bool precedes(const uint32_t *row, const uint32_t *best) {
    if (row[AGENDA_PRIORITY] != best[AGENDA_PRIORITY]) {
        return row[AGENDA_PRIORITY] < best[AGENDA_PRIORITY];
    }
    return ((row[AGENDA_ORDER] - best[AGENDA_ORDER]) & AGENDA_MASK) >= AGENDA_HALF;
}

// Takes the most urgent task that is ready, or returns AGENDA_IDLE.
static int pop(const agenda_t *self, uint32_t *words) {
    uint32_t *row = words + AGENDA_HEAD;
    uint32_t *best = NULL;
    int chosen = AGENDA_IDLE;
    for (uint32_t index = 0; index < words[AGENDA_COUNT]; index++, row += AGENDA_ROW) {
        if (row[AGENDA_READY] && (best == NULL || precedes(row, best))) {
            best = row;
            chosen = index;
        }
    }
    if (best != NULL) {
        best[AGENDA_READY] = 0;
        uint32_t name = (uint32_t)chosen < words[AGENDA_PERIODIC] ? chosen : AGENDA_LEAST_URGENT;
        npu_record(self->npu, now_us(), TRACE_RESUME, name << 16);
    }
    return chosen;
}

static void release(const agenda_t *self, uint32_t *words, uint32_t index, uint32_t now) {
    uint32_t *row = task_row(words, index);
    uint32_t tick = row[AGENDA_NEXT];
    uint32_t ns = row[AGENDA_NEXT_NS] + row[AGENDA_PERIOD_NS];
    row[AGENDA_NEXT_NS] = ns >= 1000 ? ns - 1000 : ns;
    row[AGENDA_NEXT] = (tick + row[AGENDA_PERIOD_US] + (ns >= 1000)) & AGENDA_MASK;
    uint32_t late = (now - tick) & AGENDA_MASK;
    npu_record(self->npu, now, TRACE_RELEASE, index << 16 | MIN(late, 0xFFFF));
    row[AGENDA_ACTIVE] = 1;
    row[AGENDA_MISSED] = 0;
    row[AGENDA_RELEASED] = tick;
    row[AGENDA_DEADLINE] = (tick + row[AGENDA_RELATIVE]) & AGENDA_MASK;
    row[AGENDA_JOBS]++;
    make_ready(words, row);
}

// Makes the tasks ready that wait for what the NPU has finished.
static void wake(const agenda_t *self, uint32_t *words) {
    uint32_t *slot = row_of(self->npu, 0);
    for (uint32_t i = 0; i < self->npu->words[DISPATCH_COUNT]; i++, slot += DISPATCH_ROW) {
        uint32_t state = slot[DISPATCH_STATE];
        if (slot[DISPATCH_WAITER] && (state == DISPATCH_IDLE || state >= DISPATCH_DONE)) {
            make_ready(words, task_row(words, slot[DISPATCH_WAITER] - 1));
            slot[DISPATCH_WAITER] = 0;
        }
    }
}

static inline uint32_t sooner(uint32_t us, uint32_t tick, uint32_t now) {
    uint32_t ahead = (tick - now) & AGENDA_MASK;
    return MIN(us, ahead < AGENDA_HALF ? ahead : 0);
}

// Sleeps to an interrupt or to what is to be done next, unless something came up meanwhile.
// Interrupts are masked, which still end the sleep.
static void sleep(const agenda_t *self, const uint32_t *words, mp_obj_t until) {
    const uint32_t *block = self->npu->words;
    if (block[DISPATCH_FINISHED] || MP_STATE_VM(sched_state) == MP_SCHED_PENDING) {
        return;
    }
    uint32_t now = now_us();
    uint32_t us = AGENDA_HALF - 1;
    if (until != mp_const_none) {
        us = sooner(us, MP_OBJ_SMALL_INT_VALUE(until), now);
    }
    if (block[DISPATCH_CURRENT] != DISPATCH_NONE) {
        us = sooner(us, block[DISPATCH_CHECK], now);
    }
    const uint32_t *row = words + AGENDA_HEAD;
    for (uint32_t index = 0; index < words[AGENDA_PERIODIC]; index++, row += AGENDA_ROW) {
        us = sooner(us, row[AGENDA_NEXT], now);
    }
    if (us > 0) {
        clock_wait(us);
    }
}

static int step(const agenda_t *self, mp_obj_t until) {
    uint32_t *words = self->array->items;
    uint32_t *block = self->npu->words;
    // A handler of Python's may have asked for what only Python sees.
    uint32_t handled = irq_handled;
    for (bool slept = false;; slept = true) {
        uint32_t now = now_us();
        bool over = until != mp_const_none
            && ((now - MP_OBJ_SMALL_INT_VALUE(until)) & AGENDA_MASK) < AGENDA_HALF;
        if (slept && (over || irq_handled != handled
            || MP_STATE_VM(sched_state) == MP_SCHED_PENDING)) {
            return AGENDA_IDLE;
        }
        if (block[DISPATCH_CURRENT] != DISPATCH_NONE
            && ((now - block[DISPATCH_CHECK]) & AGENDA_MASK) < AGENDA_HALF) {
            return AGENDA_WATCH;
        }
        for (;;) {
            int due = -1;
            uint32_t longest = 0;
            uint32_t *row = words + AGENDA_HEAD;
            for (uint32_t index = 0; index < words[AGENDA_PERIODIC]; index++, row += AGENDA_ROW) {
                uint32_t late = (now - row[AGENDA_NEXT]) & AGENDA_MASK;
                if (late < AGENDA_HALF && (due < 0 || late > longest)) {
                    longest = late;
                    due = index;
                }
            }
            if (due < 0) {
                break;
            }
            row = task_row(words, due);
            if (row[AGENDA_ACTIVE] || words[AGENDA_SHARED]
                || row_of(self->npu, row[AGENDA_SLOT])[DISPATCH_STATE] != DISPATCH_IDLE) {
                return AGENDA_RELEASE - due;
            }
            release(self, words, due, now);
            now = now_us();
        }
        if (block[DISPATCH_FINISHED]) {
            block[DISPATCH_FINISHED] = 0;
            wake(self, words);
            if (words[AGENDA_SHARED]) {
                return AGENDA_COLLECT;
            }
        }
        int chosen = pop(self, words);
        if (chosen >= 0) {
            return chosen;
        }
        uint32_t state = irq_save();
        chosen = pop(self, words);
        if (chosen < 0) {
            sleep(self, words, until);
        }
        irq_restore(state);
        if (chosen >= 0) {
            return chosen;
        }
    }
}

static mp_obj_t agenda_step(mp_obj_t self, mp_obj_t until) {
    return MP_OBJ_NEW_SMALL_INT(step(MP_OBJ_TO_PTR(self), until));
}
static MP_DEFINE_CONST_FUN_OBJ_2(agenda_step_obj, agenda_step);

// complete(index): books the end of a job's body; by how many us it is late, not above 0 in time.
static mp_obj_t agenda_complete(mp_obj_t self_in, mp_obj_t index_in) {
    const agenda_t *self = MP_OBJ_TO_PTR(self_in);
    uint32_t index = MP_OBJ_SMALL_INT_VALUE(index_in);
    uint32_t *row = task_row(self->array->items, index);
    uint32_t now = now_us();
    uint32_t us = (now - row[AGENDA_RELEASED]) & AGENDA_MASK;
    if (row[AGENDA_COMPLETED] == 0 || us < row[AGENDA_MIN]) {
        row[AGENDA_MIN] = us;
    }
    row[AGENDA_MAX] = MAX(row[AGENDA_MAX], us);
    row[AGENDA_COMPLETED]++;
    uint32_t sum = row[AGENDA_SUM] + us;
    row[AGENDA_MILLIONS] += sum / AGENDA_MILLION;
    row[AGENDA_SUM] = sum % AGENDA_MILLION;
    row[AGENDA_ACTIVE] = 0;
    npu_record(self->npu, now, TRACE_COMPLETE, index << 16);
    return MP_OBJ_NEW_SMALL_INT((int32_t)(us - row[AGENDA_RELATIVE]));
}
static MP_DEFINE_CONST_FUN_OBJ_2(agenda_complete_obj, agenda_complete);

// Agenda(words, dispatcher)
static mp_obj_t agenda_make_new(const mp_obj_type_t *type, size_t count, size_t keywords,
    const mp_obj_t *arguments) {
    mp_arg_check_num(count, keywords, 2, 2, false);
    agenda_t *self = mp_obj_malloc(agenda_t, type);
    self->array = MP_OBJ_TO_PTR(arguments[0]);
    self->npu = MP_OBJ_TO_PTR(arguments[1]);
    return MP_OBJ_FROM_PTR(self);
}

static const mp_rom_map_elem_t agenda_locals_table[] = {
    { MP_ROM_QSTR(MP_QSTR_step), MP_ROM_PTR(&agenda_step_obj) },
    { MP_ROM_QSTR(MP_QSTR_complete), MP_ROM_PTR(&agenda_complete_obj) },
};
static MP_DEFINE_CONST_DICT(agenda_locals, agenda_locals_table);

MP_DEFINE_CONST_OBJ_TYPE(
    agenda_type,
    MP_QSTR_Agenda,
    MP_TYPE_FLAG_NONE,
    make_new, agenda_make_new,
    locals_dict, &agenda_locals
    );
