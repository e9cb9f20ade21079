# SPDX-License-Identifier: Apache-2.0
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hocket_host.board.repl.errors import ReplError
from hocket_host.board.repl.parser import parse, parse_file
from hocket_host.board.repl.syntax import Reference, Registration, Wire

NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True).filter(
    lambda n: (
        n not in {"using", "sysbus", "none", "new", "init", "reset", "preinit", "as"}
        and n not in {"true", "false"}
    )
)


def one(text):
    return next(iter(parse(text).entries.values()))


def test_an_entry_holds_type_address_attributes_and_wires():
    entry = one(
        'uart0: UART.X @ sysbus 0x4000_1000\n    size: 1_000\n    name: "a b"\n    on: true\n'
        "    owner: nvic\n    Tx -> nvic@5\n"
    )
    assert (entry.name, entry.type) == ("uart0", "UART.X")
    assert [(r.parent, r.address, r.size) for r in entry.registrations] == [
        ("sysbus", 0x4000_1000, None)
    ]
    values = {name: a.value for name, a in entry.attributes.items()}
    assert values == {"size": 1000, "name": "a b", "on": True, "owner": Reference("nvic")}
    assert [(w.source, w.target, w.number) for w in entry.wires] == [("Tx", "nvic", 5)]


def test_attributes_may_stand_in_braces():
    entry = one('a: T @ sysbus <0x10, +0x20> { x: 1; y: "z"; -> n@[1] }')
    assert entry.registrations[0].size == 0x20
    assert [a.value for a in entry.attributes.values()] == [1, "z"]
    assert entry.wires[0].number == 1


def test_several_registrations_stand_in_braces():
    entry = one("a: T @ { sysbus 0x10; sysbus <0x20, 0x30> }")
    assert [(r.address, r.size) for r in entry.registrations] == [(0x10, None), (0x20, 0x10)]


def test_none_registers_nowhere():
    assert one("a: T @ none").registrations == []


def test_a_later_entry_without_a_type_adds_to_the_first():
    entry = one("a: T @ sysbus 0x1\n    x: 1\na:\n    x: 2\n    y: 3\n")
    assert {n: a.value for n, a in entry.attributes.items()} == {"x": 2, "y": 3}


def test_ranges_of_wires_pair_up():
    entry = one("a: T\n    [0-2] -> nvic@[4-6] | gic@[9-7]\n    Z -> none\n")
    found = [(w.source, w.target, w.number) for w in entry.wires]
    assert found == [(0, "nvic", 4), (1, "nvic", 5), (2, "nvic", 6),
                     (0, "gic", 9), (1, "gic", 8), (2, "gic", 7), ("Z", None, None)]  # fmt: skip


def test_comments_are_skipped_but_not_inside_texts():
    text = '// c\n/* a\nb */\na: T /* @ sysbus 0x9 */ @ sysbus 0x1 // x\n    u: "http://x"\n'
    entry = one(text)
    assert entry.registrations[0].address == 1
    assert entry.attributes["u"].value == "http://x"


def test_a_text_in_three_quotes_runs_over_lines():
    entry = one("a: T\n    s: '''one\n  two'''\n    n: 1\n")
    assert entry.attributes["s"].value == "one\n  two"
    assert entry.attributes["n"].value == 1


def test_lines_under_init_are_kept_as_they_are():
    entry = one('a:\n    init:\n        Tag <0x1, 0x2> "X"\n        b -> c ?\n    x: 1\n')
    assert [text for text, _ in entry.commands] == ['Tag <0x1, 0x2> "X"', "b -> c ?"]
    assert entry.attributes["x"].value == 1


def test_using_reads_the_other_file_first(tmp_path):
    (tmp_path / "base.repl").write_text("a: T @ sysbus 0x1\n    x: 1\n")
    (tmp_path / "top.repl").write_text('using "./base.repl"\n\na: { x: 2 }\nb: U\n')
    entries = parse_file(tmp_path / "top.repl").entries
    assert list(entries) == ["a", "b"]
    assert entries["a"].attributes["x"].value == 2


