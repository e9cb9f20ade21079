# SPDX-License-Identifier: Apache-2.0
def test_a_more_urgent_interrupt_preempts_and_an_equal_one_waits(run):
    guest = run(
        """
        void irq3(void) { note(ipsr()); pend_irq(5); note(31); }
        void irq5(void) {
            note(ipsr());
            if (traced < 3) { pend_irq(3); note(52); }
        }
        int main(void) {
            priority(3, 0x40);
            priority(5, 0x80);
            enable_irq(3);
            enable_irq(5);
            pend_irq(5);
            note(ipsr());
            return 0;
        }"""
    )
    # IRQ 5 pends 3, which nests; 3 pends 5, which waits for both to return.
    assert guest.notes == [21, 19, 31, 52, 21, 0]


def test_interrupts_of_one_priority_go_by_number(run):
    guest = run(
        """
        void irq3(void) { note(3); }
        void irq5(void) { note(5); }
        int main(void) {
            enable_irq(3);
            enable_irq(5);
            __asm volatile("cpsid i");
            pend_irq(5);
            pend_irq(3);
            note(0);
            __asm volatile("cpsie i");
            note(1);
            return 0;
        }"""
    )
    assert guest.notes == [0, 3, 5, 1]


def test_only_three_bits_of_a_priority_exist(run):
    guest = run("int main(void) { priority(3, 0xFF); note(REG8(0xE000E403)); return 0; }")
    assert guest.notes == [0xE0]


def test_subpriority_orders_but_does_not_preempt(run):
    guest = run(
        """
        void irq3(void) { note(3); }
        void irq5(void) { note(5); pend_irq(3); note(55); }
        int main(void) {
            REG(0xE000ED0C) = 0x05FA0600;  /* one bit of group, bit 7 */
            priority(3, 0x20);
            priority(5, 0x40);
            enable_irq(3);
            enable_irq(5);
            pend_irq(5);
            return 0;
        }"""
    )
    assert guest.notes == [5, 55, 3]


def test_basepri_holds_back_what_is_less_urgent(run):
    guest = run(
        """
        void irq3(void) { note(3); }
        void irq5(void) { note(5); }
        int main(void) {
            priority(3, 0x40);
            priority(5, 0x80);
            enable_irq(3);
            enable_irq(5);
            __asm volatile("msr basepri, %0" : : "r"(0x60));
            pend_irq(5);
            pend_irq(3);
            note(1);
            __asm volatile("msr basepri, %0" : : "r"(0));
            note(2);
            return 0;
        }"""
    )
    assert guest.notes == [3, 1, 5, 2]


def test_faultmask_holds_back_all_and_falls_with_the_return(run):
    guest = run(
        """
        void irq3(void) { note(3); }
        void irq5(void) { __asm volatile("cpsid f"); pend_irq(3); note(5); }
        int main(void) {
            uint32_t mask;
            priority(5, 0x80);
            enable_irq(3);
            enable_irq(5);
            pend_irq(5);
            __asm volatile("mrs %0, faultmask" : "=r"(mask));
            note(mask);
            return 0;
        }"""
    )
    assert guest.notes == [5, 3, 0]


def test_supervisor_call_pendsv_and_their_order(run):
    guest = run(
        """
        void svcall(void) { REG(0xE000ED04) = 1u << 28; note(ipsr()); }
        void pend_sv(void) { note(ipsr()); }
        int main(void) {
            REG8(0xE000ED22) = 0xE0;
            __asm volatile("svc 3" : : : "memory");
            note(ipsr());
            return 0;
        }"""
    )
    assert guest.notes == [11, 14, 0]


def test_nmi_ignores_every_mask(run):
    guest = run(
        """
        void nmi(void) { note(ipsr()); }
        int main(void) {
            __asm volatile("cpsid i\\n cpsid f");
            REG(0xE000ED04) = 1u << 31;
            note(0);
            return 0;
        }"""
    )
    assert guest.notes == [2, 0]


def test_floating_point_context_survives_an_interrupt_that_computes(run):
    guest = run(
        """
        volatile float sink = 1.5f;
        void irq3(void) {
            float a = sink, b = a * 3.0f, c = b + 7.0f;
            sink = a * b + c * c - b;
            __asm volatile("vmov.f32 s0, #1.0\\n vmov.f32 s15, #2.0\\n vmov.f32 s31, #3.0\\n"
                           "vmsr fpscr, %0" : : "r"(0) : "s0", "s15");
            note(ipsr());
        }
        int main(void) {
            uint32_t a, b, f;
            priority(3, 0);
            enable_irq(3);
            __asm volatile(
                "vmov s0, %3\\n vmov s15, %4\\n vmsr fpscr, %5\\n"
                "str %6, [%7]\\n"
                "vmov %0, s0\\n vmov %1, s15\\n vmrs %2, fpscr\\n"
                : "=&r"(a), "=&r"(b), "=&r"(f)
                : "r"(0x3F9D70A4), "r"(0xC2280000), "r"(0x60000000),
                  "r"(1 << 3), "r"(0xE000E200) : "s0", "s15", "memory");
            note(a); note(b); note(f);
            return 0;
        }"""
    )
    assert guest.notes == [19, 0x3F9D70A4, 0xC2280000, 0x60000000]


