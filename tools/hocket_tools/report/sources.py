# SPDX-License-Identifier: Apache-2.0
"""Which operator of the source model each operation in a container comes from.

A container does not say. So the model is compiled again, and its operations are cut into pieces as
packing does if they are not those of the container as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hocket_host.ethosu.stream.operation import Operation

from ..pack.cut import Prepared
from ..pack.pack import system_config, tile_bounds, vela_options
from ..pack.packed import Packed
from ..vela import Network, compile_network

Names = list[tuple[str, str]]


def named(packed: Packed, task: str | None, operations: Sequence[Operation]) -> Names | None:
    """Name and kind of each operation's source operator; None where the two do not correspond."""
    if task is None:
        return None
    wanted = [(o.key, o.param) for o in operations]
    for network in _attempts(packed, task):
        found = [op for part in network.npu_parts for op in part.stream.operations]
        if [(o.key, o.param) for o in found] == wanted:
            # Converters join the names of fused layers with semicolons; the first says enough.
            return [
                (o.source_name.split(";")[0], o.source_kind)
                for part in network.npu_parts
                for o in part.operations
            ]
    return None


def _attempts(packed: Packed, task: str) -> Iterator[Network]:
    """A task's network as compiled, then in ever shorter pieces."""
    application = packed.application
    settings = application.tasks[task]
    model = application.resolve(settings.model)
    network = compile_network(model, vela_options(application, settings), settings.on_cpu)
    yield network
    prepared = Prepared(network, (), system_config(application))
    for bound in tile_bounds(prepared):
        yield prepared.bounded(bound).network
