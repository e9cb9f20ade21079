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


def test_later_placements_buy_a_longer_last_segment():
    for network in networks():
        found = Choices(network, 50).within(1200)
        for cheaper, dearer in itertools.pairwise(found):
            assert cheaper.cost_ns(50) <= dearer.cost_ns(50)
            assert cheaper.segments_ns[-1] < dearer.segments_ns[-1]


def test_every_placement_keeps_within_the_bound():
    for network in networks():
        for placement in Choices(network, 50).within(1100):
            assert placement.longest_ns <= 1100


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
