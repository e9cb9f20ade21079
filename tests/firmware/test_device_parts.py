# SPDX-License-Identifier: Apache-2.0
# Trace, statistics, tensors, the driver and the ticks.
from array import array

from device_helper import FakeApp, FakePort, make, raised

from hocket import ethosu, policy
from hocket.agenda import Agenda
from hocket.port import ticks_add, ticks_diff
from hocket.stats import Stats, cells
from hocket.tensor import Tensor
from hocket.trace import RELEASE, START, Trace, put


def test_ticks_wrap_at_two_to_the_thirty():
    assert ticks_add((1 << 30) - 1, 3) == 2
    assert ticks_add((1 << 30) - 1, (1 << 29) - 1) == (1 << 29) - 2


def test_difference_of_ticks_is_signed():
    assert ticks_diff(2, (1 << 30) - 1) == 3
    assert ticks_diff((1 << 30) - 1, 2) == -3


def test_trace_keeps_what_was_put():
    trace = Trace(4)
    put(trace.ring, (1 << 30) - 1, RELEASE, 7 << 16 | 0xFFFF)
    put(trace.ring, 5, START, 255 << 16)
    assert list(trace.records()) == [((1 << 30) - 1, RELEASE, 7, 0xFFFF), (5, START, 255, 0)]


def test_full_trace_drops_the_oldest_and_counts_them():
    trace = Trace(3)
    for tick in range(8):
        put(trace.ring, tick, RELEASE, 0)
    assert [r[0] for r in trace.records()] == [5, 6, 7]
    assert (len(trace), trace.lost) == (3, 5)


def test_cleared_trace_is_empty():
    trace = Trace(2)
    for tick in range(3):
        put(trace.ring, tick, RELEASE, 0)
    trace.clear()
    assert (list(trace.records()), trace.lost) == ([], 0)


class Slot:
    def blocking_max_us(self, slot):
        return 3

    def cycles(self, slot):
        return 4


def test_mean_of_responses_is_exact_beyond_30_bits():
    kernel, board = make(FakeApp())
    agenda = Agenda(1, board, kernel.dispatcher)
    stats = Stats(agenda, 0, Slot(), 0)
    for us in (500000000, 500000000, 500000001, 500000003):
        agenda.begin_job(0, board.ticks_us())
        board.advance(us)
        agenda.complete(0)
    assert stats.response_mean_us == 500000001
    assert (stats.response_min_us, stats.response_max_us) == (500000000, 500000003)


def test_table_has_a_line_a_task():
    kernel, board = make(FakeApp())
    lines = "".join(
        cells([("kws", Stats(Agenda(1, board, kernel.dispatcher), 0, Slot(), 0))])
    ).split("\n")
    assert lines[0].split()[:3] == ["task", "jobs", "done"]
    assert lines[1].split() == ["kws"] + ["0"] * 9 + ["3", "4"]


class Info:
    name = "x"
    dtype = "int8"
    typecode = "b"
    scale = 0.5
    zero_point = 0
    shape = (4,)


def tensor(typecode, data):
    info = Info()
    info.typecode = typecode
    return Tensor(info, memoryview(bytearray(data)))


def test_elements_have_the_sign_and_width_of_their_type():
    raw = b"\xff\x80\x01\x00"
    assert list(tensor("b", raw)) == [-1, -128, 1, 0]
    assert list(tensor("B", raw)) == [255, 128, 1, 0]
    assert list(tensor("h", raw)) == [-32513, 1]
    assert list(tensor("H", raw)) == [33023, 1]
    assert list(tensor("i", raw)) == [98559]


def test_element_is_stored_in_place():
    x = tensor("h", bytes(4))
    x[1] = -2
    assert bytes(x.raw) == b"\0\0\xfe\xff"


def test_element_out_of_range_of_type_or_index_is_refused():
    x = tensor("b", bytes(4))
    raised(ValueError, x.__setitem__, 0, 128)
    raised(ValueError, x.__setitem__, 0, -129)
    raised(IndexError, x.__getitem__, 4)
    assert x[-1] == 0


