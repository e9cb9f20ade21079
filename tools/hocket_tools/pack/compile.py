# SPDX-License-Identifier: Apache-2.0
"""Second stage of packing: Vela compiles each task's network."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from ..tflite.file import ModelFile
from ..vela import Network, compile_network
from ..vela.options import ResolvedOptions
from .progress import Progress, silent
from .target import Target


def compile_networks(target: Target, progress: Progress = silent) -> Iterator[tuple[str, Network]]:
    """Each task's compiled network; those to come are compiled while one is looked at.

    Raises
    ------
    VelaError
        Vela refuses a model.
    """
    wanted = {
        name: (target.model(name), target.vela[name], task.on_cpu)
        for name, task in target.application.tasks.items()
    }
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        keys = dict.fromkeys(wanted.values())
        pending = {key: pool.submit(_compiled, *key) for key in keys}
        for name, key in wanted.items():
            progress(f"compiling {key[0].path.name} for {name}")
            yield name, pending[key].result()


def _compiled(model: ModelFile, options: ResolvedOptions, on_cpu: tuple[str | int, ...]) -> Network:
    return compile_network(model.path, options, on_cpu, model.signature)
