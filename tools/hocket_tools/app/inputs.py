# SPDX-License-Identifier: Apache-2.0
"""The inputs that an application file names, as successive frames for the emulated tasks."""

from __future__ import annotations

from collections.abc import Iterator

from hocket_host.machines.results import Frame
from hocket_tools.frames.files import open_source
from hocket_tools.frames.tensor import Frames, TensorSpec

from .. import container as hkt
from ..frames.features import open_features
from .application import Application, ApplicationError, InputSection


def open_inputs(application: Application, image: hkt.Image) -> dict[str, Iterator[Frame]]:
    """Frames of every task, each a tuple of one array an input.

    Raises
    ------
    HocketError
        A file or generator does not give what the network takes.
    """
    return {task.name: _open(application, task, image.models[task.model]) for task in image.tasks}


def _open(application: Application, task: hkt.Task, model: hkt.Model) -> Iterator[Frame]:
    wanted = application.tasks[task.name].input
    if len(wanted) not in (1, len(model.inputs)):
        raise ApplicationError(
            "the network takes another number of inputs",
            where=f"{application.path}: tasks.{task.name}.input",
            found=f"{len(wanted)} inputs",
            expected=f"{len(model.inputs)}: {', '.join(t.name for t in model.inputs)}",
            try_="input = [{ ... }, { ... }], in the order of the network's inputs",
        )
    several = len(model.inputs) > len(wanted)
    return zip(
        *(
            _source(application, wanted[0] if several else wanted[index], tensor, index * several)
            for index, tensor in enumerate(model.inputs)
        ),
        strict=True,
    )


def _source(
    application: Application, wanted: InputSection, tensor: hkt.Tensor, apart: int
) -> Frames:
    """One tensor's frames; inputs that share a random generator get seeds of their own."""
    spec = TensorSpec(tensor.shape, tensor.dtype.label, tensor.scale, tensor.zero_point)
    if wanted.features is not None and wanted.file is not None:
        return open_features(
            application.resolve(wanted.file),
            spec,
            settings=wanted.features,
            fresh=wanted.hop,
            loop=wanted.loop,
        )
    return open_source(
        spec,
        file=None if wanted.file is None else application.resolve(wanted.file),
        generator=wanted.generator,
        mode=wanted.mode,
        hop=wanted.hop,
        array=wanted.array,
        seed=wanted.seed + apart,
        loop=wanted.loop,
    )
