// SPDX-License-Identifier: Apache-2.0
// Starts a run while one is under way.
#include "start.h"

int main(void) {
    npu_reset();
    npu_run(0x70000010, REG(0x70000000), 0x70008000, 0x21100000);
    NPU_REG(CMD) = 0xD;
    return 0;
}
