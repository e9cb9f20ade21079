# SPDX-License-Identifier: Apache-2.0
"""What a command needs is checked before its work, and everything that is missing is told at once.

A sweep that runs for minutes must not end in a missing plotting library, and one that finds no
model to compare must not pass.
"""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from hocket_host.errors import HocketError
from hocket_host.missing import Missing


class NeedError(HocketError):
    """Something that a command needs is missing."""


def require(
    *,
    packages: Mapping[str, str] | None = None,
    programs: Mapping[str, str] | None = None,
    all_of: Mapping[str, Missing | None] | None = None,
    any_of: Mapping[str, Missing | None] | None = None,
    image: Path | None = None,
    models: Path | None = None,
    checkout: Path | None = None,
) -> None:
    """Check for what a command needs.

    Parameters
    ----------
    packages
        What installs it, by the module that is imported: ``{"matplotlib": "hocket[lab]"}``.
    programs
        The distribution's package, by the program on the path.
    all_of, any_of
        Of these all, or one, must be usable: by name, None or the reason why it is not.
    image
        The ARM image.
    models
        Folder that must hold .tflite files.
    checkout
        A file or folder that only a source checkout has.

    Raises
    ------
    NeedError
        With all that is missing, and how to get each of it.
    """
    lacking = [
        *_packages(packages or {}),
        *_programs(programs or {}),
        *_reasons(all_of or {}),
        *_files(image, models, checkout),
    ]
    if any_of and None not in any_of.values():
        lacking += _reasons(any_of)
    if lacking:
        found, expected, ways = (
            "; ".join(dict.fromkeys(words)) for words in zip(*lacking, strict=True)
        )
        raise NeedError(
            "what this command needs is missing", found=found, expected=expected, try_=ways
        )


def choose(
    option: str, asked: Sequence[str] | None, reasons: Mapping[str, Missing | None]
) -> tuple[list[str], dict[str, Missing]]:
    """Of what a command can run on, what was asked for, or all that is usable here.

    Parameters
    ----------
    option
        With which it was asked for, such as ``--platform``.
    asked
        Names, each of which must be usable; none for whatever is, which must be something.
    reasons
        By each name that there is, None or the reason why it is not usable.

    Returns
    -------
    tuple
        The names to run on, and by name why others are left out.

    Raises
    ------
    HocketError
        A name is unknown, or something is missing.
    """
    for name in asked or ():
        if name not in reasons:
            raise HocketError(
                "unknown name", found=repr(name), expected=", ".join(reasons), where=option
            )
    if asked:
        require(all_of={name: reasons[name] for name in asked})
        return list(dict.fromkeys(asked)), {}
    require(any_of=reasons)
    lacking = {name: reason for name, reason in reasons.items() if reason is not None}
    return [name for name in reasons if name not in lacking], lacking


_Lack = tuple[str, str, str]
"""What was found, what is expected, what to try."""


def _packages(packages: Mapping[str, str]) -> Iterator[_Lack]:
    for module, source in packages.items():
        if importlib.util.find_spec(module) is None:
            yield f"no Python package {module}", module, f"pip install '{source}'"


def _programs(programs: Mapping[str, str]) -> Iterator[_Lack]:
    for program, package in programs.items():
        if shutil.which(program) is None:
            yield f"no {program} on the path", program, f"apt-get install {package}"


def _reasons(reasons: Mapping[str, Missing | None]) -> Iterator[_Lack]:
    for name, reason in reasons.items():
        if reason is not None:
            yield reason.what, name, reason.how


def _files(image: Path | None, models: Path | None, checkout: Path | None) -> Iterator[_Lack]:
    if image is not None and not image.is_file():
        yield f"no firmware image {image}", "the ARM image", "make firmware"
    if models is not None and not any(models.glob("*.tflite")):
        yield f"no .tflite file in {models}", "models", "name their folder: --models DIR"
    if checkout is not None and not checkout.exists():
        yield f"no {checkout}", "a source checkout", "run it at the root of Hocket's repository"
