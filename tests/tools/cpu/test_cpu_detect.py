# SPDX-License-Identifier: Apache-2.0
"""TFLite_Detection_PostProcess on the processor against tflite_micro, to the bit."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from detections import KIND, Detection, anchors_of, job, operator_of
from hypothesis import given, settings
from hypothesis import strategies as st
from strict_memory import Enough, Guarded, strict_pointers

from hocket_host.machines.cpython.process_memory import ProcessMemory
from hocket_host.machines.cpython.shims import installed
from hocket_lab.cpu.check import run_on_cpython, run_on_micropython
from hocket_tools.cpu import OperatorError, pack, reason
from hocket_tools.cpu.costs import STEP_CYCLES

BOTH = [
    pytest.param(run_on_micropython, id="micropython"),
    pytest.param(run_on_cpython, id="cpython"),
]
WAYS = [pytest.param(False, id="fast"), pytest.param(True, id="regular")]


def exact(run: Any, case: Detection, *rounds: Any) -> list[int]:
    """Steps, when all outputs are the reference's."""
    results = run([job("case", case, rounds)])
    assert [r for r in results if r["mismatches"]] == []
    return [r["steps"] for r in results]


@pytest.mark.parametrize("run", BOTH)
@pytest.mark.parametrize("regular", WAYS)
@pytest.mark.parametrize("background", [False, True])
def test_detections_of_random_boxes(run: Any, regular: bool, background: bool) -> None:
    case = Detection(background=background, options={"use_regular_nms": regular})
    exact(run, case, *(case.random(seed) for seed in range(4)))


@pytest.mark.parametrize("regular", WAYS)
def test_equal_scores_keep_the_order_of_the_reference(regular: bool) -> None:
    case = Detection(boxes=70, options={"use_regular_nms": regular, "max_detections": 12})
    exact(run_on_micropython, case, *(case.random(s, of_scores=n) for s, n in enumerate((2, 4, 9))))


@pytest.mark.parametrize("regular", WAYS)
def test_no_box_above_the_least_score_gives_no_detection(regular: bool) -> None:
    case = Detection(options={"use_regular_nms": regular, "nms_score_threshold": 1.5})
    exact(run_on_micropython, case, case.random(1))


@pytest.mark.parametrize("regular", WAYS)
def test_every_box_above_the_least_score(regular: bool) -> None:
    options = {"use_regular_nms": regular, "nms_score_threshold": -1.0, "max_detections": 20}
    case = Detection(options={**options, "detections_per_class": 30, "nms_iou_threshold": 1.0})
    exact(run_on_micropython, case, case.random(1), case.random(2, of_scores=2))


@pytest.mark.parametrize("regular", WAYS)
def test_encodings_and_scores_at_the_ends_of_their_types(regular: bool) -> None:
    case = Detection(options={"use_regular_nms": regular, "max_detections": 10})
    exact(run_on_micropython, case, *(case.random(s, spread=400, of_scores=900) for s in range(4)))


def test_same_box_everywhere_is_one_detection() -> None:
    case = Detection(anchors=np.tile(anchors_of(1), (20, 1)))
    encodings, scores = case.random(4, spread=0)
    steps = exact(run_on_micropython, case, [encodings, scores])
    assert steps[0] <= pack(operator_of(case.model())).steps


@pytest.mark.parametrize("regular", WAYS)
@pytest.mark.parametrize("dtype", ["int8", "uint8"])
@pytest.mark.parametrize("direct", [False, True])
def test_types_of_the_operands(regular: bool, dtype: str, direct: bool) -> None:
    case = Detection(
        dtype=dtype, scores=dtype, direct=direct, encoding=(0.07, 3 if dtype == "int8" else 131),
        options={"use_regular_nms": regular, "h_scale": 3.0, "w_scale": 7.0, "x_scale": 4.0},
    )  # fmt: skip
    exact(run_on_micropython, case, case.random(5), case.random(6))


@pytest.mark.parametrize("regular", WAYS)
def test_scores_that_are_any_floats(regular: bool) -> None:
    case = Detection(
        scores="float32", options={"use_regular_nms": regular, "nms_score_threshold": -2.0}
    )
    encodings, scores = case.random(7)
    signed = np.random.default_rng(3).normal(0, 1, scores.shape).astype(np.float32)
    signed.reshape(-1)[::5] = -0.0
    exact(run_on_micropython, case, [encodings, scores], [encodings, signed])


