# SPDX-License-Identifier: Apache-2.0

import pytest
from tflite_files import one_operator

from hocket_host.ethosu.stream.command_stream import parse
from hocket_tools.segment.dataflow import footprints
from hocket_tools.tflite.model import TfliteOperator
from hocket_tools.vela import VelaError, VelaOptions, compile_model
from hocket_tools.vela.payload import command_stream
from paths import MODELS

WHOLE = sorted(p.stem for p in MODELS.glob("*.tflite") if p.stem != "mww_alexa")
U128 = VelaOptions("ethos-u55-128")
ADD, COS, FLOAT32, INT8, INT16, INT4 = 0, 108, 0, 9, 7, 17


def compiled(name, options=U128):
    return compile_model(MODELS / f"{name}.tflite", options)


@pytest.mark.parametrize("name", WHOLE)
def test_every_byte_that_the_stream_touches_lies_in_its_regions(name):
    model = compiled(name)
    for prints in footprints(model.stream.operations):
        for box in prints.reads + prints.writes:
            assert 0 <= box.low <= box.high <= model.regions[box.region]
        assert all(box.region != model.flash_region for box in prints.writes)


@pytest.mark.parametrize("name", WHOLE)
def test_nothing_is_read_that_nobody_wrote(name):
    assert compiled(name).undefined_reads == ()


@pytest.mark.parametrize("name", WHOLE)
def test_every_operation_is_traced_to_its_source_operator(name):
    model = compiled(name)
    assert len(model.operations) == len(model.stream.operations)
    assert all(o.source_index is not None and o.source_kind for o in model.operations)


def test_cycles_of_scheduled_operations_add_up_to_velas_total():
    model = compiled("person_detect")
    cycles = {o.scheduled_id: o.vela_cycles for o in model.operations if o.scheduled_id is not None}
    assert sum(cycles.values()) == model.vela_cycles == 353931


def test_inputs_and_outputs_have_the_names_of_the_source_model():
    model = compiled("mlp_kws_int8")
    (frame,) = model.inputs
    assert (frame.name, frame.shape, frame.dtype, frame.size) == (
        "input_1",
        (1, 49, 10, 1),
        "int8",
        490,
    )
    assert frame.zero_point == 83
    assert frame.scale == pytest.approx(0.584703, rel=1e-5)


def test_state_of_a_recurrent_model_is_found_with_its_initial_value():
    model = compiled("mnist_lstm_int8")
    assert [(s.region, s.offset, s.initial) for s in model.state] == [
        (1, 0, bytes(40)),
        (1, 48, bytes(20)),
    ]


def test_a_feed_forward_model_has_no_state():
    assert compiled("mlp_resnet8_int8").state == ()


@pytest.mark.parametrize(
    ("accelerator", "system", "mode"),
    [
        ("ethos-u55-32", None, "Sram_Only"),
        ("ethos-u55-64", "Ethos_U55_Deep_Embedded", None),
        ("ethos-u55-256", None, "Shared_Sram"),
        ("ethos-u65-256", "Ethos_U65_Embedded", "Shared_Sram"),
    ],
)
def test_every_accelerator_gives_a_stream_for_itself(accelerator, system, mode):
    model = compiled("micro_speech", VelaOptions(accelerator, system, mode))
    assert model.npu.name == accelerator
    assert model.fast_region is None
    assert model.stream.stops


def test_dedicated_sram_has_a_fast_region_of_its_own():
    model = compiled("mlp_kws_int8", VelaOptions("ethos-u65-256"))
    assert model.fast_region == 2
    assert model.fast_scratch_size > 0
    assert model.regions[2] == model.fast_scratch_size


def test_the_same_content_and_options_compile_once(tmp_path):
    copy = tmp_path / "copy.tflite"
    copy.write_bytes((MODELS / "hello_world_int8.tflite").read_bytes())
    assert compile_model(copy, U128) is compiled("hello_world_int8")


def test_compiling_prints_nothing(capfd):
    compile_model(one_operator(ADD, [INT8, INT8, INT8]), U128)
    assert capfd.readouterr() == ("", "")


