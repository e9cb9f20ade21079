// SPDX-License-Identifier: Apache-2.0
// Forgets the pending interrupt while its line is up: it must come again.
#include "start.h"

static volatile uint32_t done;

void npu_handler(void) {
    if (++done == 3) {
        NPU_REG(CMD) = 0xE;
    }
}

int main(void) {
    npu_reset();
    npu_run(0x70000010, REG(0x70000000), 0x70008000, 0x21100000);
    while (NPU_REG(STATUS) & 1) {
    }
    REG(0xE000E280 + BAND(NPU_IRQ)) = 1u << NPU_IRQ % 32;
    enable(NPU_IRQ);
    for (volatile uint32_t i = 0; i < 100000; i++) {
    }
    print_hex("handled ", done);
    return 0;
}
