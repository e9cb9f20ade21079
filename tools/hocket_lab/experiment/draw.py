# SPDX-License-Identifier: Apache-2.0
"""Random task sets over real networks.

Utilisations are drawn by UUniFast (Bini and Buttazzo 2005): uniform over all ways to share a total.
A period follows from a network's own length and the share that its task got.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from .networks import ExperimentNetwork

_TICK_NS = 1000


@dataclass(frozen=True)
class Drawn:
    """One task of a drawn set; its deadline is its period."""

    network: ExperimentNetwork
    period_ns: int


def uunifast(rng: random.Random, count: int, total: float) -> list[float]:
    """Shares that sum to a total, uniformly distributed."""
    shares = []
    rest = total
    for left in range(count - 1, 0, -1):
        following = rest * rng.random() ** (1 / left)
        shares.append(rest - following)
        rest = following
    return [*shares, rest]


def draw_set(
    rng: random.Random, networks: list[ExperimentNetwork], count: int, total: float
) -> list[Drawn]:
    """A set of tasks, the shortest period first; periods are whole ticks."""
    found = []
    for share in uunifast(rng, count, total):
        network = rng.choice(networks)
        ticks = max(int(network.whole_ns / max(share, 1e-6) / _TICK_NS), 2)
        found.append(Drawn(network, ticks * _TICK_NS))
    return sorted(found, key=lambda task: task.period_ns)
