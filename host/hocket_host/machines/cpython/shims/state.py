# SPDX-License-Identifier: Apache-2.0
"""Which machine the shims delegate to, and their place among the interpreter's modules."""

from __future__ import annotations

import builtins
import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from hocket_host.errors import HocketError

from .protocol import Machine

MODULES = ("machine", "micropython", "uctypes", "utime")
VIPER_NAMES = ("ptr8", "ptr16", "ptr32", "uint")


class ShimError(HocketError):
    """The shims were used without a machine, or were asked for what the machine cannot do."""


_machine: Machine | None = None
_covered: dict[str, ModuleType | None] = {}


def install(machine: Machine) -> None:
    """Make ``machine``, ``micropython``, ``uctypes`` and ``utime`` importable, over a machine.

    The pointer casts of viper become builtins, as they are in MicroPython's viper code. A machine
    installed earlier is replaced; firmware modules imported before go on with the new one.

    Parameters
    ----------
    machine
        What the modules delegate to.

    Raises
    ------
    ShimError
        If ``machine`` lacks a method of :class:`Machine`.
    """
    global _machine  # noqa: PLW0603 - one interpreter is one CPU
    if not isinstance(machine, Machine):
        names = (name for name in vars(Machine) if not name.startswith("_"))
        raise ShimError(
            "not a machine",
            found=f"{machine!r} without {', '.join(n for n in names if not hasattr(machine, n))}",
            expected="the methods of hocket_host.machines.cpython.shims.Machine",
        )
    fresh = _machine is None
    _machine = machine
    if not fresh:
        return
    shims = {name: importlib.import_module(f"{__package__}.{name}") for name in MODULES}
    for name, module in shims.items():
        _covered[name] = sys.modules.get(name)
        sys.modules[name] = module
    viper = importlib.import_module(f"{__package__}.viper")
    for name in VIPER_NAMES:
        setattr(builtins, name, getattr(viper, name))


def uninstall() -> None:
    """Undo :func:`install`; no effect if nothing is installed."""
    global _machine  # noqa: PLW0603
    if _machine is None:
        return
    _machine = None
    for name in VIPER_NAMES:
        delattr(builtins, name)
    for name, module in _covered.items():
        if module is None:
            del sys.modules[name]
        else:
            sys.modules[name] = module
    _covered.clear()


def current() -> Machine:
    """Return the installed machine.

    Raises
    ------
    ShimError
        If there is none.
    """
    if _machine is None:
        raise ShimError(
            "no machine is installed",
            try_="call shims.install(machine) before the firmware runs",
        )
    return _machine


@contextmanager
def installed(machine: Machine) -> Iterator[Machine]:
    """Install ``machine`` for a ``with`` block, then put back what was there."""
    before = _machine
    install(machine)
    try:
        yield machine
    finally:
        if before is None:
            uninstall()
        else:
            install(before)