def test_a_float_model_is_refused_by_what_it_is_without_a_list_of_layers():
    with pytest.raises(VelaError) as error:
        compile_model(one_operator(ADD, [FLOAT32, FLOAT32, FLOAT32]), U128)
    first, second = str(error.value).splitlines()
    assert first == "the model is not quantised: a float32 model"
    assert second.startswith("  try:      convert with full integer quantisation")


def test_an_element_type_that_the_npu_lacks_is_refused():
    with pytest.raises(VelaError, match="element type"):
        compile_model(one_operator(ADD, [INT4, INT4, INT4]), U128)


def test_operators_left_on_the_cpu_are_named_with_their_layers_and_reason():
    with pytest.raises(VelaError, match="left on the CPU") as error:
        compiled("mww_alexa")
    said = str(error.value)
    assert "READ_VARIABLE x6" in said
    assert "model_1/stream_6/concat/ReadVariableOp" in said
    assert "Unsupported opType" in said


def test_an_operator_that_vela_does_not_know_is_named():
    with pytest.raises(VelaError, match="left on the CPU") as error:
        compile_model(one_operator(COS, [INT8, INT8]), U128)
    assert "COS x1 ('layer/t1')" in str(error.value)


def test_int16_that_vela_supports_compiles():
    model = compile_model(one_operator(ADD, [INT16, INT16, INT16]), U128)
    assert {t.dtype for t in model.inputs + model.outputs} == {"int16"}


def test_a_file_cut_short_is_refused_before_the_compiler_sees_it(tmp_path):
    path = tmp_path / "short.tflite"
    path.write_bytes((MODELS / "micro_speech.tflite").read_bytes()[:5000])
    with pytest.raises(VelaError, match=r"short\.tflite.*damaged"):
        compile_model(path, U128)


def test_a_model_that_kills_the_compiler_is_an_error_not_a_crash():
    # Vela's own check of the file fails and it then reads through a null pointer.
    data = bytearray(one_operator(ADD, [INT8, INT8, INT8]))
    name = data.index(b"layer/t0")
    data[name + 8] = 0x41  # the terminating zero that only C++ readers rely on
    with pytest.raises(VelaError, match="crashed"):
        compile_model(bytes(data), U128)


def test_a_payload_for_another_accelerator_is_refused():
    model = compiled("hello_world_int8")
    other = compiled("hello_world_int8", VelaOptions("ethos-u55-256"))
    words = [0x31504F43, 0x00100001, model.npu.config_register, model.npu.id_register]
    payload = b"".join(w.to_bytes(4, "little") for w in words)
    payload += b"\x05\0\0\0" * 3 + (len(model.command_stream) // 4 << 16 | 2).to_bytes(4, "little")
    assert command_stream(payload + model.command_stream, model.npu) == model.command_stream
    with pytest.raises(VelaError, match="CONFIG"):
        command_stream(payload + model.command_stream, other.npu)


def test_operation_words_are_those_of_the_parsed_stream():
    model = compiled("mlp_kws_int8")
    words = [o.word for o in parse(model.command_stream).operations]
    assert [o.word for o in model.operations] == words


def test_an_arena_beyond_any_device_is_refused_before_it_is_laid_out(monkeypatch):
    monkeypatch.setattr("hocket_tools.vela.places.MOST_ARENA", 1000)
    assert compile_model(one_operator(ADD, [INT8, INT8, INT8], shape=(1, 496)), U128)
    with pytest.raises(VelaError, match="too large for any microcontroller") as error:
        compile_model(one_operator(ADD, [INT8, INT8, INT8], shape=(1, 512)), U128)
    assert error.value.found == "1 KiB of arena"


def test_a_compiler_that_does_not_end_is_an_error(monkeypatch):
    monkeypatch.setattr("hocket_tools.vela._process._LIMIT_S", -10.0)
    with pytest.raises(VelaError, match="does not finish"):
        compile_model(one_operator(ADD, [INT8, INT8, INT8], shape=(1, 9)), U128)


def test_messages_have_the_first_of_the_names_that_a_converter_has_joined():
    long = "model/conv2d/Relu;model/conv2d/BiasAdd;" * 40
    operator = TfliteOperator(0, "CONV_2D", False, long, (), ())
    assert str(operator) == "CONV_2D 'model/conv2d/Relu'"
    assert len(str(TfliteOperator(0, "CONV_2D", False, "x" * 999, (), ()))) < 120
