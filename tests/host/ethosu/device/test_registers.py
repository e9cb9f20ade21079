# SPDX-License-Identifier: Apache-2.0
from importlib import import_module

import pytest

from hocket_host.ethosu.config import CONFIGS
from hocket_host.ethosu.device.register_map import COMMAND_WINDOWS
from hocket_host.ethosu.device.registers import NpuProgrammingError, Reg, Status
from hocket_host.ethosu.stream.isa import Cmd
from hocket_host.sim.bus import BusFault
from rigs.npu import ARENA, CYCLES, NS, SETUP, STARTUP, STOP, STREAM, TAIL, Bench, words
from rigs.npu import copies as stream_of
from rigs.npu import copy as operation

END = Status.END_REACHED
IRQ = Status.IRQ


@pytest.fixture
def bench():
    return Bench(strict=True).power_on()


def status(bench):
    """STATUS without the interrupt history."""
    return Status(bench.read(Reg.STATUS) & 0xFFFF)


def test_reset_values_are_those_of_the_register_description():
    bench = Bench()
    assert bench.read(Reg.STATUS) == 0x8
    assert bench.read(Reg.CMD) == 0xC
    assert bench.read(Reg.QREAD) == 0


def test_reset_is_over_after_some_cycles():
    bench = Bench()
    bench.cycles(63)
    assert status(bench) == Status.RESETTING
    bench.cycles(1)
    assert status(bench) == 0


@pytest.mark.parametrize("name", CONFIGS)
def test_the_accelerator_names_itself(name):
    bench = Bench(name)
    assert bench.read(Reg.CONFIG) == CONFIGS[name].config_register
    assert bench.read(Reg.ID) == 0x1006_6001


def test_protection_is_taken_over_by_a_reset(bench):
    bench.write(Reg.RESET, 1)
    bench.power_on()
    assert bench.read(Reg.PROT) == 1


def test_a_reset_clears_what_was_configured(bench):
    bench.load(stream_of(1) + STOP)
    bench.write(Reg.RESET, 0)
    bench.power_on()
    assert [bench.read(r) for r in (Reg.QBASE, Reg.QSIZE, Reg.REGIONCFG, Reg.BASEP0)] == [0] * 4


def test_configuration_reads_back(bench):
    bench.load(stream_of(1) + STOP)
    bench.write(Reg.AXI_LIMIT0, 0xFFFF_FFFF)
    assert bench.read(Reg.QBASE) == STREAM
    assert bench.read(Reg.REGIONCFG) == 0x5553
    assert bench.read(Reg.BASEP0 + 8) == ARENA
    assert bench.read(Reg.AXI_LIMIT0) == 0xFFFF_00F3


@pytest.mark.parametrize(("name", "kept"), [("ethos-u55-128", 0), ("ethos-u65-256", 0xFF)])
def test_base_pointers_are_as_wide_as_the_product(name, kept):
    bench = Bench(name).power_on()
    bench.write(Reg.BASEP0 + 12, 0xFFFF_FFFF)
    assert bench.read(Reg.BASEP0 + 12) == kept


@pytest.mark.parametrize("register", [Reg.ID, Reg.STATUS, Reg.QREAD, Reg.PROT, Reg.CONFIG, 0x800])
def test_read_only_registers_ignore_writes(bench, register):
    before = bench.read(register)
    bench.write(register, 0xFFFF_FFFF)
    assert bench.read(register) == before


def test_unknown_registers_read_zero(bench):
    assert [bench.read(at) for at in (0x30, 0x60, 0x100, 0xC00)] == [0] * 4


@pytest.mark.parametrize("size", [1, 2])
def test_narrow_accesses_fault(bench, size):
    with pytest.raises(BusFault, match="32 bits"):
        bench.npu.read(0, size)


def test_a_run_ends_with_an_interrupt_at_its_exact_instant(bench):
    start_ns = bench.start(stream_of(3) + STOP)
    end_ns = start_ns + (STARTUP + 3 * CYCLES + TAIL) * NS
    bench.clock.run_until(end_ns - 1)
    assert (status(bench), bench.irq) == (Status.RUNNING, False)
    bench.clock.run_until(end_ns)
    assert (status(bench), bench.irq) == (END | IRQ, True)
    assert bench.read(Reg.QREAD) == bench.read(Reg.QSIZE)
    assert bench.copied() == [0, 1, 2]


def test_extra_cycles_are_added_to_each_run():
    bench = Bench(extra_cycles=500).power_on()
    bench.start(stream_of(1) + STOP)
    bench.cycles(STARTUP + CYCLES + TAIL + 499)
    assert not bench.irq
    bench.cycles(1)
    assert bench.irq


