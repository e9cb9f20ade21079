# SPDX-License-Identifier: Apache-2.0
"""An application on the emulated board, its outputs held against the reference if wanted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hocket_host.machines.cpython.emulation import run as emulate
from hocket_host.machines.results import Frame, OnJob, Run
from hocket_host.machines.setup import Setup

from .. import container as hkt
from ..app.application import Application
from ..app.inputs import open_inputs
from ..pack.packed import Packed, counted
from ..verify.own_arithmetic import OwnArithmetic, own_arithmetic
from ..verify.verifier import Verifier


@dataclass(frozen=True)
class Outcome:
    """One run and, if it was verified, what the reference said."""

    policy: str
    cut: str
    """How the networks were cut, in words."""
    run: Run
    verifier: Verifier | None
    suspects: Mapping[str, tuple[OwnArithmetic, ...]] = field(default_factory=dict)
    """Of each task whose outputs differ, the layers on the NPU that may be why."""


def setup_of(packed: Packed, *, policy: str | None = None, worst: bool = False) -> Setup:
    """A packed application, with its inputs, on the board that it is for."""
    target, image = packed.target, packed.image
    return Setup(
        packed.data,
        board=target.board,
        npu=target.npu,
        system=target.system,
        sources=open_inputs(target.application, image),
        policy=policy,
        cpu_hz=target.cpu_hz,
        worst=worst,
    )


def execute(
    packed: Packed,
    duration_ns: int,
    *,
    policy: str | None = None,
    verify: bool = False,
    worst: bool = False,
    on_job: OnJob | None = None,
) -> Outcome:
    """Run a packed application for a while of virtual time.

    Parameters
    ----------
    packed
        Container and application.
    duration_ns
        Virtual time.
    policy
        NPU policy in place of the container's own.
    verify
        Compare every output with tflite_micro's.
    worst
        Let segments take their worst-case cycles, those that proofs are about.
    on_job
        Called with task name, inputs and outputs of each completed job.
    """
    target, image = packed.target, packed.image
    verifier = None
    if verify:
        verifier = Verifier({name: target.model(name) for name in target.application.tasks})

    def heard(task: str, inputs: Frame, outputs: Frame) -> None:
        if verifier is not None:
            verifier.on_job(task, inputs, outputs)
        if on_job is not None:
            on_job(task, inputs, outputs)

    run = emulate(setup_of(packed, policy=policy, worst=worst), duration_ns, heard)
    wrong = () if verifier is None else (m.task for m in verifier.mismatches)
    suspects = {task: rounded_by_vela(target.application, image, task) for task in wrong}
    return Outcome(policy or image.policy.name.lower(), _cut(image), run, verifier, suspects)


def rounded_by_vela(
    application: Application, image: hkt.Image, task: str
) -> tuple[OwnArithmetic, ...]:
    """Layers of a task on the NPU whose outputs may differ from tflite_micro's."""
    model = next(image.models[t.model] for t in image.tasks if t.name == task)
    elsewhere = {step.name for step in model.steps if step.kind == hkt.StepKind.CPU}
    asked = application.tasks[task]
    return own_arithmetic(application.model(task).read(), {*elsewhere, *asked.on_cpu})


def _cut(image: hkt.Image) -> str:
    segments, operators = counted(image)
    if segments == len(image.models) and not operators:
        return "networks whole"
    beside = f" and {operators} operators" if operators else ""
    return f"{len(image.models)} networks in {segments} segments{beside}"
