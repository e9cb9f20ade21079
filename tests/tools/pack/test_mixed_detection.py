# SPDX-License-Identifier: Apache-2.0
"""Networks with the tail of an SSD, from an image to boxes, against tflite_micro."""

from __future__ import annotations

from pathlib import Path

import pytest
from detecting import ssd_model
from running import application, verified


def units(packed) -> list[str]:
    return [step.kind.name for step in packed.image.models[0].steps]


@pytest.mark.parametrize("regular", [False, True])
def test_network_that_ends_in_detections_is_exact(tmp_path: Path, regular: bool) -> None:
    model = ssd_model(use_regular_nms=regular, nms_score_threshold=0.5)
    packed = application(tmp_path, {"a": (model, "")})
    assert set(units(packed)) == {"NPU", "CPU"}
    verified(packed, 3)
