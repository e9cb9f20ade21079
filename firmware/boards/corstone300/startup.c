// SPDX-License-Identifier: Apache-2.0
// Vectors, what must happen before C runs, and the report of a fault.
#include "py/mphal.h"
#include "board.h"
#include "cortex_m.h"
#include "port.h"

extern uint32_t _estack, _sidata, _sdata, _edata, _sbss, _ebss;

int main(void);
void SysTick_Handler(void);

void Reset_Handler(void) {
    // The interpreter's own code uses the FPU from its first function on.
    SCB_CPACR |= 0xFu << 20;
    __asm volatile ("dsb\n\tisb" : : : "memory");
    SCB_VTOR = BOARD_CODE_BASE;
    for (uint32_t *from = &_sidata, *to = &_sdata; to < &_edata;) {
        *to++ = *from++;
    }
    for (uint32_t *to = &_sbss; to < &_ebss;) {
        *to++ = 0;
    }
    main();
    semihosting_exit(0);
}

static void put_hex(const char *name, uint32_t value) {
    char text[9];
    for (int i = 7; i >= 0; i--) {
        text[i] = "0123456789abcdef"[value & 15];
        value >>= 4;
    }
    text[8] = 0;
    mp_hal_stdout_tx_str(name);
    mp_hal_stdout_tx_str(text);
}

// The frame is what the CPU stacked: r0 to r3, r12, lr, pc, xpsr.
__attribute__((used)) static void fault_report(const uint32_t *frame, uint32_t exc_return) {
    static bool reporting;
    if (reporting) {
        semihosting_exit(2);
    }
    reporting = true;
    put_hex("\r\nFAULT exception ", exception_number());
    put_hex(" cfsr ", SCB_CFSR);
    put_hex(" hfsr ", SCB_HFSR);
    put_hex(" mmfar ", SCB_MMFAR);
    put_hex(" bfar ", SCB_BFAR);
    uint32_t at = (uint32_t)frame;
    if (at >= BOARD_SRAM_BASE && at <= (uint32_t)&_estack - 32) {
        static const char *const names[] = {
            "\r\nFAULT r0 ", " r1 ", " r2 ", " r3 ", " r12 ", " lr ", " pc ", " xpsr ",
        };
        for (int i = 0; i < 8; i++) {
            put_hex(names[i], frame[i]);
        }
    }
    put_hex("\r\nFAULT sp ", at);
    put_hex(" exc_return ", exc_return);
    mp_hal_stdout_tx_str("\r\n");
    semihosting_exit(1);
}

// All faults, and every interrupt that nobody claimed: there is no way on from either.
__attribute__((naked)) static void Fault_Handler(void) {
    __asm volatile (
        "mrs r0, msp\n"
        "mov r1, lr\n"
        "b fault_report\n");
}

__attribute__((used, section(".vectors")))
const uint32_t vectors[EXCEPTION_IRQ0 + BOARD_IRQ_COUNT] = {
    [0] = (uint32_t)&_estack,
    [1] = (uint32_t)&Reset_Handler,
    [2 ... 7] = (uint32_t)&Fault_Handler,
    [11 ... 12] = (uint32_t)&Fault_Handler,
    [14] = (uint32_t)&Fault_Handler,
    [EXCEPTION_SYSTICK] = (uint32_t)&SysTick_Handler,
    [EXCEPTION_IRQ0 ... EXCEPTION_IRQ0 + BOARD_IRQ_COUNT - 1] = (uint32_t)&irq_entry,
};
