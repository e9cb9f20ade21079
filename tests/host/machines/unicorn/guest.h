/* SPDX-License-Identifier: Apache-2.0 */
/* What test programs share: vectors, a log that the test reads, and the end of the run. */
#include <stdint.h>

#define REG(address) (*(volatile uint32_t *)(address))
#define REG8(address) (*(volatile uint8_t *)(address))
#define CYCLES REG(0xE0001004)
#define NOINLINE __attribute__((noinline))

extern uint32_t stack_top;
__attribute__((noinline)) int main(void);

volatile uint32_t trace[256];
volatile uint32_t traced;

static inline void note(uint32_t value) {
    trace[traced] = value;
    traced = traced + 1;
}

static void finish(uint32_t status) {
    uint32_t block[2] = {0x20026, status};
    register uint32_t r0 __asm("r0") = 0x20;
    register uint32_t *r1 __asm("r1") = block;
    __asm volatile("bkpt 0xab" : : "r"(r0), "r"(r1) : "memory");
    for (;;) {
    }
}

static void reset_handler(void) {
    REG(0xE0001000) = 1; /* cycle counter */
    finish(main());
}

/* One that a program does not define has no vector. */
#define HANDLER(name) __attribute__((weak)) void name(void)
HANDLER(nmi);
HANDLER(hard_fault);
HANDLER(mem_manage);
HANDLER(bus_fault);
HANDLER(usage_fault);
HANDLER(svcall);
HANDLER(pend_sv);
HANDLER(sys_tick);
HANDLER(irq3);
HANDLER(irq5);
HANDLER(irq33);
HANDLER(irq56);

__attribute__((used, section(".vectors"))) static const void *const vectors[16 + 64] = {
    [0] = &stack_top,
    [1] = (void *)reset_handler,
    [2] = (void *)nmi,
    [3] = (void *)hard_fault,
    [4] = (void *)mem_manage,
    [5] = (void *)bus_fault,
    [6] = (void *)usage_fault,
    [11] = (void *)svcall,
    [14] = (void *)pend_sv,
    [15] = (void *)sys_tick,
    [16 + 3] = (void *)irq3,
    [16 + 5] = (void *)irq5,
    [16 + 33] = (void *)irq33,
    [16 + 56] = (void *)irq56,
};

static inline void enable_irq(int n) {
    REG(0xE000E100 + 4 * (n / 32)) = 1u << n % 32;
}

static inline void pend_irq(int n) {
    REG(0xE000E200 + 4 * (n / 32)) = 1u << n % 32;
}

static inline void priority(int n, uint8_t value) {
    REG8(0xE000E400 + n) = value;
}

static inline uint32_t ipsr(void) {
    uint32_t value;
    __asm volatile("mrs %0, ipsr" : "=r"(value));
    return value;
}

static inline void wfi(void) {
    __asm volatile("wfi" : : : "memory");
}
