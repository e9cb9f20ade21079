# SPDX-License-Identifier: Apache-2.0
"""Plans of networks of both units: each NPU part is cut by itself."""

from __future__ import annotations

from itertools import pairwise

import pytest

from hocket_host.ethosu.timing.system_config import parse_system_config
from hocket_tools.app.application import loads
from hocket_tools.container import StepKind
from hocket_tools.pack.compile import compile_networks
from hocket_tools.pack.pack import pack
from hocket_tools.pack.place import place_operators
from hocket_tools.plan import CompiledNetwork, PartedChoices, PartedNetwork
from hocket_tools.prove.steps import timed
from hocket_tools.vela import VelaOptions, compile_network
from hocket_tools.vela.options import resolve
from paths import MODELS

U128 = VelaOptions("ethos-u55-128")


@pytest.fixture(scope="module")
def system():
    resolved = resolve(U128)
    return parse_system_config(
        resolved.config_text,
        resolved.npu,
        system_config=resolved.system_config,
        memory_mode=resolved.memory_mode,
    )


@pytest.fixture(scope="module")
def parted(system):
    network = compile_network(MODELS / "mlp_vww96_int8.tflite", U128, [5, 27])
    assert len(network.npu_parts) == 3
    return PartedNetwork([CompiledNetwork(p, system, "worst") for p in network.npu_parts], ())


def test_no_segment_reaches_across_work_of_the_cpu(parted) -> None:
    assert [len(part) for part in parted.split(())] == [1, 1, 1]
    lengths = parted.measure(())
    assert len(lengths) == 3
    assert parted.length_ns(0, parted.nodes - 1) > 1000 * sum(lengths)


def test_the_least_length_grows_with_the_segment_at_either_end(parted) -> None:
    whole = parted.least_ns(0, parted.nodes - 1)
    for node in range(1, parted.nodes - 1):
        assert parted.least_ns(0, node) + parted.least_ns(node, parted.nodes - 1) >= whole
        assert parted.least_ns(0, node) <= parted.least_ns(0, node + 1)


@pytest.mark.parametrize("bound_ns", [200_000, 60_000, 20_000])
def test_placements_keep_every_part_within_the_bound(parted, bound_ns) -> None:
    for placement in PartedChoices(parted, 1000).within(bound_ns):
        assert placement.longest_ns <= bound_ns
        assert len(placement.segments_ns) >= 3
        assert sum(map(len, parted.split(placement.cuts))) == len(placement.segments_ns)


def test_the_plans_times_are_those_of_the_packed_steps() -> None:
    text = (
        '[npu]\nclock = "50 MHz"\n[tasks.a]\nmodel = "mlp_vww96_int8.tflite"\non-cpu = [27]\n'
        'period = "200 ms"\n[tasks.b]\nmodel = "micro_speech.tflite"\nperiod = "20 ms"\n'
        'deadline = "6 ms"\n'
    )
    app = pack(loads(text, MODELS / "app.toml"))
    cpu_hz, system = app.target.cpu_hz, app.target.system
    packed = timed(app.image.models[0].steps, system.clock_hz, cpu_hz, "worst")
    placed = place_operators(app.target, compile_networks(app.target))["a"]
    runs = placed.cpu_runs(system.clock_hz, cpu_hz, "worst")
    assert [run.steps for run in runs] == [run.steps for run in packed.cpu_runs]
    # Runs of the plan count parts, the container's segments.
    assert [run.before for run in runs] == [1]
    kinds = [step.kind for step in app.image.models[0].steps]
    assert packed.cpu_runs[0].before == kinds.index(StepKind.CPU)
    assert [a for a, b in pairwise(kinds) if a != b] == [StepKind.NPU, StepKind.CPU]
