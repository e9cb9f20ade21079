// SPDX-License-Identifier: Apache-2.0
// Time from SysTick alone, without a periodic tick.
//
// SysTick counts down a long period. A wait that ends sooner restarts it with a short one, which
// costs no time on the books: what had run of the period, and the cycle between the load and the
// store that restart it, are added up first. Whoever sees the count flag first, interrupt or
// reader, books the period that ended, so time is right with interrupts masked, too.
#include "py/mpconfig.h"
#include "board.h"
#include "cortex_m.h"
#include "port.h"

#define CYCLES_PER_US (BOARD_CPU_HZ / 1000000)
#define LONGEST_PERIOD (1u << 24)

// Nearer than this, a caller is better served by looking again.
#define SHORTEST_WAIT (4 * CYCLES_PER_US)

// So that the clock has passed the microsecond that was waited for, not only reached its edge.
#define AFTER_EDGE 4

// At the beginning of the present period: microseconds, and the cycles that make no whole one.
static uint64_t base_us;
static uint32_t base_rest;
static uint32_t base_cycles;
static uint32_t period;
static uint32_t long_period;

_Static_assert(BOARD_CPU_HZ % 1000000 == 0, "CPU_HZ must be whole megahertz");

static void book(uint32_t cycles) {
    base_cycles += cycles;
    base_rest += cycles;
    base_us += base_rest / CYCLES_PER_US;
    base_rest %= CYCLES_PER_US;
}

// The count reaches zero and reloads a cycle later, so at zero the next period has begun.
static inline uint32_t elapsed(uint32_t count) {
    return count == 0 ? 0 : period - count;
}

// Cycles since the beginning of the present period. Interrupts are masked.
static inline uint32_t read_elapsed(void) {
    uint32_t count = SYST_CVR;
    if (SYST_CSR & SYST_CSR_COUNTFLAG) {
        book(period);
        period = long_period;
        count = SYST_CVR;
    }
    return elapsed(count);
}

void SysTick_Handler(void) {
    read_elapsed();
}

void clock_init(void) {
    // Words past the NPU's in the loader's note: see board.py.
    uint32_t wanted = REG32(BOARD_NOTE_BASE) == BOARD_NOTE_MAGIC ? REG32(BOARD_NOTE_BASE + 12) : 0;
    long_period = wanted >= CYCLES_PER_US && wanted < LONGEST_PERIOD ? wanted : LONGEST_PERIOD;
    period = long_period;
    SCB_SHPR(EXCEPTION_SYSTICK) = PRIORITY_CLOCK;
    SYST_RVR = long_period - 1;
    SYST_CVR = 0;
    SYST_CSR = SYST_CSR_ENABLE | SYST_CSR_TICKINT | SYST_CSR_CLKSOURCE;
}

uint32_t clock_us(void) {
    uint32_t state = irq_save();
    uint32_t ahead = read_elapsed();
    uint32_t us = (uint32_t)base_us + (base_rest + ahead) / CYCLES_PER_US;
    irq_restore(state);
    return us;
}

uint64_t clock_us64(void) {
    uint32_t state = irq_save();
    uint32_t ahead = read_elapsed();
    uint64_t us = base_us + (base_rest + ahead) / CYCLES_PER_US;
    irq_restore(state);
    return us;
}

uint32_t clock_cycles(void) {
    uint32_t state = irq_save();
    uint32_t ahead = read_elapsed();
    uint32_t cycles = base_cycles + ahead;
    irq_restore(state);
    return cycles;
}

static void restart(uint32_t cycles) {
    uint32_t count;
    SYST_RVR = cycles - 1;
    __asm volatile (
        "ldr %0, [%1]\n"
        "str %0, [%1]\n"
        : "=&r" (count) : "r" (&SYST_CVR) : "memory");
    book(elapsed(count) + 1);
    period = cycles;
    // The short period is loaded at the next clock, which some emulators take their time to show;
    // what is set after it is for the period to follow.
    while (SYST_CVR == 0) {
    }
    SYST_RVR = long_period - 1;
}

void clock_wait(uint32_t us) {
    uint32_t ahead = read_elapsed();
    uint32_t left = period - ahead;
    if (us < left / CYCLES_PER_US) {
        uint32_t phase = (base_rest + ahead) % CYCLES_PER_US;
        uint32_t cycles = us * CYCLES_PER_US - phase + AFTER_EDGE;
        if (us == 0 || cycles < SHORTEST_WAIT) {
            return;
        }
        restart(cycles);
    }
    wait_for_interrupt();
}
