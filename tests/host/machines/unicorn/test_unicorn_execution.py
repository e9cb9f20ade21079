# SPDX-License-Identifier: Apache-2.0
import pytest
from guest import CYCLE_NS, PLATFORM, Guest

from hocket_host.board.repl.platform import loads
from hocket_host.machines.unicorn import UnicornMachine


def test_a_program_starts_at_its_vector_and_ends_with_its_status(run):
    guest = run("int main(void) { note(0x1234); return 7; }")
    assert guest.stop.reason == "exit"
    assert guest.stop.exit_code == 7
    assert guest.notes == [0x1234]


def test_one_instruction_takes_one_cycle(run):
    guest = run(
        "int main(void) { uint32_t a = CYCLES;"
        '__asm volatile("nop\\n nop\\n nop\\n nop\\n nop\\n nop\\n nop\\n nop\\n nop\\n nop");'
        "note(CYCLES - a); return 0; }"
    )
    # Ten NOPs and the second load itself.
    assert guest.notes == [11]
    assert guest.stop.at_ns == -(-guest.machine.instructions * 125 // 4)


def test_systick_interrupts_at_exact_cycles(run):
    guest = run(
        """
        volatile int ticks;
        void sys_tick(void) { note(CYCLES); ticks++; }
        int main(void) {
            REG(0xE000E014) = 999;
            REG(0xE000E018) = 0;
            REG(0xE000E010) = 7;
            while (ticks < 3) wfi();
            while (ticks < 6) {}
            return 0;
        }"""
    )
    asleep = [b - a for a, b in zip(guest.notes[:3], guest.notes[1:3], strict=False)]
    assert asleep == [1000, 1000]
    awake = [b - a for a, b in zip(guest.notes[2:], guest.notes[3:], strict=False)]
    assert awake == [1000, 1000, 1000]


def test_systick_counts_cycles_and_flags_its_zero(run):
    guest = run(
        """
        int main(void) {
            REG(0xE000E014) = 99;
            REG(0xE000E018) = 0;
            REG(0xE000E010) = 5;
            uint32_t a = REG(0xE000E018), b = REG(0xE000E018);
            note(a - b);
            note(REG(0xE000E010));
            for (volatile int i = 0; i < 50; i++) {}
            note(REG(0xE000E010));
            note(REG(0xE000E010));
            return 0;
        }"""
    )
    assert guest.notes == [1, 5, 0x10005, 5]


def test_a_sleep_costs_no_instructions_and_ends_at_the_instant_of_its_event(run):
    guest = run(
        """
        void sys_tick(void) {}
        int main(void) {
            REG(0xE000E014) = 3199999;
            REG(0xE000E018) = 0;
            REG(0xE000E010) = 7;
            wfi();
            return 0;
        }"""
    )
    assert 100_000_000 <= guest.stop.at_ns < 100_010_000
    assert guest.machine.instructions < 200


def test_a_masked_interrupt_ends_a_sleep_without_being_taken(run):
    guest = run(
        """
        void sys_tick(void) { note(2); }
        int main(void) {
            __asm volatile("cpsid i");
            REG(0xE000E014) = 999;
            REG(0xE000E018) = 0;
            REG(0xE000E010) = 7;
            wfi();
            note(1);
            __asm volatile("cpsie i\\n isb\\n nop\\n nop\\n nop\\n nop\\n nop\\n nop\\n nop");
            note(3);
            return 0;
        }"""
    )
    assert guest.notes == [1, 2, 3]


@pytest.mark.needs("unicorn")
def test_asleep_for_ever_is_told_and_input_wakes(build):
    guest = Guest(
        build(
            """
            volatile int got;
            void irq33(void) {
                got = REG(0x49303000);
                REG(0x4930300C) = 2;
                REG(0x49303000) = got + 1;
            }
            int main(void) {
                REG(0x49303008) = 0xB;
                enable_irq(33);
                while (got != 'z') wfi();
                return got;
            }"""
        )
    )
    assert guest.machine.run_until(None).reason == "idle"
    guest.machine.feed(b"ab")
    assert guest.machine.run_until(None).reason == "idle"
    assert guest.uart == b"bc"
    guest.machine.feed(b"z")
    stop = guest.machine.run_until(None)
    assert (stop.reason, stop.exit_code) == ("exit", ord("z"))


def test_hints_are_passed_over(run):
    guest = run(
        "int main(void) {"
        '__asm volatile("wfe\\n yield\\n sev\\n wfe\\n dsb\\n isb\\n dmb"); return 3; }'
    )
    assert guest.stop.exit_code == 3


@pytest.mark.needs("unicorn")
def test_a_run_comes_back_at_the_asked_instant(build):
    guest = Guest(build("int main(void) { for (;;) {} }"))
    stop = guest.machine.run_until(1_000_000)
    assert (stop.reason, stop.at_ns) == ("time", 1_000_000)
    assert guest.machine.instructions == 1_000_000 / CYCLE_NS


@pytest.mark.needs("unicorn")
def test_how_a_run_is_divided_changes_nothing(build):
    source = """
        volatile uint32_t work;
        void sys_tick(void) { note(CYCLES); }
        int main(void) {
            REG(0xE000E014) = 777;
            REG(0xE000E018) = 0;
            REG(0xE000E010) = 7;
            while (traced < 40) { work = work * 3 + (work & 1 ? 5 : 7); }
            return 0;
        }"""
    elf = build(source)
    whole = Guest(elf).run()
    parts = Guest(elf)
    step_ns = 1
    while True:
        stop = parts.machine.run_for(step_ns)
        if stop.reason == "exit":
            break
        step_ns = step_ns * 7 % 10_007
    assert parts.notes == whole.notes
    assert (stop.at_ns, parts.machine.instructions) == (
        whole.stop.at_ns, whole.machine.instructions,
    )  # fmt: skip


def test_semihosting_writes_and_measures_time(run):
    guest = run(
        """
        static uint32_t call(uint32_t op, const void *arg) {
            register uint32_t r0 __asm("r0") = op;
            register const void *r1 __asm("r1") = arg;
            __asm volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
            return r0;
        }
        int main(void) {
            uint32_t elapsed[2];
            const char text[] = "three";
            call(4, "one ");
            call(3, "2");
            uint32_t name[3] = {(uint32_t)":tt", 4, 3};
            uint32_t handle = call(1, name);
            uint32_t block[3] = {handle, (uint32_t)text, 5};
            note(call(5, block));
            call(0x30, elapsed);
            note(elapsed[0]);
            note(call(0x31, 0));
            note(call(0x77, 0));
            return 0;
        }"""
    )
    assert guest.uart == b"one 2three"
    assert guest.notes[0] == 0
    assert 0 < guest.notes[1] < guest.stop.at_ns
    assert guest.notes[2:] == [1_000_000_000, 0xFFFF_FFFF]


def test_software_can_reset_the_machine(run):
    guest = run(
        """
        int main(void) {
            volatile uint32_t *count = (volatile uint32_t *)0x20004000;
            if (*count == 2) { note(CYCLES < 100); return 5; }
            *count = *count + 1;
            __asm volatile("cpsid i");
            REG(0xE000E010) = 7;
            REG(0xE000ED0C) = 0x05FA0004;
            for (;;) {}
        }"""
    )
    assert (guest.stop.reason, guest.stop.exit_code) == ("exit", 5)
    assert guest.notes == [1]


@pytest.mark.needs("unicorn")
def test_callbacks_can_end_a_run(build):
    seen = bytearray()

    def output(data):
        seen.extend(data)
        if data == b"!":
            guest.machine.stop()

    guest = Guest(
        build(
            "int main(void) { REG(0x49303008) = 1; REG(0x49303000) = '!';"
            "REG(0x49303000) = '?'; for (;;) wfi(); }"
        ),
        uart_output=output,
    )
    assert guest.machine.run_until(None).reason == "request"
    assert seen == b"!"
    assert isinstance(guest.machine, UnicornMachine)


@pytest.mark.needs("unicorn")
def test_a_timer_of_the_platform_interrupts(build):
    text = PLATFORM.read_text() + (
        "timer0: Timers.Arm_CMSDK_Timer @ sysbus 0x48000000\n"
        "    frequency: 1_000_000\n    -> nvic@3\n"
    )
    guest = Guest(
        build(
            """
            void irq3(void) { REG(0x4800000C) = 1; note(CYCLES); }
            int main(void) {
                enable_irq(3);
                REG(0x48000008) = 50;
                REG(0x48000000) = 9;
                while (traced < 4) wfi();
                return 0;
            }"""
        ),
        soc=loads(text),
    ).run()
    gaps = {b - a for a, b in zip(guest.notes, guest.notes[1:], strict=False)}
    assert gaps == {50 * 32}
