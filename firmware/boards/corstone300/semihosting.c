// SPDX-License-Identifier: Apache-2.0
// The end of a run under a debugger or an emulator, by Arm's semihosting.
#include "cortex_m.h"
#include "port.h"

#define SYS_EXIT_EXTENDED 0x20
#define APPLICATION_EXIT 0x20026

void semihosting_exit(uint32_t status) {
    const uint32_t block[2] = {APPLICATION_EXIT, status};
    register uint32_t operation __asm("r0") = SYS_EXIT_EXTENDED;
    register const uint32_t *argument __asm("r1") = block;
    irq_save();
    __asm volatile ("bkpt 0xab" : "+r" (operation) : "r" (argument) : "memory");
    // Nobody listens.
    for (;;) {
        wait_for_interrupt();
    }
}