def test_clearing_the_interrupt_lowers_the_line_and_keeps_the_end(bench):
    bench.start(stream_of(1) + STOP)
    bench.cycles(1000)
    bench.clear_irq()
    assert (status(bench), bench.irq) == (END, False)


@pytest.mark.parametrize("register", [Reg.QBASE, Reg.QSIZE])
def test_programming_the_queue_clears_the_end_and_the_progress(bench, register):
    bench.start(stream_of(1) + STOP)
    bench.cycles(1000)
    bench.write(register, bench.read(register))
    assert not status(bench) & END
    assert bench.read(Reg.QREAD) == 0


def test_the_mask_of_stop_is_kept_in_the_history_until_cleared(bench):
    bench.start(stream_of(1) + words((Cmd.NPU_OP_STOP, 0x00F0)))
    bench.cycles(1000)
    assert bench.read(Reg.STATUS) >> 16 == 0x00F0
    bench.write(Reg.CMD, 0xC | 0x0030 << 16)
    assert bench.read(Reg.STATUS) >> 16 == 0x00C0


def test_effects_are_not_visible_before_the_end(bench):
    bench.start(stream_of(2) + STOP)
    bench.cycles(STARTUP + 2 * CYCLES)
    assert bench.copied() == []


def test_progress_shows_the_operations_that_have_ended(bench):
    stream = stream_of(3) + STOP
    bench.start(stream)
    ends = [4 * (len(stream_of(k))) for k in range(1, 4)]
    seen = []
    for step in (STARTUP, CYCLES - 1, 1, CYCLES):
        bench.cycles(step)
        seen.append(bench.read(Reg.QREAD))
    assert seen == [0, 0, ends[0], ends[1]]


def test_an_interrupt_of_the_stream_comes_while_it_runs(bench):
    bench.start(stream_of(1) + words((Cmd.NPU_OP_IRQ, 0x5)) + operation(1) + STOP)
    bench.cycles(STARTUP + CYCLES)
    assert bench.irq
    assert bench.read(Reg.STATUS) == Status.RUNNING | IRQ | 0x5 << 16
    assert bench.copied() == [0]
    bench.clear_irq()
    bench.cycles(CYCLES + TAIL)
    assert bench.irq
    assert bench.model.runs == [0, 1]


def test_a_stop_request_completes_what_was_started(bench):
    bench.start(stream_of(4) + STOP)
    bench.cycles(STARTUP + CYCLES + 50)
    bench.stop()
    assert status(bench) == Status.RUNNING
    bench.cycles(50)
    assert (status(bench), bench.irq) == (IRQ, True)
    assert bench.copied() == [0, 1]
    assert bench.read(Reg.QREAD) == 4 * len(stream_of(2))


def test_a_stop_request_before_the_first_operation_stops_at_once(bench):
    bench.start(stream_of(2) + STOP)
    bench.stop()
    bench.cycles(0)
    assert status(bench) == IRQ
    assert bench.copied() == []
    assert bench.read(Reg.QREAD) == 0


def test_a_stop_request_in_the_last_operation_lets_the_stream_end(bench):
    bench.start(stream_of(2) + STOP)
    bench.cycles(STARTUP + CYCLES + 1)
    bench.stop()
    bench.cycles(1000)
    assert status(bench) == END | IRQ


def test_a_stop_request_while_stopped_does_nothing(bench):
    bench.stop()
    assert (status(bench), bench.irq) == (0, False)


def test_a_stopped_stream_goes_on_without_the_registers_it_had(bench):
    bench.start(stream_of(4) + STOP)
    bench.cycles(STARTUP + 1)
    bench.stop()
    bench.cycles(CYCLES)
    bench.clear_irq()
    bench.go()
    bench.cycles(1000)
    assert status(bench) & Status.PARSE_ERROR


def test_a_queue_without_stop_ends_without_an_interrupt():
    bench = Bench().power_on()
    bench.start(stream_of(2))
    bench.cycles(1000)
    assert (status(bench), bench.irq) == (END, False)
    assert bench.copied() == [0, 1]
    assert "without NPU_OP_STOP" in bench.npu.problems[0]


def test_words_after_stop_are_not_read(bench):
    bench.start(stream_of(1) + STOP + [0xFFFF_FFFF] * 3)
    bench.cycles(1000)
    assert status(bench) == END | IRQ
    assert bench.read(Reg.QREAD) == 4 * (len(stream_of(1)) + 1)