@settings(max_examples=25)
@given(
    st.integers(1, 24), st.integers(1, 4), st.booleans(), st.booleans(), st.integers(1, 12),
    st.integers(1, 8), st.sampled_from([0.0, 0.3, 0.7]), st.floats(0.015625, 1.0, width=32),
    st.floats(0.001, 0.2), st.floats(-20, 20), st.integers(0, 1 << 30),
)  # fmt: skip
def test_drawn_detections_are_exact(
    boxes, classes, background, regular, most, per_class, least, overlap, scale, moved, seed
) -> None:
    anchors = anchors_of(boxes, seed)
    anchors[:, :2] *= np.float32(moved)
    case = Detection(
        boxes=boxes, classes=classes, background=background, encoding=(scale, seed % 100 - 50),
        anchors=anchors, options={
            "max_detections": most, "use_regular_nms": regular, "detections_per_class": per_class,
            "nms_score_threshold": least, "nms_iou_threshold": overlap,
        },
    )  # fmt: skip
    # The reference's memory is for as many boxes as there are detections.
    if most + min(per_class, boxes) > most * boxes or reason(operator_of(case.model())):
        return
    exact(run_on_cpython, case, case.random(seed), case.random(seed, spread=400, of_scores=8))


def test_steps_are_within_the_bound_and_as_many_as_packed_at_most() -> None:
    case = Detection(boxes=90, classes=20, options={"max_detections": 20})
    packed = pack(operator_of(case.model()))
    assert packed.step_cycles <= STEP_CYCLES
    [steps] = exact(run_on_micropython, case, case.random(1))
    assert steps <= packed.steps


REFUSED = {
    "several classes a box": Detection(options={"max_classes_per_detection": 2}),
    "an overlap of 0.0": Detection(options={"nms_iou_threshold": 0.0}),
    "not dequantised from 8 bits": Detection(dtype="float32"),
    "without an extent": Detection(encoding=(0.15, 0), options={"h_scale": 1.0, "y_scale": 1.0}),
    "anchors without a size": Detection(anchors=np.zeros((20, 4), np.float32)),
    "detections, not 1 to": Detection(options={"max_detections": 0}),
}


@pytest.mark.parametrize("why", REFUSED)
def test_variant_without_an_exact_answer_is_refused_by_name(why: str) -> None:
    source = operator_of(REFUSED[why].model())
    assert why in str(reason(source))
    with pytest.raises(OperatorError, match=KIND):
        pack(source)


def test_damaged_parameters_are_refused_or_reach_nothing_else() -> None:
    case = Detection(boxes=3, options={"max_detections": 2})
    packed = pack(operator_of(case.model()))
    sizes = [48, 48]
    floats = np.random.default_rng(1).normal(0, 1, sum(sizes) // 4).astype(np.float32).tobytes()

    @settings(max_examples=80)
    @given(
        st.dictionaries(
            st.integers(0, 23) | st.integers(0, len(packed.params) // 4 - 1),
            st.integers(0, 40) | st.integers(0, 3000) | st.integers(0, (1 << 32) - 1), max_size=3,
        ),
        st.integers(0, 5) | st.none(),
    )  # fmt: skip
    def damaged(changes: dict[int, int], short: int | None) -> None:
        params = bytearray(packed.params)
        for at, value in changes.items():
            params[4 * at : 4 * at + 4] = value.to_bytes(4, "little")
        given_ = [Guarded(floats[: sizes[0]]), Guarded(floats[sizes[0] :])]
        results = [Guarded(bytes(n)) for n in (32, 8, 8, 4)]
        scratch = Guarded(bytes(packed.scratch_bytes))
        everything = [*given_, *results]
        if short is not None:
            everything[short].raw = everything[short].raw[:-4]
        memory = Guarded(bytes(params))
        with installed(ProcessMemory()), strict_pointers(20_000):
            from hocket.ops import make

            try:
                operator = make(packed.code, memory.raw, given_, results, scratch.raw)
            except ValueError:
                return
            # Changed parameters may need less than there was.
            assert short is None or changes
            with suppress(Enough):
                while not operator.step():
                    pass
        assert all(g.intact for g in (*everything, scratch, memory))

    damaged()
