# SPDX-License-Identifier: Apache-2.0
import itertools
import random

import pytest
from synthetic import Numbers

from hocket_tools.app.application import loads
from hocket_tools.pack.target import resolve_target
from hocket_tools.plan import Choices, CompiledNetwork
from hocket_tools.vela import VelaOptions, compile_model
from paths import MODELS


def networks():
    rng = random.Random(1)
    for _ in range(150):
        size = rng.randint(1, 8)
        yield Numbers(
            tuple(rng.randint(1, 1000) for _ in range(size)),
            tuple(rng.randint(0, 300) for _ in range(size)),
        )


def test_the_first_placement_is_the_cheapest_of_all():
    for network in networks():
        bound = 1200
        found = Choices(network, 50).within(bound)
        costs = [
            sum(lengths) + 50 * len(lengths)
            for lengths in map(network.measure, network.all_cuts())
            if max(lengths) <= bound
        ]
        assert [p.cost_ns(50) for p in found[:1]] == ([min(costs)] if costs else [])


def front(network, bound, least):
    """Cost and last segment of every way to cut that no other is both cheaper and longer than."""
    ways = [m for m in map(network.measure, network.all_cuts()) if max(m) <= bound]
    if sum(network.operations) <= bound:  # nothing is cut without need
        return [(sum(network.operations) + 50, sum(network.operations))]
    ways = sorted((sum(m) + 50 * len(m), -m[-1]) for m in ways if min(m) >= least)
    found = []
    for cost, last in ways:
        if not found or -last > found[-1][1]:
            found.append((cost, -last))
    return found


@pytest.mark.parametrize("least", [0, 250, 600])
def test_placements_are_the_cheapest_for_each_length_of_the_last_segment(least):
    for network in networks():
        found = Choices(network, 50).within(1200, least)
        assert [(p.cost_ns(50), p.segments_ns[-1]) for p in found] == front(network, 1200, least)


def test_every_placement_keeps_within_the_bound():
    for network in networks():
        for placement in Choices(network, 50).within(1100):
            assert placement.longest_ns <= 1100


class Estimated(Numbers):
    """Segments that begin at a cut take longer in the end than their length says."""

    def measure(self, cuts):
        whole, *others = super().measure(cuts)
        return (whole, *(length + 30 + length // 10 for length in others))


def test_where_lengths_are_estimates_the_cheapest_cuts_that_keep_the_bound_are_found_in_time():
    network = Estimated((100,) * 12, (0,) * 12)
    bound = 450
    kept = [m for m in map(network.measure, network.all_cuts()) if max(m) <= bound]
    fewest = min(map(len, kept))
    (found, *_) = Choices(network, 50).within(bound)
    assert found.longest_ns <= bound
    assert len(found.segments_ns) == fewest == 4


@pytest.fixture(scope="module")
def compiled():
    text = '[tasks.a]\nmodel = "mlp_kws_int8.tflite"\nperiod = "1 s"\n'
    system = resolve_target(loads(text, MODELS / "app.toml")).system
    options = VelaOptions(accelerator_config="ethos-u55-128")
    return compile_model(MODELS / "mlp_kws_int8.tflite", options), system


def test_worst_case_lengths_of_segments_are_known_before_they_are_made(compiled):
    network = CompiledNetwork(*compiled, "worst")
    last = network.nodes - 1
    for first, end in itertools.combinations(range(network.nodes), 2):
        if end - first in (1, 4) or end == last:
            cuts = tuple(node for node in (first, end) if 0 < node < last)
            assert network.length_ns(first, end) == network.measure(cuts)[1 if first else 0]


def test_nominal_placements_keep_within_the_bound_as_measured(compiled):
    network = CompiledNetwork(*compiled, "nominal")
    choices = Choices(network, 1000)
    whole, finest = network.measure(())[0], choices.finest().longest_ns
    for bound in (finest, (finest + whole) // 2, whole - 1):
        found = choices.within(bound)
        assert found
        assert all(p.longest_ns <= bound for p in found)
