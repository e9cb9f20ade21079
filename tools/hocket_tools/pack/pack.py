# SPDX-License-Identifier: Apache-2.0
"""From an application to a container, stage by stage; each stage is a file of this folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from .. import container as hkt
from ..app.application import Application
from ..app.notes import Notes
from .compile import compile_networks
from .cut import cut_networks
from .layout import Layout, lay_out
from .packed import Packed
from .place import place_operators
from .progress import Progress, silent
from .prove import plan_entries, prove
from .target import Target, resolve_target


def pack(
    application: Application,
    *,
    cut: str | int | None = None,
    folder: Path | None = None,
    progress: Progress = silent,
) -> Packed:
    """Compile and cut every network of an application, place them on the board, and prove it.

    Parameters
    ----------
    application
        Checked application file.
    cut
        Replaces every cut that the file asks for.
    folder
        Where the container is to lie, to add notes that lead the host back to models and inputs;
        None adds none.
    progress
        Called with a line about what is being done.

    Raises
    ------
    HocketError
        Vela refuses a model, or the networks do not fit the board.
    """
    target = resolve_target(application)
    networks = compile_networks(target, progress)
    placed = place_operators(target, networks)
    segmented = cut_networks(target, placed, cut, progress)
    progress("laying out memory")
    layout = lay_out(target, segmented)
    layers = {name: network.placed.layers for name, network in segmented.items()}
    notes = b"" if folder is None else Notes.of(application, folder, layers).to_bytes()
    image = _describe(target, layout, notes)
    progress("proving deadlines")
    proof = prove(target, image)
    image = replace(image, plan=plan_entries(proof, image))
    return Packed(target, image, hkt.build(image), layers)


def _describe(target: Target, layout: Layout, notes: bytes) -> hkt.Image:
    """The container's content, but for what is proved."""
    application = target.application
    return hkt.Image(
        accelerator=target.npu.name,
        npu_config=target.npu.config_register,
        npu_id=target.npu.id_register,
        npu_hz=target.system.clock_hz,
        arena_size=layout.arena_size,
        policy=hkt.Policy[application.schedule.policy.upper()],
        models=layout.models,
        tasks=tuple(
            hkt.Task(
                name=name,
                model=index,
                period_ns=task.period,
                deadline_ns=task.deadline_ns,
                offset_ns=task.offset,
                priority=application.priorities[name],
                overrun=hkt.Overrun[task.overrun.upper()],
                cpu_ns=task.cpu,
            )
            for index, (name, task) in enumerate(application.tasks.items())
        ),
        notes=notes,
    )
