# SPDX-License-Identifier: Apache-2.0
"""Sixth stage of packing: bounds on the response times of the packed steps."""

from __future__ import annotations

from hocket_host.units import ns_to_cycles

from .. import container as hkt
from ..prove import Proof, TaskSet, analyse
from .target import Target


def prove(target: Target, image: hkt.Image) -> Proof:
    """Bounds on the response times of a packed application."""
    return analyse(taskset_of(target, image))


def taskset_of(target: Target, image: hkt.Image) -> TaskSet:
    """Tasks of a packed application, with its board's costs and the cycles it is proved with."""
    application = target.application
    return TaskSet.from_image(
        image,
        target.kernel_costs,
        cpu_hz=target.cpu_hz,
        cycles=application.schedule.cycles,
        jitter_ns={name: task.jitter for name, task in application.tasks.items()},
    )


def plan_entries(proof: Proof, image: hkt.Image) -> tuple[hkt.PlanEntry, ...]:
    """What the container says of each task: lengths of segments, blocking, and the bound."""
    entries = []
    for found, task in zip(proof.tasks, image.tasks, strict=True):
        every = image.models[task.model].steps
        steps = [step for step in every if step.kind == hkt.StepKind.NPU]
        entries.append(
            hkt.PlanEntry(
                segments=len(steps),
                longest_segment_cycles=max((step.worst_cycles for step in steps), default=0),
                total_cycles=sum(step.worst_cycles for step in steps),
                blocking_cycles=ns_to_cycles(found.blocking_ns, image.npu_hz),
                response_bound_ns=found.bound_ns or 0,
            )
        )
    return tuple(entries)