@pytest.mark.parametrize(
    ("text", "line", "column", "found"),
    [
        ("a T\n", 1, 3, "'T'"),
        ("a: T\n\tx: 1\n", 2, 1, "a tab"),
        ("a: T\n    x: 1\n  y: 2\n", 3, 3, "2 spaces"),
        ("a: T\n    x 1\n", 2, 7, "'1'"),
        ("a: T\n    x:\n", 2, 7, "the end of the line"),
        ("a: T @ sysbus <0x1 0x2>\n", 1, 20, "'0x2'"),
        ("a: T @ sysbus new P { }\n", 1, 15, "'new'"),
        ('a: T\n    x: "open\n', 2, 8, "'\"open'"),
        ("a: T\n    s: '''open\n", 2, 8, "the end of the file"),
        ("a: T /* open\n", 1, 6, "the end of the file"),
        ("a: T\n    x: 12ab\n", 2, 8, "'12ab'"),
        ("a: T\n    x: $v\n", 2, 8, "'$v'"),
        ("a: T\n    [0-1] -> n@[1-3]\n", 2, 5, "2 outputs, 3 interrupts"),
        ("a: T\n    -> n\n", 2, 9, "the end of the line"),
        ("a: T\na: U\n", 2, 4, "U"),
        ('a: T\nusing "x"\n', 2, 1, "using after an entry"),
        ("    a: T\n", 1, 1, "an indented line"),
    ],
)
def test_what_is_not_understood_is_told_with_its_place(text, line, column, found):
    with pytest.raises(ReplError) as caught:
        parse(text, "p.repl")
    error = caught.value
    assert str(error.where) == f"p.repl:{line}:{column}"
    assert str(error.found) == found
    assert error.expected
    assert error.try_


def test_files_that_use_each_other_are_refused(tmp_path):
    (tmp_path / "a.repl").write_text('using "b.repl"\n')
    (tmp_path / "b.repl").write_text('using "a.repl"\n')
    with pytest.raises(ReplError, match="uses itself"):
        parse_file(tmp_path / "a.repl")


def test_an_absent_file_is_told(tmp_path):
    with pytest.raises(ReplError, match="cannot be read"):
        parse_file(tmp_path / "no.repl")


PIECES = [*"aT:@<>{}[],;+-|0x9_.\"'/* \n", "\n    ", "init", "->", "using"]


@given(st.lists(st.sampled_from(PIECES)).map("".join))
def test_any_text_is_read_or_refused_with_a_place(text):
    try:
        parse(text)
    except ReplError as error:
        place = error.where
    else:
        return
    assert place is not None


@given(
    st.dictionaries(
        NAMES,
        st.tuples(
            st.integers(0, 2**32 - 1),
            st.dictionaries(
                NAMES,
                st.one_of(
                    st.integers(-(2**40), 2**40),
                    st.booleans(),
                    st.from_regex(r"[ -!#-\[\]-~]{0,12}", fullmatch=True),
                    NAMES.map(Reference),
                ),
                max_size=4,
            ),
            st.lists(st.tuples(NAMES, NAMES, st.integers(0, 500)), max_size=3),
        ),
        max_size=4,
    ),
    st.booleans(),
)
def test_what_is_written_is_read_back(entries, braces):
    def shown(value):
        if isinstance(value, Reference):
            return value.name
        if isinstance(value, bool):
            return str(value).lower()
        return f'"{value}"' if isinstance(value, str) else hex(value) if value >= 0 else str(value)

    lines = []
    for name, (address, attributes, wires) in entries.items():
        members = [f"{key}: {shown(value)}" for key, value in attributes.items()]
        members += [f"{source} -> {target}@{number}" for source, target, number in wires]
        head = f"{name}: T @ sysbus {address:#x}"
        if braces:
            lines.append(head + " { " + "; ".join(members) + " }")
        else:
            lines += [head, *("    " + m for m in members)]
    read = parse("\n".join(lines)).entries
    assert list(read) == list(entries)
    for name, (address, attributes, wires) in entries.items():
        entry = read[name]
        place = entry.registrations[0].place
        assert entry.registrations == [Registration("sysbus", address, None, place)]
        assert {n: a.value for n, a in entry.attributes.items()} == attributes
        expected = [Wire(s, t, n, w.place) for (s, t, n), w in zip(wires, entry.wires, strict=True)]
        assert entry.wires == expected
