// SPDX-License-Identifier: Apache-2.0
// The registers of an Armv8-M CPU that this port uses, by their architectural addresses.
#ifndef HOCKET_CORTEX_M_H
#define HOCKET_CORTEX_M_H

#include <stdint.h>

#define REG32(address) (*(volatile uint32_t *)(address))

#define SYST_CSR REG32(0xE000E010)
#define SYST_RVR REG32(0xE000E014)
#define SYST_CVR REG32(0xE000E018)
#define SYST_CSR_ENABLE (1u << 0)
#define SYST_CSR_TICKINT (1u << 1)
#define SYST_CSR_CLKSOURCE (1u << 2)
#define SYST_CSR_COUNTFLAG (1u << 16)

#define NVIC_ISER(n) REG32(0xE000E100 + 4 * ((n) / 32))
#define NVIC_ICER(n) REG32(0xE000E180 + 4 * ((n) / 32))
#define NVIC_ICPR(n) REG32(0xE000E280 + 4 * ((n) / 32))
#define NVIC_IPR(n) (*(volatile uint8_t *)(0xE000E400 + (n)))
#define NVIC_BIT(n) (1u << ((n) % 32))

#define SCB_VTOR REG32(0xE000ED08)
#define SCB_AIRCR REG32(0xE000ED0C)
#define SCB_SHPR(exception) (*(volatile uint8_t *)(0xE000ED14 + (exception)))
#define SCB_SHCSR REG32(0xE000ED24)
#define SCB_CFSR REG32(0xE000ED28)
#define SCB_HFSR REG32(0xE000ED2C)
#define SCB_MMFAR REG32(0xE000ED34)
#define SCB_BFAR REG32(0xE000ED38)
#define SCB_CPACR REG32(0xE000ED88)
#define AIRCR_RESET 0x05FA0004u

#define EXCEPTION_SYSTICK 15
#define EXCEPTION_IRQ0 16

// Urgency, most urgent first, in the three bits that every implementation has at least. The clock
// must not be interrupted between its flag and its sum; the console must not lose characters.
#define PRIORITY_CLOCK 0x00
#define PRIORITY_CONSOLE 0x40
#define PRIORITY_DISPATCH 0x80
#define PRIORITY_HANDLER 0xC0

static inline uint32_t irq_save(void) {
    uint32_t primask;
    __asm volatile ("mrs %0, primask\n\tcpsid i" : "=r" (primask) : : "memory");
    return primask;
}

static inline void irq_restore(uint32_t primask) {
    __asm volatile ("msr primask, %0" : : "r" (primask) : "memory");
}

// All below an urgency; what is as urgent or more goes on.
static inline uint32_t irq_held(void) {
    uint32_t basepri;
    __asm volatile ("mrs %0, basepri" : "=r" (basepri) : : "memory");
    return basepri;
}

static inline uint32_t irq_hold(uint32_t priority) {
    uint32_t before = irq_held();
    __asm volatile ("msr basepri_max, %0" : : "r" (priority) : "memory");
    return before;
}

static inline void irq_let(uint32_t before) {
    __asm volatile ("msr basepri, %0" : : "r" (before) : "memory");
}

static inline void irq_allow(void) {
    __asm volatile ("cpsie i" : : : "memory");
}

static inline uint32_t exception_number(void) {
    uint32_t ipsr;
    __asm volatile ("mrs %0, ipsr" : "=r" (ipsr));
    return ipsr;
}

static inline void wait_for_interrupt(void) {
    __asm volatile ("dsb\n\twfi" : : : "memory");
}

#endif
