// SPDX-License-Identifier: Apache-2.0
// Accesses to the NPU, one after another.
#include "start.h"

int main(void) {
    uint32_t sum = 0;
    for (uint32_t i = 0; i < 20000; i++) {
        sum += NPU_REG(0);
    }
    return sum == 20000u * 0x10066001u ? 0 : 1;
}