def test_a_stream_of_nothing_but_stop_ends(bench):
    bench.start(STOP)
    bench.cycles(STARTUP + TAIL)
    assert status(bench) == END | IRQ


def test_each_run_fetches_its_stream_anew(bench):
    bench.start(stream_of(1) + STOP)
    bench.cycles(1000)
    bench.clear_irq()
    bench.start(SETUP + operation(5) + STOP)
    bench.cycles(1000)
    assert bench.copied() == [0, 5]


def test_a_reset_discards_what_is_under_way(bench):
    bench.start(stream_of(3) + STOP)
    bench.cycles(STARTUP + CYCLES + 1)
    bench.write(Reg.RESET, 0)
    bench.cycles(1000)
    assert (status(bench), bench.irq) == (0, False)
    assert bench.copied() == [0]
    assert bench.kinds() == ["start", "reset"]


def test_observers_see_exact_instants(bench):
    start_ns = bench.start(stream_of(2) + STOP)
    bench.cycles(1000)
    total = STARTUP + 2 * CYCLES + TAIL
    assert [(e.kind, e.at_ns, e.cycles, e.operations) for e in bench.events] == [
        ("start", start_ns, total, 0),
        ("end", start_ns + total * NS, total, 2),
    ]


def test_command_registers_show_the_last_operation(bench):
    bench.start(stream_of(2) + STOP)
    bench.cycles(STARTUP + CYCLES)
    at = {key: offset for offset, (key, shift) in COMMAND_WINDOWS.items() if shift == 0}
    assert bench.read(at[Cmd.DMA0_SRC]) == 0
    bench.cycles(1000)
    assert bench.read(at[Cmd.DMA0_SRC]) == 1
    assert bench.read(at[Cmd.DMA0_DST_REGION]) == 1


def test_scramble_hides_them_once_the_run_is_over():
    bench = Bench(scramble=True).power_on()
    bench.start(stream_of(2) + STOP)
    bench.cycles(1000)
    first = [bench.read(at) for at in sorted(COMMAND_WINDOWS)]
    bench.clear_irq()
    bench.start(stream_of(2) + STOP)
    bench.cycles(1000)
    assert first != [bench.read(at) for at in sorted(COMMAND_WINDOWS)]


def test_offsets_are_those_that_vela_publishes():
    regs = import_module("ethosu.vela.ethos_u55_regs.ethos_u55_regs")
    for name in Reg.__members__:
        vela = {"QBASE": "QBASE0", "QBASE_HI": "QBASE1"}.get(name, name)
        where = regs.BASE_POINTERS if name == "BASEP0" else regs.BASE
        assert Reg[name] == where[vela].value
    shown = {Cmd(key).name: at for at, (key, shift) in COMMAND_WINDOWS.items() if shift == 0}
    for name, at in shown.items():
        assert at == regs.TSU[name].value, name


@pytest.mark.parametrize(
    "register", [Reg.QBASE, Reg.QSIZE, Reg.QCONFIG, Reg.REGIONCFG, Reg.BASEP0, Reg.AXI_LIMIT3]
)
def test_configuring_while_a_stream_runs_is_an_error_of_the_driver(bench, register):
    bench.start(stream_of(1) + STOP)
    before = bench.read(register)
    with pytest.raises(NpuProgrammingError, match="while a stream runs"):
        bench.write(register, 0x10)
    assert bench.read(register) == before


def test_starting_twice_is_an_error_of_the_driver(bench):
    bench.start(stream_of(1) + STOP)
    with pytest.raises(NpuProgrammingError, match="while a stream runs"):
        bench.go()


def test_starting_with_the_interrupt_raised_is_an_error_of_the_driver(bench):
    bench.start(stream_of(1) + STOP)
    bench.cycles(1000)
    with pytest.raises(NpuProgrammingError, match="interrupt raised"):
        bench.start(stream_of(1) + STOP)


def test_writing_during_a_reset_is_an_error_of_the_driver():
    with pytest.raises(NpuProgrammingError, match="during a reset"):
        Bench(strict=True).write(Reg.QBASE, 0)


def test_an_unaligned_queue_is_an_error_of_the_driver(bench):
    bench.load(stream_of(1) + STOP)
    bench.write(Reg.QBASE, STREAM + 4)
    with pytest.raises(NpuProgrammingError, match="not aligned"):
        bench.go()


def test_without_strict_a_programming_error_is_noted_and_ignored():
    bench = Bench().power_on()
    bench.start(stream_of(1) + STOP)
    bench.write(Reg.QSIZE, 4)
    assert bench.read(Reg.QSIZE) != 4
    assert len(bench.npu.problems) == 1
