# SPDX-License-Identifier: Apache-2.0
"""How much sooner networks are done when one's CPU steps run beside another's NPU segments.

Every frame hands each network one input. With overlap all are released at once and the kernel lets
them take turns on both units. Without, a network starts when the one before has finished, so that
each job holds both units from its release to its end. Containers, inputs, costs and the emulated
board are the same, and every output is held against tflite_micro's. What is compared is the time
from a frame's release to the end of its last job, without the pauses between frames and without the
microsecond to which the later networks' releases are rounded up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Any

from hocket_tools.app.application import Application, loads
from hocket_tools.pack.pack import pack
from hocket_tools.pack.packed import Packed
from hocket_tools.run.run import Outcome, execute

from ..progress import Report, silent

_US = 1000
_FRAME_MS = 1000


@dataclass(frozen=True)
class OverlapNetwork:
    """A model, and the layers of it that the CPU runs though the NPU could."""

    name: str
    model: str
    on_cpu: tuple[int, ...] = ()


@dataclass(frozen=True)
class Scenario:
    """Networks that share a frame, the most urgent first."""

    name: str
    networks: tuple[OverlapNetwork, ...]


_WAKE_WORD = OverlapNetwork("wake word", "mww_alexa")
_DETECTOR = OverlapNetwork("detector", "person_detect")
_SPEECH = OverlapNetwork("speech", "micro_speech", on_cpu=(3,))
_KEYWORDS = OverlapNetwork("keywords", "mlp_kws_int8", on_cpu=(12,))
_PEOPLE = OverlapNetwork("people", "mlp_vww96_int8", on_cpu=(30,))

SCENARIOS = (
    Scenario("wake word beside a detector", (_WAKE_WORD, _DETECTOR)),
    Scenario("two networks with their softmax on the CPU", (_KEYWORDS, _PEOPLE)),
    Scenario("three networks, two of them on both units", (_WAKE_WORD, _SPEECH, _DETECTOR)),
)
#: Longest wanted segments: whole parts, or such that the NPU changes hands often.
CUTS = ("none", "500 us")


def measure(
    scenario: Scenario, models: Path, *, frames: int, cut: str = "none", policy: str = "fp"
) -> dict[str, Any]:
    """Run one scenario with and without overlap.

    Parameters
    ----------
    scenario
        The networks.
    models
        Folder of the models.
    frames
        Inputs of each network.
    cut
        How NPU parts are cut, as in an application file.
    policy
        Who goes first among the networks of a frame.

    Returns
    -------
    dict
        Plain values; times in ns of virtual time, the sum over all frames. ``least_ratio`` is what
        the busier unit alone would take, which no schedule gets below.
    """

    def packed(networks: Sequence[OverlapNetwork], offsets_ns: Sequence[int]) -> Packed:
        return pack(_application(networks, offsets_ns, models, cut, policy))

    def run(networks: Sequence[OverlapNetwork], offsets_ns: Sequence[int], count: int) -> Outcome:
        container = packed(networks, offsets_ns)
        return execute(container, (count * _FRAME_MS - 1) * 1_000_000, verify=True)

    networks = scenario.networks
    together = run(networks, [0] * len(networks), frames)
    offsets = [0]
    for network in networks[:-1]:
        alone = run([network], [0], 2)
        offsets.append(offsets[-1] + -(-max(_responses(alone, 0)) // _US) * _US)
    apart = run(networks, offsets, frames)
    _check_that_nothing_overlaps(apart, frames)
    with_ns = sum(max(row) for row in _rows(together, frames))
    without_ns = sum(sum(row) for row in _rows(apart, frames))
    npu_ns = sum(task.npu_ns for task in apart.run.tasks)
    cpu_ns = sum(task.steps_ns for task in apart.run.tasks)
    return {
        "scenario": scenario.name,
        "networks": [asdict(network) for network in networks],
        "cut": cut,
        "policy": policy,
        "frames": frames,
        "segments": [len(model.steps) for model in packed(networks, offsets).image.models],
        "with_ns": with_ns,
        "without_ns": without_ns,
        "npu_ns": npu_ns,
        "cpu_steps_ns": cpu_ns,
        "least_ratio": round(max(npu_ns, cpu_ns) / without_ns, 4),
        "ratio": round(with_ns / without_ns, 4),
        "verified_jobs": sum(_verified(outcome) for outcome in (together, apart)),
    }


def _application(
    networks: Sequence[OverlapNetwork],
    offsets_ns: Sequence[int],
    models: Path,
    cut: str,
    policy: str,
) -> Application:
    text = '[npu]\naccelerator-config = "ethos-u55-128"\nclock = "50 MHz"\n[schedule]\n'
    text += f'cut = "{cut}"\npolicy = "{policy}"\n'
    for rank, (network, offset) in enumerate(zip(networks, offsets_ns, strict=True)):
        text += (
            f'[tasks."{network.name}"]\nmodel = "{network.model}.tflite"\npriority = {rank}\n'
            f'period = "{_FRAME_MS} ms"\noffset = "{offset} ns"\non-cpu = {list(network.on_cpu)}\n'
        )
    return loads(text, models / "overlap.toml")


def _responses(outcome: Outcome, task: int) -> list[int]:
    return [job.response_ns or 0 for job in outcome.run.tasks[task].jobs if job.end_ns is not None]


def _rows(outcome: Outcome, frames: int) -> list[tuple[int, ...]]:
    """Response times of each frame's jobs."""
    columns = [_responses(outcome, task)[:frames] for task in range(len(outcome.run.tasks))]
    assert all(len(column) == frames for column in columns)
    return list(zip(*columns, strict=True))


def _check_that_nothing_overlaps(apart: Outcome, frames: int) -> None:
    ends = [[job.end_ns or 0 for job in task.jobs[:frames]] for task in apart.run.tasks]
    releases = [[job.release_ns for job in task.jobs[:frames]] for task in apart.run.tasks]
    for before, after in zip(ends, releases[1:], strict=False):
        assert all(end <= release for end, release in zip(before, after, strict=True))


def _verified(outcome: Outcome) -> int:
    assert outcome.verifier is not None
    assert not outcome.verifier.mismatches
    return sum(outcome.verifier.checked.values())


def sweep(models: Path, frames: int, report: Report = silent) -> dict[str, Any]:
    """Measure every scenario with every way to cut.

    Returns
    -------
    dict
        ``ratio`` of the times of all rows together, and ``rows`` as `measure` gives them.
    """
    rows = []
    ways = list(product(SCENARIOS, CUTS))
    for done, (scenario, cut) in enumerate(ways):
        report(f"{scenario.name}, cut {cut}", done, len(ways))
        rows.append(measure(scenario, models, frames=frames, cut=cut))
    ratio = sum(row["with_ns"] for row in rows) / sum(row["without_ns"] for row in rows)
    return {"command": "hocket lab overlap", "ratio": round(ratio, 4), "rows": rows}
