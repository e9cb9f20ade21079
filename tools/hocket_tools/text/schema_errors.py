# SPDX-License-Identifier: Apache-2.0
"""Errors that pydantic found in a file, as Hocket's errors."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ValidationError

from hocket_host.errors import HocketError


class WrappedError(ValueError):
    """A Hocket error on its way through a schema, which collects `ValueError`s only."""

    def __init__(self, error: HocketError) -> None:
        super().__init__(error.message)
        self.error = error


def quoting(parse: Callable[[object], int]) -> BeforeValidator:
    """A validator that reads a quantity and keeps its error's text."""

    def convert(text: object) -> int:
        try:
            return parse(text)
        except HocketError as error:
            raise WrappedError(error) from error

    return BeforeValidator(convert)


def explain(
    path: Path,
    error: ValidationError,
    root: type[BaseModel],
    kind: Callable[..., HocketError],
) -> HocketError:
    """All that is wrong with a file, in one error.

    Parameters
    ----------
    path
        The file.
    error
        What pydantic found.
    root
        Schema of the whole file.
    kind
        Class of the error to make.
    """
    problems = [_explain_one(path, e, root, kind) for e in error.errors()]
    first = problems[0]
    if len(problems) == 1:
        return first
    others = "\n".join(str(p) for p in problems[1:])
    return kind(
        first.message,
        where=first.where,
        found=first.found,
        expected=first.expected,
        try_=f"{first.try_ or 'correct it'}\n{others}",
    )


def _explain_one(
    path: Path, error: Any, root: type[BaseModel], kind: Callable[..., HocketError]
) -> HocketError:
    location: tuple[int | str, ...] = tuple(error["loc"])
    where = f"{path}: {'.'.join(str(part) for part in location if part != 0)}"
    wrapped = error.get("ctx", {}).get("error")
    if isinstance(wrapped, WrappedError):
        inner = wrapped.error
        return kind(
            inner.message, where=where, found=inner.found, expected=inner.expected, try_=inner.try_
        )
    name = str(location[-1])
    if error["type"] == "extra_forbidden":
        known = _keys_at(root, location[:-1])
        close = difflib.get_close_matches(name, known, n=1)
        return kind(
            "unknown key",
            where=where,
            found=name,
            expected=", ".join(known),
            try_=f"did you mean {close[0]}?" if close else "remove it",
        )
    if error["type"] == "missing":
        return kind("missing key", where=where, found="nothing", expected=name, try_=f"add {name}")
    if error["type"] == "literal_error":
        expected = error["ctx"]["expected"].replace("'", '"')
        return kind(
            "not one of the choices", where=where, found=repr(error["input"]), expected=expected
        )
    return kind(
        "not a usable value", where=where, found=repr(error["input"]), expected=error["msg"]
    )


def _keys_at(root: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """Keys that the section at a location knows."""
    annotation: Any = root
    for part in location:
        annotation = _inside(annotation, part)
    section = _section(annotation)
    return [] if section is None else list(_fields(section))


def _fields(section: type[BaseModel]) -> dict[str, Any]:
    return {field.alias or name: field.annotation for name, field in section.model_fields.items()}


def _section(annotation: Any) -> type[BaseModel] | None:
    """The section that an annotation holds, optional or annotated as it may be."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_section, get_args(annotation))), None)


def _inside(annotation: Any, part: int | str) -> Any:
    """Annotation of what lies at one key or index of a value."""
    if get_origin(annotation) in (dict, tuple):
        return get_args(annotation)[-1 if get_origin(annotation) is dict else 0]
    section = _section(annotation)
    return None if section is None else _fields(section).get(str(part))
