// SPDX-License-Identifier: Apache-2.0
// Disables every interrupt and works for ever.
#include "start.h"

int main(void) {
    for (uint32_t irq = 0; irq < 128; irq += 32) {
        REG(0xE000E180 + BAND(irq)) = 0xFFFFFFFF;
    }
    for (;;) {
        __asm volatile ("");
    }
}
