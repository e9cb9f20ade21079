# SPDX-License-Identifier: Apache-2.0
"""Weights taken apart and encoded again are the same weights."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hocket_host.ethosu.stream.isa import Cmd
from hocket_lab.exact.cases import BY_ID
from hocket_tools.tflite.model import read_tflite
from hocket_tools.tile import TileError
from hocket_tools.tile.origins import Origins
from hocket_tools.tile.weights import ALIGNMENT, SCALE_BYTES, Slicer
from hocket_tools.tile.window import with_registers
from hocket_tools.vela import VelaOptions, compile_model
from paths import MODELS

ACCELERATORS = ["ethos-u55-32", "ethos-u55-128", "ethos-u65-256"]
SOURCES = ["mlp_kws_int8", "mlp_resnet8_int8", "person_detect"]
KINDS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
#: Wide, dilated and 16-bit windows: orders that no network here has.
CASES = [
    name
    for name in BY_ID
    if name.startswith(("conv_2d", "depthwise_conv_2d"))
    and any(word in name for word in ("9x9", "dilat", "int16", "depth", "1x1"))
]


@cache
def kernels(name, accelerator):
    source = MODELS / f"{name}.tflite" if name in SOURCES else BY_ID[name].model()
    compiled = compile_model(source, VelaOptions(accelerator))
    sources = Origins(compiled)
    found = []
    for index, op in enumerate(compiled.stream.operations):
        if not op.is_dma and op.weights() is not None:
            slicer = sources.slicer(index)
            if slicer is not None:
                found.append((op, slicer))
    assert found
    return compiled.npu, found


def sliced(op, first, last):
    """Its registers with another depth: all that the order of weights depends on."""
    changes = {int(Cmd.OFM_DEPTH_M1): last - first - 1}
    if op.key == Cmd.NPU_OP_DEPTHWISE:
        changes[int(Cmd.IFM_DEPTH_M1)] = last - first - 1
    return with_registers(op, changes)


@settings(max_examples=60)
@given(st.sampled_from([*SOURCES, *CASES]), st.sampled_from(ACCELERATORS), st.data())
def test_a_slice_decodes_to_the_weights_of_its_channels(name, accelerator, data):
    config, found = kernels(name, accelerator)
    op, slicer = data.draw(st.sampled_from(found))
    first = data.draw(st.integers(0, slicer.depth - 1))
    last = data.draw(st.integers(first + 1, slicer.depth))
    encoded = slicer.slice(first, last)
    assert len(encoded.weights) % ALIGNMENT == len(encoded.scales) % ALIGNMENT == 0
    again = Slicer(sliced(op, first, last), config, encoded.weights, encoded.scales)
    np.testing.assert_array_equal(again._dense, slicer._dense[first:last])
    kept = slicer.scales[SCALE_BYTES * first : SCALE_BYTES * last]
    assert encoded.scales.startswith(kept)
    assert not any(encoded.scales[len(kept) :])


#: Of every order: depthwise or not, by parts of the window or by inputs, 8 and 16 bits, dilated.
ORDERS = [
    "conv_2d-int8-1x1-depth130-to-17", "conv_2d-int8-3x3-depth33-to-31",
    "conv_2d-int8-3x3-dilation2x1", "conv_2d-int8-9x9", "conv_2d-int8-10x4-stride2",
    "conv_2d-int8-1x64", "conv_2d-int8-3x3-depth64-to-64", "conv_2d-int16-5x5-depth17-to-33",
    "conv_2d-int16-3x3-dilation2", "depthwise_conv_2d-int8-3x3-dilation2",
    "depthwise_conv_2d-int16-3x3-stride2-relu", "fully_connected-int16-200-to-33",
]  # fmt: skip


@pytest.mark.parametrize("accelerator", ["ethos-u55-32", "ethos-u65-256"])
@pytest.mark.parametrize("name", ORDERS)
def test_decoded_weights_are_those_of_the_model(name, accelerator):
    _, ((op, slicer),) = kernels(name, accelerator)
    graph = read_tflite(BY_ID[name].model()).main
    layer = next(o for o in graph.operators if o.kind in KINDS)
    filters = graph.tensors[layer.inputs[1]]
    given = np.frombuffer(filters.data, np.int8).reshape(filters.shape)
    if op.key == Cmd.NPU_OP_DEPTHWISE:  # TFLite has its channels last
        given = np.moveaxis(given, -1, 0)
    np.testing.assert_array_equal(slicer._dense.reshape(-1), given.reshape(-1))


@pytest.mark.parametrize("accelerator", ACCELERATORS)
def test_every_place_of_the_weights_comes_once(accelerator):
    _, found = kernels("person_detect", accelerator)
    for op, slicer in found:
        places = slicer.order.places(op.ofm().depth)
        real = np.sort(places[places >= 0])
        np.testing.assert_array_equal(real, np.arange(slicer._dense.size))


def test_damaged_weights_are_refused():
    config, found = kernels("mlp_kws_int8", "ethos-u55-128")
    op, slicer = found[0]
    weights = slicer.slice(0, slicer.depth).weights
    with pytest.raises(TileError, match="do not decode"):
        Slicer(op, config, weights[:-ALIGNMENT], slicer.scales)
