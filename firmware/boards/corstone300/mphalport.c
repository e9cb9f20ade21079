// SPDX-License-Identifier: Apache-2.0
// What MicroPython asks of the hardware: console, time and waiting.
#include "py/mphal.h"
#include "py/runtime.h"
#include "py/stream.h"
#include "cortex_m.h"
#include "port.h"

// The longest wait that the clock is asked for; callers look again.
#define WAIT_LIMIT_MS 100

// Sleeps unless there is something to do, with the look and the sleep in one masked section, or
// what comes between the two would be slept over.
void hal_wait_for_event(mp_uint_t timeout_ms) {
    uint32_t state = irq_save();
    if (MP_STATE_VM(sched_state) != MP_SCHED_PENDING) {
        clock_wait(MIN(timeout_ms, WAIT_LIMIT_MS) * 1000);
    }
    irq_restore(state);
}

int mp_hal_stdin_rx_chr(void) {
    for (;;) {
        int c = uart_get();
        if (c >= 0) {
            return c;
        }
        mp_event_handle_nowait();
        uint32_t state = irq_save();
        c = uart_get();
        if (c < 0 && MP_STATE_VM(sched_state) != MP_SCHED_PENDING) {
            clock_wait(WAIT_LIMIT_MS * 1000);
        }
        // An exception may have passed by the enable_irq() that was to come: without interrupts
        // there would be no input any more.
        (void)state;
        irq_allow();
        irq_let(0);
        if (c >= 0) {
            return c;
        }
    }
}

uintptr_t mp_hal_stdio_poll(uintptr_t flags) {
    return flags & MP_STREAM_POLL_WR;
}

mp_uint_t mp_hal_stdout_tx_strn(const char *text, size_t length) {
    for (size_t i = 0; i < length; i++) {
        uart_put(text[i]);
    }
    return length;
}

mp_uint_t mp_hal_ticks_us(void) {
    return clock_us();
}

mp_uint_t mp_hal_ticks_ms(void) {
    return (mp_uint_t)(clock_us64() / 1000);
}

mp_uint_t mp_hal_ticks_cpu(void) {
    return clock_cycles();
}

void mp_hal_delay_us(mp_uint_t us) {
    uint32_t start = clock_us();
    while (clock_us() - start < us) {
    }
}

void mp_hal_delay_ms(mp_uint_t ms) {
    uint64_t end = clock_us64() + (uint64_t)ms * 1000;
    for (;;) {
        mp_event_handle_nowait();
        uint32_t state = irq_save();
        uint64_t now = clock_us64();
        if (now < end && MP_STATE_VM(sched_state) != MP_SCHED_PENDING) {
            clock_wait(MIN(end - now, WAIT_LIMIT_MS * 1000));
        }
        irq_restore(state);
        if (now >= end) {
            return;
        }
    }
}
