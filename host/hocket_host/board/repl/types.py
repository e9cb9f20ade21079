# SPDX-License-Identifier: Apache-2.0
"""The peripheral types of Renode that Hocket emulates, with what can be said of them.

Names, attributes and outputs are those of Renode's classes, so that a description which passes here
means the same there.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from .errors import ReplError
from .syntax import Attribute, Entry, Reference


@dataclass(frozen=True)
class TypeRule:
    """What an entry of a type may hold; attribute kinds are int, str, bool or ref."""

    attributes: dict[str, type] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    """Interrupt outputs; the first is meant by a wire without a source if it is the only one."""
    addressed: bool = True
    """Whether it needs an address on the bus."""


TYPES: dict[str, TypeRule] = {
    "CPU.CortexM": TypeRule(
        {
            "cpuType": str, "nvic": Reference, "PerformanceInMips": int,
            "numberOfMPURegions": int, "enableTrustZone": bool,
        },
        ("cpuType", "nvic"),
        addressed=False,
    ),
    "IRQControllers.NVIC": TypeRule(
        {"priorityMask": int, "systickFrequency": int}, ("systickFrequency",), ("IRQ",)
    ),
    "Memory.MappedMemory": TypeRule({"size": int}, ("size",)),
    "UART.CMSDK_APB_UART": TypeRule({"frequency": int}, (), ("TxInterrupt", "RxInterrupt")),
    "Timers.Arm_CMSDK_Timer": TypeRule({"frequency": int}, ("frequency",), ("IRQ",)),
    "Miscellaneous.CombinedInput": TypeRule(
        {"numberOfInputs": int}, ("numberOfInputs",), ("OutputLine",), addressed=False
    ),
}  # fmt: skip

_KINDS: dict[type, tuple[str, str]] = {
    int: ("a number", "0x1000"),
    str: ("a text in double quotes", '"cortex-m55"'),
    bool: ("true or false", "true"),
    Reference: ("the name of another entry", "nvic"),
}

#: ``Tag <0x1000, 0x1fff> "NAME"``: how a description names a region that it does not model.
_TAG = re.compile(
    r'Tag\s+<\s*(0[xX][0-9A-Fa-f_]+)\s*(,?)\s*(0[xX][0-9A-Fa-f_]+)\s*>\s+"([^"]+)"\s*'
)


@dataclass(frozen=True)
class Tag:
    """A named address range without a model of its own."""

    name: str
    base: int
    size: int


def check(entry: Entry, declared: Callable[[str], bool]) -> TypeRule:
    """Hold an entry against the rule of its type.

    Raises
    ------
    ReplError
        Unknown type, unknown or missing attribute, wrong kind of value, wrong interrupt output or
        target, missing or repeated address.
    """
    if entry.type is None:
        raise ReplError(
            f"{entry.name} has no type",
            where=entry.place,
            found=f"{entry.name}:",
            expected="a type after the name, here or in an earlier entry",
            try_=f"write {entry.name}: Memory.MappedMemory @ sysbus 0x0",
        )
    rule = TYPES.get(entry.type)
    if rule is None:
        raise ReplError(
            "unknown type of peripheral",
            where=entry.type_place,
            found=entry.type,
            expected=f"one of {', '.join(sorted(TYPES))}",
            try_="run this platform in Renode, or leave the peripheral to a .resc script",
        )
    for attribute in entry.attributes.values():
        _check_attribute(entry, rule, attribute, declared)
    missing = [name for name in rule.required if name not in entry.attributes]
    if missing:
        raise ReplError(
            f"{entry.name} lacks {', '.join(missing)}",
            where=entry.place,
            found=f"a {entry.type} with {', '.join(entry.attributes) or 'no attributes'}",
            expected=", ".join(rule.required),
            try_=f"add a line {missing[0]}: {_KINDS[rule.attributes[missing[0]]][1]}",
        )
    for wire in entry.wires:
        _check_wire(entry, rule, wire.source, wire.target, wire.place, declared)
    addressed = [r for r in entry.registrations if r.address is not None]
    if rule.addressed and not addressed:
        raise ReplError(
            f"{entry.name} has no address",
            where=entry.place,
            found=f"{entry.name}: {entry.type}",
            expected="@ sysbus and an address",
            try_=f"write {entry.name}: {entry.type} @ sysbus 0x1000",
        )
    for registration in entry.registrations:
        if registration.parent != "sysbus":
            raise ReplError(
                f"{entry.name} is on an unknown bus",
                where=registration.place,
                found=registration.parent,
                expected="sysbus",
                try_="write @ sysbus 0x1000",
            )
    return rule


def _check_attribute(
    entry: Entry, rule: TypeRule, attribute: Attribute, declared: Callable[[str], bool]
) -> None:
    kind = rule.attributes.get(attribute.name)
    if kind is None:
        raise ReplError(
            f"{entry.type} has no such attribute",
            where=attribute.place,
            found=attribute.name,
            expected=", ".join(sorted(rule.attributes)) or "no attributes",
            try_="check the spelling (case counts)",
        )
    value = attribute.value
    if type(value) is not kind:
        what, example = _KINDS[kind]
        shown = value.name if isinstance(value, Reference) else repr(value)
        raise ReplError(
            f"{attribute.name} has a value of the wrong kind",
            where=attribute.place,
            found=shown,
            expected=what,
            try_=f"write {attribute.name}: {example}",
        )
    if isinstance(value, Reference) and not declared(value.name):
        raise ReplError(
            f"{attribute.name} names no entry",
            where=attribute.place,
            found=value.name,
            expected="the name of an entry of this description",
            try_="check the spelling",
        )


def _check_wire(
    entry: Entry,
    rule: TypeRule,
    source: str | int | None,
    target: str | None,
    place: object,
    declared: Callable[[str], bool],
) -> None:
    known = source in rule.outputs or (source is None and len(rule.outputs) == 1)
    if not known:
        raise ReplError(
            f"{entry.type} has no such interrupt output",
            where=place,
            found="none named" if source is None else source,
            expected=", ".join(rule.outputs) or "no outputs",
            try_=f"write {rule.outputs[0]} -> nvic@5" if rule.outputs else "remove the line",
        )
    if target is not None and not declared(target):
        raise ReplError(
            "an interrupt goes nowhere",
            where=place,
            found=target,
            expected="the name of an entry of this description",
            try_="declare an IRQControllers.NVIC of that name",
        )


def tags(entry: Entry) -> list[Tag]:
    """Regions that the ``init:`` lines of ``sysbus`` name.

    Raises
    ------
    ReplError
        A line is anything but a Tag.
    """
    found = []
    for text, place in entry.commands:
        match = _TAG.fullmatch(text)
        if match is None:
            raise ReplError(
                "a Monitor command that is not read here",
                where=place,
                found=text,
                expected='Tag <0x1000, 0x1FFF> "NAME"',
                try_="leave other commands to a .resc script",
            )
        first, comma, second = (int(match[1], 16), match[2], int(match[3], 16))
        size = second - first + 1 if comma else second
        if size <= 0:
            raise ReplError(
                "a Tag of no size", where=place, found=text, expected="<first, last>",
                try_="write the last address after the comma",
            )  # fmt: skip
        found.append(Tag(match[4], first, size))
    return found
