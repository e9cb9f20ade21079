# SPDX-License-Identifier: Apache-2.0
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hocket_host import units
from hocket_host.errors import HocketError, UnitError


@pytest.mark.parametrize(
    ("text", "ns"),
    [("20 ms", 20_000_000), ("1.5us", 1_500), ("62.5 us", 62_500), ("0 s", 0), ("7 ns", 7)],
)
def test_a_duration_is_whole_nanoseconds(text: str, ns: int) -> None:
    assert units.parse_duration(text) == ns


@pytest.mark.parametrize(
    "text", ["20", "ms", "20 MS", "-1 ms", "1e3 ms", "20 ms please", "", 20, None]
)
def test_a_duration_without_a_proper_unit_is_refused(text: object) -> None:
    with pytest.raises(UnitError, match="duration"):
        units.parse_duration(text)


def test_a_fraction_of_a_nanosecond_is_refused_rather_than_rounded() -> None:
    with pytest.raises(UnitError, match="whole number"):
        units.parse_duration("0.5 ns")


def test_frequencies_and_sizes_ignore_case() -> None:
    assert units.parse_frequency("62.5 mhz") == 62_500_000
    assert units.parse_size("48 kib") == 48 << 10


@given(cycles=st.integers(0, 1 << 50), hz=st.integers(1, 1 << 32))
def test_cycles_to_ns_is_the_ceiling(cycles: int, hz: int) -> None:
    ns = units.cycles_to_ns(cycles, hz)
    assert ns * hz >= cycles * units.NS_PER_S > (ns - 1) * hz or cycles == ns == 0


@given(cycles=st.integers(0, 1 << 40), hz=st.integers(1, units.NS_PER_S))
def test_cycles_survive_the_way_to_ns_and_back_below_1_ghz(cycles: int, hz: int) -> None:
    assert units.ns_to_cycles(units.cycles_to_ns(cycles, hz), hz) == cycles


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "0 ns"),
        (999, "999 ns"),
        (1_000, "1 µs"),
        (1_234_567, "1.23 ms"),
        (-2_500_000, "-2.50 ms"),
    ],
)
def test_format_ns_keeps_three_digits(ns: int, text: str) -> None:
    assert units.format_ns(ns) == text


def test_an_error_says_where_found_expected_and_what_to_try() -> None:
    error = HocketError("no", found=1, expected=2, try_="three", where="a.toml: key")
    assert str(error).splitlines() == [
        "a.toml: key: no",
        "  found:    1",
        "  expected: 2",
        "  try:      three",
    ]
