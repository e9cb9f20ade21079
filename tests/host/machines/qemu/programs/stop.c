// SPDX-License-Identifier: Apache-2.0
// Asks a run to stop, by polling with its interrupt off.
#include "start.h"

#define ARENA 0x21100000

int main(void) {
    npu_reset();
    npu_run(0x70000010, REG(0x70000000), 0x70008000, ARENA);
    while (NPU_REG(QREAD) == 0) {
    }
    NPU_REG(CMD) = 0xC | 0x10;
    uint32_t status;
    while ((status = NPU_REG(STATUS)) & 1) {
    }
    uint32_t copied = 0;
    while (*(volatile uint8_t *)(ARENA + copied) == 0xA5) {
        copied++;
    }
    print_hex("status ", status);
    print_hex("read ", NPU_REG(QREAD));
    print_hex("copied ", copied);
    return 0;
}
