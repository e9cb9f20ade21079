# SPDX-License-Identifier: Apache-2.0
"""Layers kept from Vela, and the names by which a user finds them."""

import pytest

from hocket_tools.cpu import read_source
from hocket_tools.tflite.model import read_tflite
from hocket_tools.vela import VelaError
from hocket_tools.vela.chosen import connected_by_bools, disguise, find_layers, undisguised
from paths import MODELS

MICRO = (MODELS / "micro_speech.tflite").read_bytes()


def test_layers_are_found_by_name_by_part_of_a_joined_name_and_by_index():
    fused = read_tflite(MODELS / "mnist_lstm_int8.tflite")
    assert find_layers(fused, ["model/sequential/output/MatMul"]) == (2,)
    assert find_layers(read_tflite(MICRO), ["Relu", 3]) == (1, 3)


def test_variables_are_the_processors_anyway():
    alexa = read_tflite(MODELS / "mww_alexa.tflite")
    reads = [o.index for o in alexa.main.operators if o.kind == "READ_VARIABLE"]
    assert find_layers(alexa, reads) == ()


@pytest.mark.parametrize("layer", ["", "nothing like it", -1, 4])
def test_what_is_no_layer_is_refused(layer):
    with pytest.raises(VelaError, match="no such layer"):
        find_layers(read_tflite(MICRO), [layer])


def test_a_disguised_operator_keeps_its_tensors_and_tells_its_index():
    kept = read_tflite(disguise(MICRO, [1])).main.operators
    before = read_tflite(MICRO).main.operators
    assert [undisguised(o.kind) for o in kept] == [None, 1, None, None]
    assert kept[1].custom
    assert [(o.inputs, o.outputs) for o in kept] == [(o.inputs, o.outputs) for o in before]


def test_others_keep_their_options():
    options = [str(o.options) for o in read_source(disguise(MICRO, [1]))]
    before = [str(o.options) for o in read_source(MICRO)]
    assert options[1] == "{}" != before[1]
    assert [options[0], *options[2:]] == [before[0], *before[2:]]


def test_without_truth_values_nothing_else_is_kept():
    assert connected_by_bools(read_tflite(MICRO), [1]) == (1,)
    assert connected_by_bools(read_tflite(MICRO)) == ()
