# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import random
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hocket_lab.experiment.draw import draw_set, uunifast
from hocket_lab.experiment.ideal import IdealTask, edf_holds, fixed_priority_holds
from hocket_lab.experiment.judge import Costs, Verdict, judge
from hocket_lab.experiment.networks import ExperimentNetwork
from hocket_lab.experiment.points import Point
from hocket_lab.experiment.sweep import figures
from hocket_tools.plan import Choices

MS = 1_000_000


class Even:
    """A network of equal segments."""

    def __init__(self, count: int, each_ns: int) -> None:
        self.nodes = count + 1
        self._each = each_ns

    def length_ns(self, first: int, last: int) -> int:
        return (last - first) * self._each

    least_ns = length_ns

    def measure(self, cuts: tuple[int, ...]) -> tuple[int, ...]:
        ends = (0, *cuts, self.nodes - 1)
        return tuple(self.length_ns(a, b) for a, b in pairwise(ends))

    def fastest(self, cuts: tuple[int, ...]) -> tuple[int, ...]:
        return ()


COSTS = Costs(dispatch_ns=20_000, resume_ns=60_000)


def network(name: str, count: int, each_ns: int) -> ExperimentNetwork:
    return ExperimentNetwork(
        name, count * each_ns, Choices(Even(count, each_ns), COSTS.dispatch_ns)
    )


NETWORKS = [network("short", 4, MS // 4), network("long", 60, MS // 2)]


@given(st.integers(0, 10**9), st.integers(1, 12), st.floats(0.01, 2))
def test_shares_are_positive_and_sum_to_the_total(seed: int, count: int, total: float) -> None:
    shares = uunifast(random.Random(seed), count, total)
    assert len(shares) == count
    assert min(shares) >= 0
    assert sum(shares) == pytest.approx(total)


def test_a_period_is_a_networks_length_over_its_share() -> None:
    drawn = draw_set(random.Random(1), NETWORKS, 3, 0.6)
    used = sum(Fraction(d.network.whole_ns, d.period_ns) for d in drawn)
    assert float(used) == pytest.approx(0.6, rel=1e-2)


def test_the_same_seed_draws_the_same_set() -> None:
    assert draw_set(random.Random(5), NETWORKS, 4, 0.5) == draw_set(
        random.Random(5), NETWORKS, 4, 0.5
    )


def test_liu_and_laylands_example_fails_under_fixed_priority_and_holds_under_edf() -> None:
    tasks = [IdealTask(2, 5, 5), IdealTask(4, 7, 7)]
    assert not fixed_priority_holds(tasks)
    assert edf_holds(tasks)


@given(st.lists(st.tuples(st.integers(1, 20), st.integers(20, 400)), min_size=1, max_size=5))
def test_what_fixed_priority_keeps_edf_keeps_too(pairs: list[tuple[int, int]]) -> None:
    tasks = [IdealTask(cost, period, period) for cost, period in sorted(pairs, key=lambda p: p[1])]
    assert edf_holds(tasks) or not fixed_priority_holds(tasks)


@settings(max_examples=12)
@given(st.integers(0, 10**6), st.integers(2, 4), st.sampled_from([0.2, 0.4, 0.6, 0.8]))
def test_segments_lose_no_set_to_whole_networks_and_break_no_bound(
    seed: int, count: int, total: float
) -> None:
    verdict = judge(draw_set(random.Random(seed), NETWORKS, count, total), COSTS)
    assert verdict.violations == 0
    assert "np_fp" not in verdict.accepted or "hocket_fp" in verdict.accepted
    assert "hocket_edf" not in verdict.accepted or "ideal_edf" in verdict.accepted


def test_figures_count_what_each_method_accepts() -> None:
    both = Verdict(frozenset({"np_fp", "hocket_fp", "ideal_fp"}), 0, 3, 0.01, 0.5)
    ours = Verdict(frozenset({"hocket_fp", "ideal_fp"}), 0, 4, 0.03, 0.1)
    told = figures([Point(0.5, (both, ours))])
    assert (told["task_sets"], told["simulated_runs"], told["bound_violations"]) == (2, 7, 0)
    assert told["accepted_over_np_fp"] == 2
    assert told["accepted_over_ideal"] == 1
    assert told["top_task_blocking_ratio"] == pytest.approx(0.3)
    assert told["overhead"] == pytest.approx(0.02)


@pytest.mark.needs("matplotlib")
def test_the_figure_is_the_same_for_the_same_points() -> None:
    from hocket_lab.experiment.figure import draw

    points = [Point(u, (Verdict(frozenset({"np_fp"}), 0, 0, 0.0, None),)) for u in (0.1, 0.5, 1.0)]
    assert draw(points) == draw(points)
