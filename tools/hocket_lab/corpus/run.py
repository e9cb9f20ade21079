# SPDX-License-Identifier: Apache-2.0
"""A whole corpus: a folder of the user's, or what the project has and makes itself."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hocket_tools import zoo

from ..checkout import MODELS
from ..progress import Report
from .children import judged
from .folder import models_of
from .generated import examples
from .judge import Asked
from .table import Corpus, Expected, Row


def run_corpus(
    folder: Path | None,
    report: Report,
    *,
    accelerator: str,
    seconds: float,
    memory_bytes: int,
) -> Corpus:
    """Judge every model.

    Parameters
    ----------
    folder
        The user's models; None for the checkout's, the zoo's and the generated ones.
    report
        Told about each model.
    accelerator
        What to compile for.
    seconds, memory_bytes
        Limits for each.

    Raises
    ------
    HocketError
        There are no models.
    """
    expected: dict[str, Expected] = {}
    with tempfile.TemporaryDirectory(prefix="hocket-corpus-") as place:
        if folder is not None:
            asked = list(models_of(folder, accelerator))
        else:
            asked = [*models_of(MODELS, accelerator)]
            asked += [Asked(f"zoo {c.name}", zoo.path(c.name), accelerator) for c in zoo.models()]
            made, expected = _generated(Path(place), accelerator)
            asked += made
        rows = []
        report("judging", 0, len(asked))
        for model, result in judged(asked, seconds=seconds, memory_bytes=memory_bytes):
            rows.append(Row(model, result, expected.get(model.name)))
            report(model.name, len(rows), len(asked))
    return Corpus(tuple(rows))


def _generated(folder: Path, accelerator: str) -> tuple[list[Asked], dict[str, Expected]]:
    asked, expected = [], {}
    for example in examples():
        path = folder / example.name
        path.write_bytes(example.data)
        name = f"generated {example.name}"
        asked.append(Asked(name, path, accelerator, example.signature, example.lines))
        expected[name] = example.expected
    return asked, expected
