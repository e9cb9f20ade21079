// SPDX-License-Identifier: Apache-2.0
// Runs the stream at the start of flash and sleeps until its interrupt; twice, for the same again.
#include "start.h"

#define ARENA 0x21100000

static volatile uint32_t done;

void npu_handler(void) {
    print_hex("status ", NPU_REG(STATUS));
    NPU_REG(CMD) = 0xE;
    done++;
}

int main(void) {
    npu_reset();
    enable(NPU_IRQ);
    uint32_t size = REG(0x70000000);
    volatile uint8_t *arena = (volatile uint8_t *)ARENA;
    for (int i = 0; i < 64; i++) {
        arena[i] = i;
    }
    for (uint32_t run = 1; run <= 2; run++) {
        npu_run(0x70000010, size, 0x70008000, ARENA);
        uint32_t early = arena[0];
        while (done < run) {
            __asm volatile ("wfi");
        }
        print_hex("early ", early);
        print_hex("read ", NPU_REG(QREAD));
        for (int i = 0; i < 64; i += 4) {
            print_hex("", REG(ARENA + i));
            REG(ARENA + i) = 0;
        }
    }
    return 0;
}
