// SPDX-License-Identifier: Apache-2.0
#include "start.h"

void fault_handler(uint32_t *frame) {
    (void)frame;
    REG(0x48300000) = 1;
}

int main(void) {
    REG(0x48300000) = 1;
    return 0;
}