def test_the_frame_is_short_without_floating_point_and_long_with_it(run):
    guest = run(
        """
        void irq3(void) { }
        __attribute__((naked)) void irq5(void) {
            __asm volatile("mov r0, lr\\n mrs r1, msp\\n b seen");
        }
        __attribute__((used)) void seen(uint32_t lr, uint32_t sp) { note(lr); note(sp); }
        int main(void) {
            uint32_t sp;
            enable_irq(5);
            __asm volatile("mrs %0, msp" : "=r"(sp));
            note(sp);
            pend_irq(5);
            __asm volatile("vmov.f32 s0, #1.0" : : : "s0");
            pend_irq(5);
            return 0;
        }
        """.replace("b seen", "push {r4, lr}\\n bl seen\\n pop {r4, pc}")
    )
    sp, lr, short, lr_fp, long = guest.notes
    assert (lr, lr_fp) == (0xFFFF_FFF9, 0xFFFF_FFE9)
    assert sp - short in (0x20, 0x24)
    assert sp - long in (0x68, 0x6C)
    assert short % 8 == long % 8 == 0


def test_thread_on_its_own_stack_without_privilege_uses_the_main_one_in_handlers(run):
    guest = run(
        """
        __attribute__((naked)) void svcall(void) {
            __asm volatile("mov r0, lr\\n mrs r1, psp\\n mov r2, sp\\n push {r4, lr}\\n"
                           "bl seen\\n pop {r4, pc}");
        }
        __attribute__((used)) void seen(uint32_t lr, uint32_t psp, uint32_t sp) {
            note(lr); note(psp); note(sp);
            REG(0xE000ED14);
        }
        int main(void) {
            __asm volatile(
                "msr psp, %0\\n movs r1, #3\\n msr control, r1\\n isb\\n"
                "movs r4, #77\\n svc 0\\n"
                "mov r0, sp\\n mrs r1, control\\n mov r2, r4\\n push {r4, lr}\\n bl seen\\n"
                "pop {r4, lr}\\n"
                : : "r"(0x20006000) : "r0", "r1", "r2", "r3", "r4", "r12", "memory");
            return 0;
        }"""
    )
    lr, psp, sp, thread_sp, control, kept = guest.notes
    assert lr == 0xFFFF_FFFD
    assert psp == 0x2000_6000 - 0x20
    assert 0x2000_7000 < sp <= 0x2000_8000
    assert (thread_sp, control & 3, kept) == (0x2000_6000, 3, 77)


def test_a_level_that_stays_up_comes_again_after_the_return(run):
    guest = run(
        """
        void irq33(void) {
            note(REG(0x49303000));
            if (traced == 3) REG(0x4930300C) = 2;
        }
        int main(void) {
            REG(0x49303008) = 0xB;
            enable_irq(33);
            for (volatile int i = 0; i < 300; i++) {}
            return traced;
        }""",
        uart_input=b"a",
    )
    assert guest.stop.exit_code >= 3


def test_pending_and_active_states_can_be_read(run):
    guest = run(
        """
        void irq3(void) { note(REG(0xE000E300)); note(REG(0xE000ED04) & 0x1FF); }
        int main(void) {
            __asm volatile("cpsid i");
            enable_irq(3);
            pend_irq(3);
            pend_irq(5);
            note(REG(0xE000E200));
            note(REG(0xE000E100));
            REG(0xE000E280) = 1 << 5;
            note(REG(0xE000ED04) >> 12 & 0x1FF);
            __asm volatile("cpsie i");
            note(REG(0xE000E300) | REG(0xE000E200));
            return 0;
        }"""
    )
    assert guest.notes == [0x28, 8, 19, 8, 19, 0]


def test_sleep_on_exit_goes_to_sleep_after_the_last_handler(run):
    guest = run(
        """
        volatile int ticks;
        void sys_tick(void) { if (++ticks == 4) REG(0xE000ED10) = 0; }
        int main(void) {
            REG(0xE000ED10) = 2;
            REG(0xE000E014) = 999;
            REG(0xE000E018) = 0;
            REG(0xE000E010) = 7;
            while (ticks == 0) {}
            note(ticks);
            return 0;
        }"""
    )
    assert guest.notes == [4]


def test_an_interrupt_is_taken_at_the_instruction_after_its_unmasking(run):
    guest = run(
        """
        __attribute__((naked)) void irq3(void) {
            __asm volatile("ldr r0, [sp, #24]\\n push {r4, lr}\\n bl seen\\n pop {r4, pc}");
        }
        __attribute__((used)) void seen(uint32_t pc) { note(pc); }
        int main(void) {
            uint32_t after;
            enable_irq(3);
            __asm volatile("cpsid i");
            pend_irq(3);
            __asm volatile(
                "adr %0, 1f\\n nop\\n nop\\n nop\\n cpsie i\\n nop\\n .balign 4\\n 1: nop\\n nop"
                : "=r"(after));
            note(after);
            return 0;
        }"""
    )
    taken, after = guest.notes
    assert after - taken in (2, 4)
