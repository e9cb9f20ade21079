// SPDX-License-Identifier: Apache-2.0
// This port's part of the machine module; extmod/modmachine.c includes it.
#include "py/mphal.h"
#include "py/smallint.h"
#include "board.h"
#include "cortex_m.h"
#include "port.h"

#define TICKS_MASK (MICROPY_PY_TIME_TICKS_PERIOD - 1)
#define TICKS_HALF (MICROPY_PY_TIME_TICKS_PERIOD / 2)

// machine.idle() promises to end after a millisecond at the latest.
#define IDLE_US 1000

__attribute__((noreturn)) static void mp_machine_reset(void) {
    SCB_AIRCR = AIRCR_RESET;
    for (;;) {
    }
}

static mp_int_t mp_machine_reset_cause(void) {
    return 0; // the system controller's registers are not the same on every machine
}

static void wait_us(uint32_t us) {
    uint32_t state = irq_save();
    clock_wait(us);
    irq_restore(state);
}

static void mp_machine_idle(void) {
    wait_us(IDLE_US);
}

// idle_until(ticks): sleep to an interrupt or to a tick of time.ticks_us. With interrupts disabled
// a pending one ends it, too.
static mp_obj_t machine_idle_until(mp_obj_t ticks) {
    uint32_t us = ((uint32_t)mp_obj_get_int_truncated(ticks) - clock_us()) & TICKS_MASK;
    if (us < TICKS_HALF) {
        wait_us(us);
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(machine_idle_until_obj, machine_idle_until);

static mp_obj_t machine_get_freq(void) {
    return MP_OBJ_NEW_SMALL_INT(BOARD_CPU_HZ);
}
static MP_DEFINE_CONST_FUN_OBJ_0(machine_get_freq_obj, machine_get_freq);

// hold_irq() and let_irq(state): as disable_irq() and enable_irq(), for the handlers of
// set_irq_handler() alone. Console, clock and the NPU's dispatcher go on.
static mp_obj_t machine_hold_irq(void) {
    return MP_OBJ_NEW_SMALL_INT(irq_hold(PRIORITY_HANDLER));
}
static MP_DEFINE_CONST_FUN_OBJ_0(machine_hold_irq_obj, machine_hold_irq);

static mp_obj_t machine_let_irq(mp_obj_t state) {
    irq_let(mp_obj_get_int(state));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(machine_let_irq_obj, machine_let_irq);

// exit(status=0): end the run under a debugger or an emulator; else the machine stands still.
static mp_obj_t machine_exit(size_t count, const mp_obj_t *arguments) {
    semihosting_exit(count == 0 ? 0 : mp_obj_get_int(arguments[0]));
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(machine_exit_obj, 0, 1, machine_exit);

#define MICROPY_PY_MACHINE_EXTRA_GLOBALS \
    { MP_ROM_QSTR(MP_QSTR_freq), MP_ROM_PTR(&machine_get_freq_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_exit), MP_ROM_PTR(&machine_exit_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_hold_irq), MP_ROM_PTR(&machine_hold_irq_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_let_irq), MP_ROM_PTR(&machine_let_irq_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_NpuDispatcher), MP_ROM_PTR(&npu_dispatcher_type) }, \
    { MP_ROM_QSTR(MP_QSTR_Agenda), MP_ROM_PTR(&agenda_type) }, \
    { MP_ROM_QSTR(MP_QSTR_idle_until), MP_ROM_PTR(&machine_idle_until_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_set_irq_handler), MP_ROM_PTR(&machine_set_irq_handler_obj) },
