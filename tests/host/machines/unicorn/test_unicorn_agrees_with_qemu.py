# SPDX-License-Identifier: Apache-2.0
"""What a program sees of exceptions and faults is what QEMU's Cortex-M55 shows it.

Each program runs on both; what it noted goes out by semihosting. Only what the architecture fixes
is noted, neither times nor priorities finer than three bits.
"""

import subprocess

import pytest
from guest import Guest

QEMU = "qemu-system-arm"
REPORT = r"""
static void call(uint32_t op, const void *arg) {
    register uint32_t r0 __asm("r0") = op;
    register const void *r1 __asm("r1") = arg;
    __asm volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
}
static void report(void) {
    for (uint32_t i = 0; i < traced; i++) {
        char text[10];
        for (int d = 0; d < 8; d++) text[d] = "0123456789abcdef"[trace[i] >> (28 - 4 * d) & 15];
        text[8] = '\n';
        text[9] = 0;
        call(4, text);
    }
    finish(0);
}
static int body(void);
int main(void) {
    REG(0xE000ED88) |= 0xFu << 20;
    __asm volatile("dsb\n isb");
    body();
    report();
    return 0;
}
"""

PROGRAMS = {
    "nesting": """
        static void pend_now(int n) { pend_irq(n); __asm volatile("dsb\\n isb" : : : "memory"); }
        void irq3(void) { note(ipsr()); pend_now(5); note(31); }
        void irq5(void) { note(ipsr()); if (traced < 3) { pend_now(3); note(52); } }
        static int body(void) {
            priority(3, 0x40); priority(5, 0x80);
            enable_irq(3); enable_irq(5);
            pend_irq(5);
            __asm volatile("dsb\\n isb");
            note(ipsr());
            return 0;
        }""",
    "masks": """
        void irq3(void) { note(3); }
        void irq5(void) { note(5); }
        static int body(void) {
            uint32_t value;
            priority(3, 0x40); priority(5, 0x80);
            enable_irq(3); enable_irq(5);
            __asm volatile("msr basepri, %0\\n isb" : : "r"(0x60));
            pend_irq(5); pend_irq(3);
            __asm volatile("dsb\\n isb");
            note(1);
            note(REG(0xE000ED04) & 0x1FF1FF);
            __asm volatile("msr basepri_max, %0\\n mrs %0, basepri" : "=r"(value) : "0"(0x80));
            note(value);
            __asm volatile("msr basepri_max, %0\\n mrs %0, basepri" : "=r"(value) : "0"(0x20));
            note(value);
            __asm volatile("cpsid i\\n msr basepri, %0\\n isb" : : "r"(0));
            note(2);
            __asm volatile("cpsie i\\n isb");
            note(4);
            return 0;
        }""",
    "faultmask": """
        void irq3(void) { note(3); }
        void irq5(void) { __asm volatile("cpsid f"); pend_irq(3); note(5); }
        static int body(void) {
            uint32_t mask;
            priority(5, 0x80);
            enable_irq(3); enable_irq(5);
            pend_irq(5);
            __asm volatile("dsb\\n isb\\n mrs %0, faultmask" : "=r"(mask));
            note(mask);
            return 0;
        }""",
    "calls": """
        void svcall(void) { REG(0xE000ED04) = 1u << 28; note(ipsr()); note(REG(0xE000ED24)); }
        void pend_sv(void) { note(ipsr()); note(REG(0xE000ED24)); }
        static int body(void) {
            REG8(0xE000ED22) = 0xE0;
            __asm volatile("svc 3" : : : "memory");
            note(ipsr());
            note(REG(0xE000ED24));
            return 0;
        }""",
    "frames": """
        __attribute__((naked)) void irq5(void) {
            __asm volatile("mov r0, lr\\n mrs r1, msp\\n push {r4, lr}\\n bl seen\\n pop {r4, pc}");
        }
        __attribute__((used)) void seen(uint32_t lr, uint32_t sp) {
            const uint32_t *frame = (const uint32_t *)sp;
            uint32_t control;
            note(lr); note(frame[0]); note(frame[4]); note(frame[7] & 0xF90003FF);
            __asm volatile("mrs %0, control" : "=r"(control));
            note(control & 0xF);
        }
        static int body(void) {
            uint32_t control;
            enable_irq(5);
            __asm volatile("movs r0, #7\\n mov r12, r0\\n movs r2, #0\\n cmp r2, #1\\n"
                           "str %0, [%1]\\n dsb\\n isb"
                : : "r"(1 << 5), "r"(0xE000E200) : "r0", "r2", "r12", "memory", "cc");
            __asm volatile("vmov.f32 s0, #1.0" : : : "s0");
            __asm volatile("movs r0, #9\\n mov r12, r0\\n movs r2, #1\\n cmp r2, #1\\n"
                           "str %0, [%1]\\n dsb\\n isb"
                : : "r"(1 << 5), "r"(0xE000E200) : "r0", "r2", "r12", "memory", "cc");
            __asm volatile("mrs %0, control" : "=r"(control));
            note(control & 0xF);
            return 0;
        }""",
    "stacks": """
        __attribute__((naked)) void svcall(void) {
            __asm volatile("mov r0, lr\\n mrs r1, psp\\n mrs r2, control\\n push {r4, lr}\\n"
                           "bl seen\\n pop {r4, pc}");
        }
        __attribute__((used)) void seen(uint32_t lr, uint32_t psp, uint32_t control) {
            note(lr); note(psp); note(control & 3);
            if (traced > 3) __asm volatile("msr control, %0" : : "r"(0));
        }
        static int body(void) {
            uint32_t sp, kept, control;
            __asm volatile(
                "msr psp, %3\\n movs r1, #3\\n msr control, r1\\n isb\\n"
                "movs r4, #77\\n svc 0\\n mov %0, sp\\n mov %1, r4\\n mrs %2, control\\n svc 0\\n"
                : "=&r"(sp), "=&r"(kept), "=&r"(control) : "r"(0x20006004)
                : "r0", "r1", "r2", "r3", "r4", "r12", "memory");
            note(sp); note(kept); note(control & 3);
            return 0;
        }""",
    "status of faults": """
        static void status(void) {
            note(ipsr()); note(REG(0xE000ED28)); note(REG(0xE000ED2C));
            REG(0xE000ED28) = 0xFFFFFFFF; REG(0xE000ED2C) = 0xFFFFFFFF;
        }
        __attribute__((used)) void over(uint32_t *frame) {
            status();
            frame[6] += (*(uint16_t *)frame[6] & 0xE000) == 0xE000 ? 4 : 2;
        }
        __attribute__((naked)) void hard_fault(void) {
            __asm volatile("mrs r0, msp\\n b over");
        }
        __attribute__((naked)) void usage_fault(void) {
            __asm volatile("mrs r0, msp\\n b over");
        }
        static int body(void) {
            __asm volatile("udf #1");
            REG(0xE000ED24) = 7 << 16;
            note(REG(0xE000ED24));
            __asm volatile("udf #1");
            __asm volatile("udf.w #1");
            REG8(0xE000ED1A) = 0x80;
            __asm volatile("msr basepri, %0\\n isb\\n udf #1" : : "r"(0x40));
            return 0;
        }""",
}


@pytest.mark.needs("unicorn", "qemu-arm")
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_sees_the_same_on_qemu(build, name):
    elf = build(REPORT + PROGRAMS[name])
    command = [QEMU, "-machine", "mps3-an547", "-display", "none", "-monitor", "none",
               "-serial", "null", "-semihosting-config", "enable=on,target=native",
               "-kernel", str(elf)]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    theirs = (done.stdout + done.stderr).split()
    guest = Guest(elf).run()
    assert guest.stop.exit_code == 0
    assert guest.uart.decode().split() == theirs
    assert theirs
