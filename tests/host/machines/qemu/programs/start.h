// SPDX-License-Identifier: Apache-2.0
// A bare machine for the tests: vectors, console, NPU, exit.
#include <stdint.h>

#define REG(address) (*(volatile uint32_t *)(address))
#define BAND(first) ((first) / 32 * 4)

// Where it is, the loader's note says.
#define NPU REG(0x7FFF4)
#define NPU_REG(offset) REG(NPU + (offset))
#define NPU_IRQ 56
#define STATUS 0x4
#define CMD 0x8
#define RESET 0xC
#define QBASE 0x10
#define QREAD 0x18
#define QSIZE 0x20
#define REGIONCFG 0x3C
#define BASEP(i) (0x80 + 8 * (i))

int main(void);
void npu_handler(void);
void fault_handler(uint32_t *frame);

static inline void put(char c) {
    while (REG(0x49303004) & 1) {
    }
    REG(0x49303000) = (uint8_t)c;
}

static inline void print(const char *text) {
    while (*text) {
        put(*text++);
    }
}

static inline void print_hex(const char *name, uint32_t value) {
    print(name);
    for (int i = 28; i >= 0; i -= 4) {
        put("0123456789abcdef"[value >> i & 15]);
    }
    put('\n');
}

__attribute__((noreturn)) static inline void finish(uint32_t status) {
    uint32_t block[2] = {0x20026, status};
    register uint32_t operation __asm("r0") = 0x20;
    register uint32_t *argument __asm("r1") = block;
    __asm volatile ("bkpt 0xab" : "+r" (operation) : "r" (argument) : "memory");
    for (;;) {
    }
}

static inline void enable(uint32_t irq) {
    REG(0xE000E100 + BAND(irq)) = 1u << irq % 32;
}

static inline void npu_reset(void) {
    NPU_REG(RESET) = 1;
    while (NPU_REG(STATUS) & 8) {
    }
    NPU_REG(CMD) = 0xC;
}

// Region 0 is flash, region 1 the arena.
static inline void npu_run(uint32_t queue, uint32_t size, uint32_t flash, uint32_t arena) {
    NPU_REG(QBASE) = queue;
    NPU_REG(QSIZE) = size;
    NPU_REG(REGIONCFG) = 0x5553;
    NPU_REG(BASEP(0)) = flash;
    NPU_REG(BASEP(1)) = arena;
    NPU_REG(CMD) = 0xD;
}
