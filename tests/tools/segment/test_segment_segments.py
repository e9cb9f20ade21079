# SPDX-License-Identifier: Apache-2.0

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hocket_host.ethosu.config import npu_config
from hocket_host.ethosu.lint.hazards import check as check_hazards
from hocket_host.ethosu.stream.isa import Cmd, CommandStreamError, decode, encode
from hocket_tools.segment import SplitError, Stream, cut_points, split
from hocket_tools.vela import VelaOptions, compile_model
from paths import MODELS

NAMES = ["hello_world_int8", "micro_speech", "mlp_kws_int8", "mlp_resnet8_int8", "person_detect"]
ACCELERATORS = ["ethos-u55-32", "ethos-u55-128", "ethos-u65-256"]


def compiled(name, accelerator="ethos-u55-128"):
    return compile_model(MODELS / f"{name}.tflite", VelaOptions(accelerator))


def check(model, segments):
    """Every operation sees the registers, tables and finished DMAs that it sees uncut."""
    whole = model.stream.operations
    base = model.npu.shram_bytes - 2048
    # Which DMA filled each byte of the tables, told by where it copied from.
    uncut = tables_before(whole, base)
    at = 0
    for segment in segments:
        own = segment.stream.operations
        inside = tables_before(own, base)
        extra = len(own) - (segment.last - segment.first)
        assert all(op.is_dma for op in own[:extra])
        assert segment.first == at
        for op, table in zip(own[extra:], inside[extra:], strict=True):
            original = whole[at]
            assert (op.key, op.param) == (original.key, original.param)
            assert (op.dma_wait, op.kernel_wait) == (
                original.dma_wait if original.dma_wait is not None else op.dma_wait,
                original.kernel_wait,
            )
            for key in original.reads():
                assert op.register(key) == original.register(key)
            if not op.is_dma and op.lut_slot is not None:
                used = slice(256 * op.lut_slot, 256 * op.lut_slot + op.lut_bytes)
                assert table[used] == uncut[at][used]
                assert None not in table[used]
            at += 1
        assert outstanding(segment.data) == 0
        assert decode(segment.data)[-1].key == Cmd.NPU_OP_STOP
    assert at == len(whole)


def tables_before(operations, base):
    owner = [None] * 2048
    states = []
    for op in operations:
        if op.is_dma and op.dma().destination_internal:
            copy = op.dma()
            start = copy.destination.start - base
            for i in range(copy.destination.length):
                owner[start + i] = copy.source.start + i
        states.append(list(owner))
    return states


def outstanding(stream):
    running = 0
    for command in decode(stream):
        if command.key == Cmd.NPU_OP_DMA_START:
            running += 1
        elif command.key == Cmd.NPU_OP_DMA_WAIT:
            running = min(running, command.value & 0xF)
    return running


@pytest.mark.parametrize("accelerator", ACCELERATORS)
@pytest.mark.parametrize("name", NAMES)
def test_cut_everywhere_every_operation_finds_what_it_reads(name, accelerator):
    model = compiled(name, accelerator)
    check(model, split(model, cut_points(model)))


def test_cut_everywhere_a_recurrent_network_keeps_its_registers():
    model = compiled("mnist_lstm_int8")
    segments = split(model, cut_points(model))
    assert len(segments) == 647
    check(model, segments)


@settings(max_examples=30)
@given(st.data())
def test_any_choice_of_cuts_keeps_what_every_operation_reads(data):
    model = compiled(data.draw(st.sampled_from(NAMES)), data.draw(st.sampled_from(ACCELERATORS)))
    cuts = data.draw(st.sets(st.sampled_from(cut_points(model))))
    check(model, split(model, cuts))


@pytest.mark.parametrize("name", NAMES)
def test_without_a_cut_the_stream_is_unchanged(name):
    model = compiled(name)
    (segment,) = split(model, [])
    assert segment.data == model.command_stream
    assert segment.prologue.words == 0


