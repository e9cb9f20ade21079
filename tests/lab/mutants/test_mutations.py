# SPDX-License-Identifier: Apache-2.0
"""One place of a source is broken at a time, and what no test should hold is left alone."""

from __future__ import annotations

import pytest

from hocket_lab.mutants.mutations import each


def broken(source: str) -> set[str]:
    return {text for _, text in each(source)}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a < b", {"a <= b"}),
        ("a >= b", {"a > b"}),
        ("a == b", {"a != b"}),
        ("a is not b", {"a is b"}),
        ("a not in b", {"a in b"}),
        ("a < b < c", {"a <= b < c", "a < b <= c"}),
        ("a + b", {"a - b"}),
        ("(a * b) // (c)", {"(a // b) // (c)", "(a * b) * (c)"}),
        ("a << b", {"a >> b"}),
        ("a & b", {"a | b"}),
        ("a and b or c", {"a or b or c", "a and b and c"}),
        ("-a", {"(a)"}),
        ("not a", {"(a)"}),
        ("x = 7", {"x = 8", "x = 6", "x = 0", "x = 1"}),
        ("x = (0, 1)", {"x = (0,)", "x = (1, 1)", "x = (0, 2)", "x = (0, 0)"}),
        ("x = False", {"x = True"}),
        ("min(a)", {"max(a)", "pass"}),
        ("all(a)", {"any(a)", "pass"}),
        ("sorted(a)", {"list(a)", "pass"}),
        ("call()", {"pass"}),
        ("a.b = c", {"pass"}),
        ("a += b", {"a -= b", "pass"}),
        ("raise E", {"pass"}),
        ("def f():\n    return a", {"def f():\n    return None"}),
        ("if a:\n    b", {"if not (a):\n    b"}),
        ("if a == b:\n    c", {"if a != b:\n    c"}),
        ("b if a else c", {"b if not (a) else c"}),
        ("for a in b:\n    continue", {"for a in b:\n    break"}),
        ("[a for a in b if a]", {"[a for a in b if not (a)]"}),
    ],
)
def test_every_operator_is_broken_in_its_way(source: str, expected: set[str]) -> None:
    assert broken(source) == expected


@pytest.mark.parametrize(
    "source",
    [
        '"""One word, 1."""',
        "assert a < b",
        "import a",
        "@d(1)\ndef f():\n    b",
        "x: Literal[1]",
        "def f(a: T[1]) -> T[2]:\n    b",
        'a = f"{b + 1}"',
        "__all__ = (a, b)",
        "class C(Protocol):\n    def f(self):\n        return 1",
        "if TYPE_CHECKING:\n    x = 1",
        "x = zip(a, b, strict=True)",
        "return_ = None",
    ],
)
def test_words_and_types_are_left_alone(source: str) -> None:
    assert broken(source) == set()


def test_the_sign_of_a_field_at_0_is_left_alone() -> None:
    assert broken("A = const(0)\nrow + A") == {"A = const(1)\nrow + A"}
    assert "A = const(1)\nrow - A" in broken("A = const(1)\nrow + A")


def test_what_an_error_says_is_left_alone_and_the_error_is_not() -> None:
    assert broken("raise E(1, a + b)") == {"pass"}


def test_a_place_is_found_behind_letters_of_several_bytes() -> None:
    ((change, text),) = each('"é" < c')
    assert (change.line, text) == (1, '"é" <= c')
