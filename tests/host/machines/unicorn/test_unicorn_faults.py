# SPDX-License-Identifier: Apache-2.0
import pytest
from guest import Guest

from hocket_host.machines.unicorn import FaultReport, LockupError

SPIN = "void hard_fault(void) { note(REG(0xE000ED28)); note(REG(0xE000ED2C)); finish_now(); }"
END = "static void finish(uint32_t); static void finish_now(void) { finish(1); }"


def source(body, before=""):
    return END + SPIN + before + "int main(void) {" + body + "return 0; }"


def test_an_access_to_nothing_is_reported_with_its_address_registers_and_callers(run):
    guest = run(
        source(
            "return outer(0x30000000);",
            """
            NOINLINE uint32_t inner(uint32_t a) { return REG(a) + 1; }
            NOINLINE uint32_t outer(uint32_t a) { return inner(a) + inner(a + 4); }
            """,
        )
    )
    (report,) = guest.machine.faults
    assert (report.kind, report.taken) == ("BusFault", "HardFault")
    assert report.address == 0x3000_0000
    assert report.registers["r0"] == 0x3000_0000
    assert [entry.split("+")[0] for entry in report.trace[:3]] == ["inner", "outer", "main"]
    assert "read at 0x30000000" in str(report)
    # PRECISERR and BFARVALID; FORCED.
    assert guest.notes == [0x8200, 0x4000_0000]


def test_a_store_to_nothing_faults_before_it_does_anything(run):
    guest = run(
        source('__asm volatile("movs r0, #5\\n str r0, [%0], #4\\n" : : "r"(0x30000010) : "r0");')
    )
    (report,) = guest.machine.faults
    assert report.address == 0x3000_0010
    assert 0x3000_0010 in report.registers.values()


def test_an_enabled_bus_fault_is_taken_as_itself_and_can_be_passed_over(run):
    guest = run(
        """
        __attribute__((naked)) void bus_fault(void) {
            __asm volatile("ldr r0, [sp, #24]\\n adds r0, #4\\n str r0, [sp, #24]\\n bx lr");
        }
        int main(void) {
            REG(0xE000ED24) = 1 << 17;
            __asm volatile("ldr.w r0, [%0]" : : "r"(0x30000000) : "r0");
            note(REG(0xE000ED38));
            return 6;
        }"""
    )
    assert guest.stop.exit_code == 6
    assert guest.notes == [0x3000_0000]
    assert guest.machine.faults[0].taken == "BusFault"


@pytest.mark.needs("unicorn")
@pytest.mark.parametrize(
    ("body", "kind", "cause", "bits"),
    [
        ('__asm volatile("udf #1");', "UsageFault", "undefined instruction", 1 << 16),
        ("((void (*)(void))0x30000001)();", "BusFault", "fetch at 0x30000000", 1 << 8),
        ("((void (*)(void))0x00000100)();", "UsageFault", "Thumb bit", 1 << 17),
        ('__asm volatile("bkpt 1");', "HardFault", "breakpoint", 0),
        ('__asm volatile("vadd.f64 d0, d0, d0");', "UsageFault", "undefined", 1 << 16),
        (
            '__asm volatile("mov lr, %0\\n bx lr" : : "r"(0xFFFFFFF9) : "lr");',
            "UsageFault", "EXC_RETURN", 1 << 18,
        ),
    ],
)  # fmt: skip
def test_other_faults_are_told_apart(build, body, kind, cause, bits):
    flags = ("-mcpu=cortex-m7", "-mthumb", "-mfpu=fpv5-d16", "-mfloat-abi=hard")
    guest = Guest(build(source(body), flags=flags)).run()
    report = guest.machine.faults[0]
    assert report.kind == kind
    assert cause in report.cause
    assert guest.notes[0] == bits


@pytest.mark.needs("unicorn")
def test_a_fault_in_the_handler_of_faults_locks_up_and_says_so(build):
    guest = Guest(
        build(
            "void hard_fault(void) { REG(0x30000000); }"
            "int main(void) { REG(0x30000004); return 0; }"
        )
    )
    with pytest.raises(LockupError) as caught:
        guest.run()
    assert [r.taken for r in guest.machine.faults] == ["HardFault", "lockup"]
    assert caught.value.report.address == 0x3000_0000
    assert "hard_fault" in str(caught.value)
    assert "main" in str(caught.value)


@pytest.mark.needs("unicorn")
def test_no_vector_for_a_fault_locks_up(build):
    guest = Guest(build("int main(void) { REG(0x30000004); return 0; }"))
    with pytest.raises(LockupError):
        guest.run()


@pytest.mark.needs("unicorn")
def test_a_stack_that_leaves_memory_locks_up(build):
    guest = Guest(
        build(
            "void hard_fault(void) { for (;;) {} }"
            'int main(void) { __asm volatile("mov sp, %0\\n push {r0}" : : "r"(0x20000000));'
            "return 0; }"
        )
    )
    with pytest.raises(LockupError):
        guest.run()


def test_registers_are_as_before_when_a_device_refuses_an_access(run):
    guest = run(
        source('__asm volatile("ldrb r5, [%0, #1]!" : : "r"(0x48102003) : "r5", "memory");')
    )
    (report,) = guest.machine.faults
    assert report.kind == "BusFault"
    assert "32 bits wide" in report.cause
    assert report.address == 0x4810_2004
    assert 0x4810_2003 in report.registers.values()


@pytest.mark.needs("unicorn")
def test_whoever_watches_faults_may_end_the_run(build):
    seen = []

    class EndError(Exception):
        pass

    def watch(report):
        seen.append(report)
        raise EndError

    guest = Guest(build(source("REG(0x30000000);")))
    guest.machine.fault_observers.append(watch)
    with pytest.raises(EndError):
        guest.run()
    assert isinstance(seen[0], FaultReport)


def test_an_interrupt_without_a_vector_is_reported_and_becomes_a_hard_fault(run):
    guest = run(source("enable_irq(5); pend_irq(5);"))
    (report,) = guest.machine.faults
    assert (report.kind, report.taken) == ("IRQ 5", "HardFault")
    assert "cannot be entered" in report.cause
    # VECTTBL.
    assert guest.notes == [0, 2]


@pytest.mark.needs("unicorn")
def test_no_stack_for_an_interrupt_is_a_bus_fault_on_top(build):
    guest = Guest(
        build(
            "void irq5(void) {}"
            "void hard_fault(void) { for (;;) {} }"
            "int main(void) { enable_irq(5);"
            '__asm volatile("msr psp, %0\\n movs r1, #2\\n msr control, r1\\n isb\\n'
            'str %1, [%2]\\n b ." : : "r"(0x30000000), "r"(1 << 5), "r"(0xE000E200) : "r1");'
            "return 0; }"
        )
    )
    stop = guest.machine.run_until(1_000_000)
    assert stop.reason == "time"
    (report,) = guest.machine.faults
    assert (report.kind, report.taken) == ("IRQ 5", "HardFault")