@pytest.mark.parametrize("name", NAMES)
def test_every_replayed_register_is_read_before_it_is_set(name):
    model = compiled(name)
    for segment in split(model, cut_points(model))[1:]:
        own = segment.stream.operations
        for key in segment.prologue.replayed:
            # The first operation after the prologue that reads or sets it must read it unset.
            inside = model.stream.operations[segment.first : segment.last]
            first = next(op for op in inside if key in op.reads() or key in op.written)
            assert key in first.reads()
            assert key not in first.written
        assert len(own) == segment.last - segment.first


def test_parallel_mode_is_replayed_where_the_stream_sets_it():
    stream = compiled("mlp_kws_int8", "ethos-u65-256")
    words = encode(int(Cmd.PARALLEL_MODE), 1)
    data = b"".join(w.to_bytes(4, "little") for w in words) + stream.command_stream
    bare = Stream.of(data, stream.npu)
    for segment in split(bare, cut_points(bare))[1:]:
        assert int(Cmd.PARALLEL_MODE) in segment.prologue.replayed


def table_stream():
    """micro_speech with the operation that uses its table carried out twice."""
    model = compiled("micro_speech")
    index = next(
        i for i, op in enumerate(model.stream.operations) if not op.is_dma and op.lut_bytes
    )
    operation = model.stream.operations[index]
    words = encode(operation.key, operation.param)
    cut = 4 * (operation.word + 1)
    again = b"".join(w.to_bytes(4, "little") for w in words)
    data = model.command_stream[:cut] + again + model.command_stream[cut:]
    return Stream.of(data, model.npu), index + 1


def test_a_table_loaded_before_the_cut_is_loaded_again():
    stream, second = table_stream()
    segments = split(stream, [second])
    assert segments[1].prologue.lut_bytes == 1024
    check(stream, segments)


def test_a_cut_falls_before_the_table_load_so_that_it_runs_once():
    model = compiled("micro_speech")
    loads = [i for i, op in enumerate(model.stream.operations) if op.is_dma]
    assert {loads[0]} <= {c.before for c in cut_points(model)}
    assert all(s.prologue.lut_bytes == 0 for s in split(model, cut_points(model)))


def test_a_cut_falls_after_the_weight_fetch_of_the_next_kernel():
    model = compiled("mlp_kws_int8")
    operations = model.stream.operations
    for cut in cut_points(model):
        assert (
            not operations[cut.before].is_dma or operations[cut.before].dma().destination_internal
        )


def test_a_segment_that_ends_in_a_fetch_waits_for_it():
    model = compiled("mlp_kws_int8")
    fetching = [s for s in split(model, cut_points(model)) if s.stream.operations[-1].is_dma]
    assert fetching
    for segment in fetching:
        last = decode(segment.data)[-2:]
        assert (last[0].key, last[0].value) == (Cmd.NPU_OP_DMA_WAIT, 0)
        assert (last[1].key, last[1].value) == (Cmd.NPU_OP_STOP, 0xFFFF)


def test_segments_name_their_source_operators():
    model = compiled("micro_speech")
    segments = split(model, cut_points(model))
    assert segments[-1].sources == ("labels_softmax",)
    assert segments[0].name == "Relu"


def test_cycles_come_from_the_callers_function():
    model = compiled("micro_speech")
    segments = split(model, cut_points(model)[:1], cycles=lambda index: 10)
    assert sum(s.cycles for s in segments) == 10 * len(model.stream.operations)


def test_a_place_that_is_no_cut_point_is_refused():
    model = compiled("micro_speech")
    with pytest.raises(SplitError, match="cannot be cut"):
        split(model, [len(model.stream.operations)])


def test_a_stream_without_stop_is_refused():
    stream = Stream.of(compiled("micro_speech").command_stream[:-4], npu_config("ethos-u55-128"))
    with pytest.raises(CommandStreamError, match="cannot be split"):
        cut_points(stream)


@pytest.mark.parametrize("accelerator", ACCELERATORS)
@pytest.mark.parametrize("name", NAMES)
def test_segments_order_their_accesses_as_safely_as_the_whole_stream(name, accelerator):
    model = compiled(name, accelerator)
    assert check_hazards(model.stream.operations, model.npu) == []
    for segment in split(model, cut_points(model)):
        assert check_hazards(segment.stream.operations, model.npu) == []
