// SPDX-License-Identifier: Apache-2.0
#include "start.h"

extern uint32_t _stack;

__attribute__((weak)) void npu_handler(void) {
    print("unexpected interrupt\n");
    finish(3);
}

__attribute__((weak)) void fault_handler(uint32_t *frame) {
    print_hex("fault at ", frame[6]);
    print_hex("cfsr ", REG(0xE000ED28));
    print_hex("bfar ", REG(0xE000ED38));
    finish(2);
}

static void console_init(void) {
    REG(0x49303010) = 32000000 / 115200;
    REG(0x49303008) = 3;
}

static void reset(void) {
    REG(0xE000ED88) |= 0xF << 20;
    REG(0xE000ED08) = 0;
    console_init();
    if (REG(0x7FFF0) != 0x314B5448 || REG(0x7FFF8) != NPU_IRQ) {
        finish(9);
    }
    finish(main());
}

__attribute__((naked)) static void fault(void) {
    __asm volatile ("mrs r0, msp\n\tpush {r4, lr}\n\tbl fault_handler\n\tpop {r4, pc}\n");
}

__attribute__((used, section(".vectors")))
const uint32_t vectors[16 + 128] = {
    [0] = (uint32_t)&_stack,
    [1] = (uint32_t)&reset,
    [2 ... 7] = (uint32_t)&fault,
    [16 + NPU_IRQ] = (uint32_t)&npu_handler,
};
