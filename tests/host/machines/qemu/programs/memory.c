// SPDX-License-Identifier: Apache-2.0
// The NPU reads its queue and data where the program has them, and writes between its bytes.
#include "start.h"

static uint32_t queue[64] __attribute__((aligned(16)));
static uint8_t from[64] __attribute__((aligned(16)));
static uint8_t to[64] __attribute__((aligned(16)));

int main(void) {
    npu_reset();
    uint32_t words = REG(0x70000000) / 4;
    for (uint32_t i = 0; i < words; i++) {
        queue[i] = REG(0x70000010 + 4 * i);
    }
    for (uint32_t i = 0; i < sizeof(from); i++) {
        from[i] = 0x40 + i;
        to[i] = 0xEE;
    }
    npu_run((uint32_t)queue, 4 * words, (uint32_t)from, (uint32_t)to);
    while (NPU_REG(STATUS) & 1) {
    }
    for (uint32_t i = 0; i < 16; i += 4) {
        print_hex("", REG((uint32_t)to + i));
    }
    return 0;
}
