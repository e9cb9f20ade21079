# SPDX-License-Identifier: Apache-2.0
"""What a container tells the host and not the device: the application file it was made from.

With it, `hocket run` finds the inputs, verifies against the original models and can pack the same
application once more in another way; `hocket report` names the layers. A device skips it;
`hocket pack --strip` leaves it out.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path

from hocket_host.errors import HocketError

from .application import Application, loads

#: Name and kind of the source operator that an NPU operation comes from.
Layer = tuple[str, str]


class NotesError(HocketError):
    """A container whose application cannot be found again."""


@dataclass(frozen=True)
class Notes:
    """The application file and the models' digests."""

    file: str
    """Path of the application file, relative to the container's folder."""
    text: str
    """Its content."""
    models: dict[str, str]
    """SHA-256 of each task's model file."""
    layers: dict[str, tuple[tuple[str, str, int], ...]]
    """Of each task, name and kind of source operators, and how many NPU operations in a row each
    has; none in older containers."""

    @classmethod
    def of(
        cls, application: Application, folder: Path, layers: Mapping[str, Sequence[Layer]]
    ) -> Notes:
        """Notes for a container that is to lie in a folder."""
        return cls(
            file=os.path.relpath(application.path, folder),
            text=application.text,
            models={
                name: _digest(application.resolve(task.model))
                for name, task in application.tasks.items()
            },
            layers={
                name: tuple((*layer, len(list(run))) for layer, run in groupby(operations))
                for name, operations in layers.items()
            },
        )

    def operations(self) -> dict[str, tuple[Layer, ...]]:
        """Source operator of each NPU operation, by task."""
        return {
            task: tuple((name, kind) for name, kind, count in runs for _ in range(count))
            for task, runs in self.layers.items()
        }

    def to_bytes(self) -> bytes:
        """The container's notes section."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":")).encode()

    @classmethod
    def from_bytes(cls, data: bytes, where: Path) -> Notes:
        """Read the notes section of a container.

        Raises
        ------
        NotesError
            There is none, or it is not ours.
        """
        if not data:
            raise NotesError(
                "the container has no notes, so its inputs and models are unknown",
                where=where,
                found="a stripped container",
                expected="one packed without --strip",
                try_="run the application file itself: hocket run app.toml",
            )
        try:
            tree = json.loads(data)
            notes = cls(
                file=tree["file"],
                text=tree["text"],
                models=dict(tree["models"]),
                layers={
                    task: tuple((str(name), str(kind), int(count)) for name, kind, count in runs)
                    for task, runs in tree.get("layers", {}).items()
                },
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise NotesError(
                "the container's notes cannot be read", where=where, found=repr(error)
            ) from error
        return notes

    def application(self, container: Path) -> Application:
        """The application as it was packed, with paths as seen from the container's folder.

        Raises
        ------
        NotesError
            A model is not the one that was packed.
        ApplicationError
            A model or an input is not where it was.
        """
        application = loads(self.text, Path(os.path.normpath(container.parent / self.file)))
        for name, task in application.tasks.items():
            path = application.resolve(task.model)
            found = _digest(path)
            if found != self.models.get(name):
                raise NotesError(
                    "the model changed since it was packed",
                    where=path,
                    found=f"sha256 {found}",
                    expected=f"sha256 {self.models.get(name)}",
                    try_=f"pack again: hocket pack {application.path}",
                )
        return application


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
