# SPDX-License-Identifier: Apache-2.0
"""Reads Renode's platform description language (``.repl``), the subset that is described here.

::

    using "./other.repl"
    name: Type @ sysbus 0x1000              // or <0x1000, +0x100>, or { sysbus 0x1; sysbus 0x2 }
        attribute: 1_000                    // a number, "text", true, a name, [a list]
        Output -> nvic@5                    // or -> nvic@5, [0-1] -> nvic@[4-5]
        init:
            Monitor command
    name: { attribute: 2 }                  // without a type: more about an entry above
"""

from __future__ import annotations

from pathlib import Path

from .errors import Place, ReplError
from .lexer import RAW_BLOCKS, Token, tokens
from .syntax import Attribute, Description, Entry, Reference, Registration, Scalar, Wire


class _Parser:
    def __init__(self, text: str, path: str, description: Description) -> None:
        self._tokens = tokens(text, path)
        self._at = 0
        self._description = description
        self.uses: list[tuple[str, Place]] = []

    # Tokens --------------------------------------------------------------------------------------

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _is(self, *texts: str) -> bool:
        return self._next.kind in ("sign", "name") and self._next.text in texts

    def _take(self) -> Token:
        token = self._next
        if token.kind != "end":
            self._at += 1
        return token

    def _accept(self, text: str) -> Token | None:
        return self._take() if self._is(text) else None

    def _expect(self, text: str, what: str, try_: str) -> Token:
        return self._accept(text) or self._fail(what, repr(text), try_)

    def _expect_kind(self, kind: str, what: str, try_: str) -> Token:
        if self._next.kind == kind:
            return self._take()
        return self._fail(f"{what} is missing", what, try_)

    def _fail(self, message: str, expected: str, try_: str) -> Token:
        token = self._next
        raise ReplError(message, where=token.place, found=str(token), expected=expected, try_=try_)

    def _number(self, what: str) -> int:
        token = self._expect_kind("number", what, "write it as 0x1000 or 4_096")
        digits = token.text.replace("_", "")
        try:
            return int(digits, 16 if "x" in digits.lower() else 10)
        except ValueError:
            raise ReplError(
                f"{what} is no number", where=token.place, found=repr(token.text),
                expected="digits", try_="write it as 0x1000 or 4_096",
            ) from None  # fmt: skip

    # Grammar -------------------------------------------------------------------------------------

    def run(self) -> None:
        while self._next.kind != "end":
            if self._is("using"):
                self._using()
            else:
                self._entry()

    def _using(self) -> None:
        place = self._take().place
        if self._description.entries:
            raise ReplError(
                "a file is used too late", where=place, found="using after an entry",
                expected="using before all entries", try_="move the line to the top of the file",
            )  # fmt: skip
        text = self._expect_kind("text", 'a path in quotes ("./name.repl")', "write its path")
        self.uses.append((text.text[1:-1], text.place))
        self._expect_kind("newline", "the end of the line", "begin a new line after it")

    def _entry(self) -> None:
        name = self._expect_kind(
            "name", "the name of an entry", "begin the line with a name, or indent it"
        )
        self._expect(":", f"no ':' after {name.text!r}", "write name: Type @ sysbus 0x1000")
        entry = self._description.entries.get(name.text)
        if entry is None:
            entry = self._description.entries[name.text] = Entry(name.text, name.place)
        if self._next.kind == "name":
            kind = self._take()
            if entry.type is not None:
                raise ReplError(
                    f"{name.text} is declared twice", where=kind.place, found=kind.text,
                    expected=f"no type: it is a {entry.type} since {entry.type_place}",
                    try_="use another name, or leave the type out to add to the entry",
                )  # fmt: skip
            entry.type, entry.type_place = kind.text, kind.place
        if self._accept("@"):
            entry.registrations = self._registrations()
            if self._accept("as"):
                self._expect_kind("text", "an alias in quotes", 'write as "name"')
        if self._accept("{"):
            self._braces(entry)
        if self._next.kind != "end":
            self._expect_kind(
                "newline", "the end of the line", "attributes stand below, indented, or in braces"
            )
        if self._next.kind == "indent":
            self._take()
            while self._next.kind != "dedent":
                self._member(entry)
                self._expect_kind("newline", "the end of the line", "one attribute a line")
                self._commands(entry)
            self._take()

    def _braces(self, entry: Entry) -> None:
        while not self._is("}"):
            self._member(entry)
            if not self._accept(";"):
                break
        self._expect("}", "an entry's braces are not closed", "separate attributes by ;")

    def _registrations(self) -> list[Registration]:
        if not self._accept("{"):
            found = self._registration()
            return [] if found is None else [found]
        result = []
        while not self._is("}"):
            found = self._registration()
            if found is not None:
                result.append(found)
            if not self._accept(";"):
                break
        self._expect("}", "a registration's braces are not closed", "separate addresses by ;")
        return result

    def _registration(self) -> Registration | None:
        parent = self._expect_kind("name", "a bus", "write sysbus 0x1000")
        if parent.text == "none":
            return None
        if self._is("new"):
            self._fail(
                "this form of registration is not read", "an address or <address, +size>",
                "write sysbus <0x1000, +0x100>",
            )  # fmt: skip
        if self._next.kind == "number":
            return Registration(parent.text, self._number("an address"), None, parent.place)
        if self._accept("<"):
            start = self._number("an address")
            self._expect(",", "no ',' in a range", "write <0x1000, +0x100>")
            relative = self._accept("+") is not None
            second = self._number("a size")
            self._expect(">", "a range is not closed", "write <0x1000, +0x100>")
            size = second if relative else second - start
            return Registration(parent.text, start, size, parent.place)
        return Registration(parent.text, None, None, parent.place)

    def _member(self, entry: Entry) -> None:
        if self._is("->", "["):
            self._wires(entry, None)
            return
        if self._next.kind == "number":
            self._wires(entry, self._number("an output"))
            return
        name = self._expect_kind(
            "name", "an attribute or an interrupt", "write name: value or -> nvic@5"
        )
        if self._is("->"):
            self._wires(entry, name.text)
            return
        if name.text in RAW_BLOCKS:
            self._accept("add")
            self._expect(":", f"no ':' after {name.text!r}", "write init: and indent below it")
            return
        self._expect(
            ":", f"{name.text!r} is neither an attribute nor an interrupt",
            "write name: value or name -> nvic@5",
        )  # fmt: skip
        entry.attributes[name.text] = Attribute(name.text, self._value(), name.place)

    def _commands(self, entry: Entry) -> None:
        while self._next.kind == "raw":
            token = self._take()
            entry.commands.append((token.text, token.place))

    def _value(self) -> Scalar | tuple[Scalar, ...]:
        if not self._accept("["):
            return self._scalar()
        items = []
        while not self._is("]"):
            items.append(self._scalar())
            if not self._accept(","):
                break
        self._expect("]", "a list is not closed", "separate its items by ,")
        return tuple(items)

    def _scalar(self) -> Scalar:
        token = self._next
        if token.kind == "number":
            return self._number("a value")
        if token.kind == "text":
            return self._take().text[1:-1]
        if token.kind == "name" and token.text != "new":
            name = self._take().text
            return {"true": True, "false": False}.get(name, Reference(name))
        self._fail(
            "a value is missing or of a kind that is not read",
            "a number, a text in double quotes, true, false, a name or a [list]",
            "write one of these",
        )
        raise AssertionError  # _fail has raised

    def _wires(self, entry: Entry, source: str | int | None) -> None:
        place = self._next.place
        sources: list[str | int | None] = [source]
        if source is None and self._is("["):
            sources = list(self._numbers("an output"))
        self._expect("->", "no '->' after an output", "write Output -> nvic@5")
        while True:
            target = self._expect_kind("name", "an interrupt controller", "write -> nvic@5")
            if target.text == "none":
                entry.wires.append(Wire(source, None, None, place))
            else:
                self._expect("@", "no '@' after the interrupt controller", "write -> nvic@5")
                numbers = self._numbers("an interrupt number")
                if len(numbers) != len(sources):
                    raise ReplError(
                        "outputs and interrupts differ in number", where=place,
                        found=f"{len(sources)} outputs, {len(numbers)} interrupts",
                        expected="as many of each", try_="write [0-3] -> nvic@[4-7]",
                    )  # fmt: skip
                for one, number in zip(sources, numbers, strict=True):
                    entry.wires.append(Wire(one, target.text, number, place))
            if not self._accept("|"):
                return

    def _numbers(self, what: str) -> list[int]:
        if not self._accept("["):
            return [self._number(what)]
        result: list[int] = []
        while True:
            first = last = self._number(what)
            if self._accept("-"):
                last = self._number(what)
            elif self._next.kind == "number" and self._next.text.startswith("-"):
                last = -self._number(what)
            step = 1 if last >= first else -1
            if abs(last - first) > 1024:
                self._fail(f"{what}: the range is too long", "at most 1024", "shorten it")
            result.extend(range(first, last + step, step))
            if not self._accept(","):
                break
        self._expect("]", "a range is not closed", "write [4-7]")
        return result


