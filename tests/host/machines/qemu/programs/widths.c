// SPDX-License-Identifier: Apache-2.0
// Every form of load and store that reaches the NPU's registers, and what stands around it.
#include "start.h"

static volatile uint32_t refused;

// Not 32 bits wide: refused with a bus fault, as the device does. Skips the instruction.
void fault_handler(uint32_t *frame) {
    refused++;
    if (REG(0xE000ED28) != 0x8200 || REG(0xE000ED2C) != 0x40000000) {
        finish(4);
    }
    REG(0xE000ED28) = 0x8200;
    REG(0xE000ED2C) = 0x40000000;
    frame[6] += (*(uint16_t *)frame[6] >> 11) < 0x1D ? 2 : 4;
}

#define ASM(text, ...) __asm volatile (text : __VA_ARGS__)

int main(void) {
    uint32_t base = NPU, a, b, p;
    npu_reset();
    for (int i = 0; i < 8; i++) {
        NPU_REG(BASEP(i)) = 0x11111110u * i;
    }

    ASM("ldr %0, [%1, #0x14]", "=r" (a) : "r" (base) : "memory");
    print_hex("narrow immediate ", a);
    ASM("movs r2, #0x98\n\tldr %0, [%1, r2]", "=r" (a) : "l" (base) : "r2", "memory");
    print_hex("narrow register ", a);
    ASM("ldr.w %0, [%1, #0x88]", "=r" (a) : "r" (base) : "memory");
    print_hex("wide immediate ", a);
    ASM("mov r2, #0x26\n\tldr.w %0, [%1, r2, lsl #2]", "=r" (a) : "r" (base) : "r2", "memory");
    print_hex("shifted register ", a);
    p = base + 0xA0;
    ASM("ldr %0, [%1, #-8]", "=r" (a) : "r" (p) : "memory");
    print_hex("negative ", a);
    ASM("ldr %0, [%1, #8]!", "=&r" (a), "+r" (p) : : "memory");
    print_hex("before ", a);
    print_hex("  base ", p - base);
    ASM("ldr %0, [%1], #-8", "=&r" (a), "+r" (p) : : "memory");
    print_hex("after ", a);
    print_hex("  base ", p - base);
    ASM("ldrd %0, %1, [%2, #0x90]", "=&r" (a), "=&r" (b) : "r" (base) : "memory");
    print_hex("pair ", a);
    print_hex("  high ", b);
    ASM("ldmia %2!, {r2, r3, r4}\n\tmov %0, r2\n\tmov %1, r4",
        "=&r" (a), "=&r" (b), "+r" (p) : : "r2", "r3", "r4", "memory");
    print_hex("several ", a);
    print_hex("  third ", b);
    print_hex("  base ", p - base);
    ASM("ldmdb %2, {r2, r3, r4}\n\tmov %0, r2\n\tmov %1, r4",
        "=&r" (a), "=&r" (b) : "r" (p) : "r2", "r3", "r4", "memory");
    print_hex("several before ", a);
    ASM("lda %0, [%1]", "=r" (a) : "r" (base + 0xB8) : "memory");
    print_hex("acquire ", a);

    p = base + 0x80;
    a = 0xABCDE0;
    b = 0x123450;
    ASM("str %1, [%0], #8", "+r" (p) : "r" (a) : "memory");
    ASM("str %1, [%0, #8]!", "+r" (p) : "r" (b) : "memory");
    ASM("strd %1, %2, [%0, #8]", "+r" (p) : "r" (b), "r" (a) : "memory");
    ASM("stl %1, [%0]", : "r" (base + 0xA0), "r" (a) : "memory");
    ASM("movs r3, #0\n\tstr r3, [%0, #0xB0]", : "r" (base) : "r3", "memory");
    print_hex("stored ", NPU_REG(BASEP(0)));
    print_hex("stored ", NPU_REG(BASEP(2)));
    print_hex("stored ", NPU_REG(BASEP(3)));
    print_hex("stored ", NPU_REG(BASEP(4)));
    print_hex("stored ", NPU_REG(BASEP(6)));

    // Conditional execution goes on behind the access.
    ASM("mov %1, #1\n\tcmp %1, #1\n\titete eq\n\tldreq %0, [%2, #0x80]\n\tmovne %1, #2\n\t"
        "addeq %1, %1, #4\n\tmovne %0, #3", "=&r" (a), "=&r" (b) : "r" (base) : "cc", "memory");
    print_hex("conditional ", a);
    print_hex("  behind ", b);

    // Flags, and floating-point registers, are nobody's business.
    float f = 1.5f;
    __asm volatile ("vmov s0, %1\n\tcmp %2, %2\n\tldr r3, [%2]\n\tite eq\n\tvmoveq %0, s0\n\t"
        "movne %0, #0" : "=r" (a) : "r" (f), "r" (base) : "r3", "s0", "cc");
    print_hex("float ", a);

    ASM("ldrb %0, [%1]", "=r" (a) : "r" (base) : "memory");
    ASM("ldrh %0, [%1]", "=r" (a) : "r" (base) : "memory");
    ASM("ldrsb %0, [%1]", "=r" (a) : "r" (base) : "memory");
    ASM("ldrsh.w %0, [%1]", "=r" (a) : "r" (base) : "memory");
    ASM("strb %0, [%1]", : "r" (a), "r" (base) : "memory");
    ASM("strh.w %0, [%1, #2]", : "r" (a), "r" (base) : "memory");
    print_hex("refused ", refused);
    return 0;
}
