# SPDX-License-Identifier: Apache-2.0
"""The NPU through Renode's script and the server against the same NPU in process."""

import numpy as np
import pytest

from hocket_host.ethosu.device.register_map import RESET_CYCLES
from hocket_host.ethosu.device.registers import Reg, Status
from rigs.fake_renode import PythonPeripheral
from rigs.renode import ARENA, BOARD, CONSTANTS, HOLD, RENODE, RUN, Renode, compiled, server

KWS = "mlp_kws_int8"
PMCR, PMCNTENSET, PMCCNTR = 0x180, 0x184, 0x1A0
PMEVCNTR0, PMEVTYPER0, NPU_ACTIVE, MAC_ACTIVE = 0x300, 0x380, 0x23, 0x30


@pytest.fixture
def both(direct, renode):
    return direct, renode


def prepared(benches, model=KWS):
    for bench in benches:
        bench.power_on().place(compiled(model))
    return benches


def same(benches, look):
    """What both show; they must agree."""
    values = [look(bench) for bench in benches]
    assert values[0] == values[1]
    return values[0]


def finish(benches):
    """Let the run end, and the interrupt of the slower one arrive."""
    for bench in benches:
        bench.run(1_000_000)


@pytest.mark.parametrize("model", ["hello_world_int8", "micro_speech", KWS, "mnist_lstm_int8"])
def test_networks_leave_the_same_bytes_behind(both, model):
    for bench in prepared(both, model):
        bench.infer()
    assert same(both, lambda b: b.irq)
    assert same(both, lambda b: b.status()) == 0xFFFF << 16 | Status.END_REACHED | Status.IRQ
    same(both, lambda b: b.arena())


def test_a_network_with_state_continues_where_it_stopped(both):
    for bench in prepared(both, "mnist_lstm_int8"):
        for _ in range(3):
            bench.queue(bench.network.command_stream)
            bench.infer()
            bench.clear_irq()
    same(both, lambda b: b.arena())


@pytest.mark.parametrize("register", [Reg.ID, Reg.CONFIG, Reg.STATUS, Reg.CMD, Reg.PROT, 0xFE0])
def test_registers_read_as_they_do_in_process(both, register):
    same(both, lambda b: b.read(register))
    prepared(both)
    same(both, lambda b: b.read(register))


def test_configuration_reads_back(both):
    prepared(both)
    for register in (Reg.QBASE, Reg.QSIZE, Reg.REGIONCFG, Reg.BASEP0, Reg.BASEP0 + 8):
        assert same(both, lambda b, r=register: b.read(r)) != 0