def parse(text: str, path: str = "<text>") -> Description:
    """Read a description that uses no other file.

    Raises
    ------
    ReplError
        With the line and column of what is not understood.
    """
    description = Description(path)
    parser = _Parser(text, path, description)
    parser.run()
    if parser.uses:
        raise ReplError(
            "a text cannot use files", where=parser.uses[0][1], found="using",
            expected="entries only", try_="load the description from a file",
        )  # fmt: skip
    return description


def parse_file(path: str | Path) -> Description:
    """Read a file and those that it uses, relative to it.

    Raises
    ------
    ReplError
        A file is absent or not UTF-8, uses itself, or is not understood.
    """
    description = Description(str(path))
    _read(Path(path), description, (), None)
    return description


def _read(
    path: Path, description: Description, outer: tuple[Path, ...], place: Place | None
) -> None:
    resolved = path.resolve()
    if resolved in outer:
        raise ReplError(
            "a description uses itself", where=place, found=str(path),
            expected="files that do not use each other in a circle", try_="remove one using",
        )  # fmt: skip
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ReplError(
            "the platform description cannot be read", where=place or path,
            found=getattr(error, "strerror", None) or str(error), expected="a .repl file",
            try_="check the path",
        ) from error  # fmt: skip
    inner = Description(str(path))
    parser = _Parser(text, str(path), inner)
    parser.run()
    for used, used_place in parser.uses:
        _read(path.parent / used, description, (*outer, resolved), used_place)
    _merge(description, inner)


def _merge(into: Description, more: Description) -> None:
    for name, entry in more.entries.items():
        known = into.entries.get(name)
        if known is None:
            into.entries[name] = entry
            continue
        if entry.type is not None and known.type is not None:
            raise ReplError(
                f"{name} is declared twice", where=entry.type_place, found=entry.type,
                expected=f"no type: it is a {known.type} since {known.type_place}",
                try_="use another name, or leave the type out to add to the entry",
            )  # fmt: skip
        if entry.type is not None:
            known.type, known.type_place = entry.type, entry.type_place
        if entry.registrations:
            known.registrations = entry.registrations
        known.attributes.update(entry.attributes)
        known.wires.extend(entry.wires)
        known.commands.extend(entry.commands)
