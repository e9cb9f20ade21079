// SPDX-License-Identifier: Apache-2.0
// Interrupts that a Python function handles, at once and without allocation.
#include "py/gc.h"
#include "py/mphal.h"
#include "py/runtime.h"
#include "board.h"
#include "cortex_m.h"
#include "port.h"

MP_REGISTER_ROOT_POINTER(mp_obj_t irq_handlers[HOCKET_IRQ_COUNT]);

_Static_assert(HOCKET_IRQ_COUNT == BOARD_IRQ_COUNT, "one handler an interrupt");

volatile uint32_t irq_handled;

static void disable(uint32_t number) {
    NVIC_ICER(number) = NVIC_BIT(number);
    __asm volatile ("dsb\n\tisb" : : : "memory");
}

// As MicroPython's own hard handlers: nothing scheduled runs inside, and whatever would allocate
// raises MemoryError instead.
static void call(uint32_t number, mp_obj_t handler) {
    irq_handled++;
    mp_sched_lock();
    gc_lock();
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        mp_call_function_1(handler, MP_OBJ_NEW_SMALL_INT(number));
        nlr_pop();
    } else {
        // It would fail again, for ever.
        disable(number);
        MP_STATE_PORT(irq_handlers)[number] = MP_OBJ_NULL;
        mp_printf(&mp_plat_print, "handler of interrupt %u failed and is disabled:\n", (uint)number);
        mp_obj_print_exception(&mp_plat_print, MP_OBJ_FROM_PTR(nlr.ret_val));
    }
    gc_unlock();
    mp_sched_unlock();
}

void irq_entry(void) {
    uint32_t number = exception_number() - EXCEPTION_IRQ0;
    if (number == BOARD_UART0_RX_IRQ) {
        uart_receive();
        return;
    }
    mp_obj_t handler = MP_STATE_PORT(irq_handlers)[number];
    if (handler == MP_OBJ_NULL) {
        disable(number);
    } else if (!mp_obj_is_type(handler, &npu_dispatcher_type) || !npu_interrupt(handler)) {
        call(number, handler);
    }
}

void irq_release_all(void) {
    for (uint32_t number = 0; number < BOARD_IRQ_COUNT; number++) {
        if (number != BOARD_UART0_RX_IRQ) {
            disable(number);
        }
        MP_STATE_PORT(irq_handlers)[number] = MP_OBJ_NULL;
    }
}

// set_irq_handler(number, handler): handler(number) at each interrupt; None disables it. What was
// pending from before is forgotten, as a level that is still up comes again.
static mp_obj_t machine_set_irq_handler(mp_obj_t number_in, mp_obj_t handler) {
    mp_int_t number = mp_obj_get_int(number_in);
    if (number < 0 || number >= BOARD_IRQ_COUNT || number == BOARD_UART0_RX_IRQ) {
        mp_raise_ValueError(MP_ERROR_TEXT("no such interrupt, or the console's"));
    }
    disable(number);
    if (handler == mp_const_none) {
        MP_STATE_PORT(irq_handlers)[number] = MP_OBJ_NULL;
        return mp_const_none;
    }
    if (!mp_obj_is_callable(handler)) {
        mp_raise_TypeError(MP_ERROR_TEXT("handler must be callable or None"));
    }
    MP_STATE_PORT(irq_handlers)[number] = handler;
    // The dispatcher touches nothing but its own words, so hold_irq() need not keep it out.
    NVIC_IPR(number) = mp_obj_is_type(handler, &npu_dispatcher_type)
        ? PRIORITY_DISPATCH : PRIORITY_HANDLER;
    NVIC_ICPR(number) = NVIC_BIT(number);
    NVIC_ISER(number) = NVIC_BIT(number);
    return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_2(machine_set_irq_handler_obj, machine_set_irq_handler);