def test_the_interrupt_comes_with_the_microsecond_after_the_end(both):
    for bench in prepared(both):
        bench.start()
    start = both[1].now_ns
    due = both[0].soc.clock.next_ns
    both[1].run(1_000_000)
    assert due > start
    assert both[1].machine.edges[-1] == (start - (start - due) // 1000 * 1000, True)


def test_status_and_progress_agree_at_every_instant(both):
    for bench in prepared(both):
        bench.start()
    seen = set()
    for _ in range(60):
        for bench in both:
            bench.run(3_137)
        same(both, lambda b: b.status())
        seen.add(same(both, lambda b: b.read(Reg.QREAD)))
    assert len(seen) > 10


def test_counters_follow_virtual_time(both):
    for bench in prepared(both):
        bench.write(PMCR, 1 | 4)
        bench.write(PMEVTYPER0, NPU_ACTIVE)
        bench.write(PMEVTYPER0 + 4, MAC_ACTIVE)
        bench.write(PMCNTENSET, 1 << 31 | 3)
        bench.run(12_345)
        bench.start()
    for _ in range(5):
        for bench in both:
            bench.run(41_003)
        for register in (PMCCNTR, PMEVCNTR0, PMEVCNTR0 + 4):
            assert same(both, lambda b, r=register: b.read(r)) > 0


def test_nothing_of_a_run_is_visible_before_its_end(renode):
    prepared([renode])
    before = renode.arena()
    renode.start()
    renode.run(100_000)
    assert renode.read(Reg.QREAD) > 0
    assert renode.arena() == before
    finish([renode])
    assert renode.arena() != before


def test_inputs_are_read_as_they_are_when_the_run_ends(both):
    tensor = compiled(KWS).inputs[0]
    for bench in prepared(both):
        bench.start()
        bench.run(10_000)
        bench.load(ARENA + tensor.offset, bytes(range(100)))
    finish(both)
    same(both, lambda b: b.arena())


def test_a_stop_request_completes_what_was_started(both):
    for bench in prepared(both):
        bench.start()
        bench.run(50_000)
        bench.stop()
    same(both, lambda b: b.status())
    finish(both)
    assert same(both, lambda b: b.status()) & 0xFFFF == Status.IRQ
    assert 0 < same(both, lambda b: b.read(Reg.QREAD)) < len(compiled(KWS).command_stream)
    assert same(both, lambda b: b.irq)
    same(both, lambda b: b.arena())


def test_a_stop_request_before_the_first_operation_raises_the_interrupt_at_once(renode):
    prepared([renode])
    renode.start()
    renode.stop()
    assert renode.irq
    assert renode.machine.edges[-1][0] == renode.now_ns


def test_a_stopped_stream_is_fetched_from_where_it_stopped_without_its_registers(both):
    for bench in prepared(both):
        bench.start()
        bench.run(50_000)
        bench.stop()
    finish(both)
    for bench in both:
        bench.clear_irq()
        bench.start()
    finish(both)
    assert same(both, lambda b: b.status()) & 0xFFFF == Status.PARSE_ERROR | Status.IRQ
    same(both, lambda b: b.arena())


def test_a_reset_keeps_what_has_ended_and_drops_the_rest(both):
    for bench in prepared(both):
        bench.start()
        bench.run(50_000)
        bench.write(Reg.RESET, 1)
    assert same(both, lambda b: b.status()) == Status.RESETTING
    finish(both)
    assert same(both, lambda b: b.status()) == 0
    assert not same(both, lambda b: b.irq)
    same(both, lambda b: b.arena())


def test_the_reset_that_follows_power_on_takes_its_cycles(renode):
    renode.write(Reg.RESET, 1)
    renode.run(2 * RESET_CYCLES - 1)
    assert renode.read(Reg.STATUS) == Status.RESETTING
    renode.run(1)
    assert renode.read(Reg.STATUS) == 0


def test_clearing_the_interrupt_lowers_the_line(renode):
    prepared([renode])
    renode.infer()
    renode.clear_irq()
    assert [level for _, level in renode.machine.edges] == [False, True, False]


@pytest.mark.parametrize(
    ("register", "value"),
    [(Reg.QBASE, 0x1000_0000), (Reg.BASEP0 + 8, 0x1000_0000), (Reg.BASEP0 + 8, CONSTANTS)],
)
def test_a_bus_abort_is_reported_and_survived(both, register, value):
    for bench in prepared(both):
        bench.write(register, value)
        bench.start()
    finish(both)
    assert same(both, lambda b: b.status()) & 0xFFFF == Status.BUS_ABORT | Status.IRQ
    assert same(both, lambda b: b.irq)
    same(both, lambda b: b.arena())
    assert any("bus abort" in text for text in both[1].npu.warnings)
    for bench in both:
        bench.power_on().place(compiled(KWS))
        bench.infer()
    assert same(both, lambda b: b.status()) & Status.END_REACHED


def test_a_stream_that_does_not_parse_is_a_fault(both):
    for bench in prepared(both):
        bench.queue(b"\xff" * 64)
        bench.start()
    finish(both)
    assert same(both, lambda b: b.status()) & Status.PARSE_ERROR
    assert any("parse error" in text for text in both[1].npu.warnings)


def test_weights_that_do_not_decode_are_a_fault(both):
    network = compiled("micro_speech")
    for bench in prepared(both, "micro_speech"):
        bench.load(CONSTANTS, b"\xa5" * len(network.read_only))
        bench.start()
    finish(both)
    assert same(both, lambda b: b.status()) & Status.WEIGHT_FAULT
    same(both, lambda b: b.arena())


def sent_bytes(bench, act):
    """Bytes that the script sends to the server while ``act()`` runs."""
    link = bench.npu.scope["Link"]
    sent, original = [], link.send

    def send(self, data):
        sent.append(len(data))
        original(self, data)

    link.send = send
    act()
    link.send = original
    return sum(sent)


def test_weights_are_sent_only_once(renode):
    network = compiled(KWS)
    prepared([renode])

    def infer():
        renode.queue(network.command_stream)
        renode.infer()
        renode.clear_irq()

    volumes = [sent_bytes(renode, infer) for _ in range(3)]
    assert volumes[1] == volumes[2] < volumes[0] - 0.9 * len(network.read_only)


def test_weights_that_were_replaced_in_place_are_noticed(both):
    network = compiled(KWS)
    for bench in prepared(both):
        bench.infer()
    first = same(both, lambda b: b.arena())
    changed = bytearray(network.read_only)
    for op in network.stream.operations:
        scales = None if op.is_dma else op.scales()
        if scales is not None and scales.region == network.flash_region:
            # A bit of each channel's bias: weights still decode, and results differ.
            for at in range(scales.start, scales.start + scales.length - 9, 10):
                changed[at + 1] ^= 0x10
    assert changed != network.read_only
    for bench in both:
        bench.power_on().place(network)
        bench.load(CONSTANTS, bytes(changed))
        bench.infer()
    assert same(both, lambda b: b.status()) & Status.END_REACHED
    assert same(both, lambda b: b.arena()) != first


def test_a_reset_of_the_machine_brings_a_fresh_npu(renode):
    prepared([renode])
    renode.start()
    renode.run(10_000)
    renode.npu.Reset()
    renode.run(1_000_000)
    assert not renode.irq
    assert renode.read(Reg.QBASE) == 0
    renode.power_on().place(compiled(KWS))
    renode.infer()
    assert renode.irq
    assert renode.npu.errors == []


def test_many_resets_in_a_row_leave_no_connection_behind(renode):
    for _ in range(5):
        renode.npu.Reset()
        assert renode.read(Reg.CONFIG) == compiled(KWS).npu.config_register
    assert renode.npu.errors == []


def test_any_number_of_writes_may_wait_for_an_answer(renode):
    renode.power_on()
    for value in range(1000):
        renode.write(Reg.QSIZE, 4 * value)
    assert renode.read(Reg.QSIZE) == 4 * 999


def test_a_machine_without_what_the_script_needs_is_an_error_in_the_log(npu_server):
    bench = Renode()
    bench.npu.GetMachine = None
    assert bench.read(Reg.ID) == 0
    assert "could not be set up" in bench.npu.errors[0]


def test_narrow_accesses_are_ignored_with_a_warning(renode):
    assert renode.npu.ReadByte(0) == 0
    renode.npu.WriteByte(Reg.RESET, 1)
    assert [("32 bits" in text) for text in renode.npu.warnings] == [True, True]


def test_without_a_server_the_script_says_how_to_start_one(monkeypatch):
    with server() as gone:
        monkeypatch.setenv("HOCKET_NPU_PORT", str(gone.port))
    bench = Renode()
    assert [bench.read(Reg.ID), bench.read(Reg.STATUS)] == [0, 0]
    bench.write(Reg.CMD, HOLD | RUN)
    [message] = bench.npu.errors
    assert f"hocket npu-server --port {gone.port}" in message
    assert "machine Reset" in message


def test_a_server_started_late_is_found_after_a_reset_of_the_machine(monkeypatch):
    with server() as gone:
        monkeypatch.setenv("HOCKET_NPU_PORT", str(gone.port))
    bench = Renode()
    assert bench.read(Reg.ID) == 0
    with server() as running:
        monkeypatch.setenv("HOCKET_NPU_PORT", str(running.port))
        bench.npu.Reset()
        assert bench.read(Reg.ID) == compiled(KWS).npu.id_register
        bench.close()


def test_a_port_that_is_no_number_is_an_error_in_the_log(monkeypatch):
    monkeypatch.setenv("HOCKET_NPU_PORT", "eighty")
    bench = Renode()
    assert bench.read(Reg.ID) == 0
    assert len(bench.npu.errors) == 1


def test_a_server_that_dies_during_a_run_is_an_error_in_the_log(monkeypatch):
    with server() as running:
        monkeypatch.setenv("HOCKET_NPU_PORT", str(running.port))
        bench = Renode()
        prepared([bench])
        bench.start()
    bench.run(1_000_000)
    assert not bench.irq
    assert bench.status() == 0
    [message] = bench.npu.errors
    assert "until the machine is reset" in message


def test_a_second_machine_is_told_that_the_server_is_busy(renode):
    assert renode.read(Reg.ID) != 0
    second = Renode()
    assert second.read(Reg.ID) == 0
    assert "has a client already" in second.npu.errors[0]
    assert renode.read(Reg.ID) != 0


def test_a_machine_of_a_cleared_emulation_makes_room_for_the_next(renode):
    def gone():
        raise KeyError("no machine for this peripheral")

    prepared([renode])
    renode.start()
    renode.npu.GetMachine = gone
    second = Renode()
    assert second.read(Reg.ID) == compiled(KWS).npu.id_register
    assert second.npu.errors == []
    renode.run(1_000_000)
    assert not renode.irq
    second.close()


def test_another_version_of_the_script_is_told_so(npu_server):
    bench = Renode()
    bench.npu._initialise()
    bench.npu.scope["VERSION"] = 99
    assert bench.read(Reg.ID) == 0
    assert "protocol version 99 of the client" in bench.npu.errors[0]
    assert "renode/ethos_u55.py" in bench.npu.errors[0]


def test_failing_memory_ends_the_connection_and_not_renode(renode):
    prepared([renode])

    def fail(address, count):
        raise LookupError("{no} memory")

    renode.machine.bus.ReadBytes = fail
    renode.start()
    renode.run(1_000_000)
    [message] = renode.npu.errors
    assert "LookupError: (no) memory" in message


def test_failing_memory_at_the_end_of_a_run_ends_the_connection(renode):
    prepared([renode])
    renode.start()

    def fail(data, address):
        raise LookupError("no memory")

    renode.machine.bus.WriteBytes = fail
    renode.run(1_000_000)
    assert len(renode.npu.errors) == 1
    assert not renode.irq


def test_runs_end_on_time_where_virtual_time_cannot_be_read(renode):
    def fail():
        raise AttributeError("TryGetCurrentCPU")

    renode.machine.bus.TryGetCurrentCPU = fail
    type(renode.machine).ElapsedVirtualTime, kept = None, type(renode.machine).ElapsedVirtualTime
    try:
        prepared([renode])
        renode.infer()
    finally:
        type(renode.machine).ElapsedVirtualTime = kept
    assert renode.irq
    assert renode.status() & Status.END_REACHED
    assert len(renode.npu.warnings) == 1


def test_the_processor_is_brought_up_to_date_before_time_is_read(renode):
    renode.read(Reg.STATUS)
    count = renode.machine.synchronised
    renode.read(Reg.STATUS)
    assert renode.machine.synchronised == count + 1


def test_the_secure_alias_is_the_same_npu(renode):
    class Namespace:
        UInt32 = int

    alias = PythonPeripheral(renode.machine, RENODE / "ethos_u55_alias.py", System=Namespace)
    alias.WriteDoubleWord(Reg.RESET, 1)
    renode.run(1_000)
    alias.WriteDoubleWord(Reg.QSIZE, 0x80)
    assert renode.read(Reg.QSIZE) == 0x80
    assert alias.ReadDoubleWord(Reg.CONFIG) == renode.read(Reg.CONFIG)
    assert alias.log == []


def test_the_alias_without_its_npu_is_an_error_in_the_log(renode):
    del renode.machine.devices["sysbus.npu"]
    alias = PythonPeripheral(renode.machine, RENODE / "ethos_u55_alias.py")
    assert alias.ReadDoubleWord(Reg.ID) == 0
    assert len(alias.errors) == 1


def test_nothing_outside_the_networks_own_memory_is_written(renode):
    prepared([renode])
    rng = np.random.default_rng(3)
    beyond = ARENA + compiled(KWS).scratch_size
    around = rng.integers(0, 256, 4096, np.uint8).tobytes()
    renode.load(beyond, around)
    flash = renode.memory(BOARD.flash_base, 1 << 20)
    renode.infer()
    assert renode.memory(beyond, 4096) == around
    assert renode.memory(BOARD.flash_base, 1 << 20) == flash