def test_slice_is_a_copy():
    x = tensor("b", b"\xff\x02\x03\x04")
    part = x[:2]
    x[0] = 7
    assert list(part) == [-1, 2]


def test_whole_tensor_takes_buffers_and_sequences():
    x = tensor("b", bytes(4))
    x[:] = b"\x01\x02\x03\xff"
    assert list(x) == [1, 2, 3, -1]
    x[:] = array("b", [-4, -3, -2, -1])
    assert list(x) == [-4, -3, -2, -1]
    x[:] = [5, 6, 7, 8]
    assert list(x) == [5, 6, 7, 8]
    x[1:3] = [0, -9]
    assert list(x) == [5, 0, -9, 8]


def test_wide_tensor_takes_elements_and_bytes():
    x = tensor("h", bytes(4))
    x.write(array("h", [-1, 2]))
    assert list(x) == [-1, 2]
    x.write(b"\x03\x00\x04\x00")
    assert list(x) == [3, 4]


def test_data_of_a_wrong_length_is_refused():
    x = tensor("b", bytes(4))
    assert "3 elements, must be 4" in str(raised(ValueError, x.write, b"abc"))


def probe(app_config, app_id, config=0x1807, npu_id=0x10066001):
    app = FakeApp()
    app.npu_config = app_config
    app.npu_id = app_id
    board = FakePort(app)
    ethosu.poke(board.npu_base, 0x28, config)
    ethosu.poke(board.npu_base, 0, npu_id)
    ethosu.EthosU(board.npu_base).probe(app_config, app_id)


def test_probe_takes_the_same_npu():
    probe(0x1807, 0x10066001)


def test_probe_names_both_configurations():
    text = str(raised(ValueError, probe, 0x1808, 0x10066001))
    assert "Ethos-U55 with 128 MACs" in text
    assert "Ethos-U55 with 256 MACs" in text


def test_probe_tells_u65_from_u55():
    text = str(raised(ValueError, probe, 0x1807, 0x10066001, 0x10003008))
    assert "NPU is Ethos-U65 with 256 MACs" in text


def test_probe_refuses_another_architecture():
    assert "1.0.6" in str(raised(ValueError, probe, 0x1807, 0x20066001))


def test_reset_that_does_not_end_is_bounded():
    app = FakeApp()
    board = FakePort(app)
    ethosu.poke(board.npu_base, 4, 8)
    assert not ethosu.EthosU(board.npu_base).reset()


def test_registers_read_as_unsigned():
    board = FakePort(FakeApp())
    ethosu.poke(board.npu_base, 0x18, 0xFFFFFFF0)
    assert ethosu.peek(board.npu_base, 0x18) == 0xFFFFFFF0


def test_cycle_counter_has_48_bits():
    board = FakePort(FakeApp())
    ethosu.poke(board.npu_base, 0x1A0, 0x80000001)
    ethosu.poke(board.npu_base, 0x1A4, 0x1234)
    assert ethosu.EthosU(board.npu_base).cycles() == 0x123480000001


def test_reasons_name_every_fault():
    assert ethosu.reason(0x26) == "bus abort"
    assert ethosu.reason(0x116) == "bus abort, command stream parse error, ECC fault"
    assert "before the end" in ethosu.reason(0x2)
    assert "hang" in ethosu.reason(ethosu.HUNG)


def test_policy_by_name_code_class_and_instance():
    assert policy.make("edf").name == "edf"
    assert policy.make(3).name == "rr"
    assert policy.make(policy.FIFO).name == "fifo"
    own = policy.FixedPriority()
    assert policy.make(own) is own


def test_unknown_policy_is_refused():
    assert "must be fifo, fp, edf or rr" in str(raised(ValueError, policy.make, "lottery"))
    raised(ValueError, policy.make, 4)


def test_kernel_takes_the_policy_of_the_container():
    app = FakeApp(policy=2)
    kernel, _ = make(app)
    assert kernel.policy.name == "edf"
