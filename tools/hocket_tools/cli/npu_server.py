# SPDX-License-Identifier: Apache-2.0
"""`hocket npu-server`: the NPU's model for emulators that reach it through a socket."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from hocket_host.server import ServedNpu

    from ..vela import VelaOptions


def npu_server(
    container: Annotated[
        Path | None,
        typer.Argument(
            help="A container (.hkt): serve its accelerator, clock and memories.",
            show_default=False,
        ),
    ] = None,
    port: Annotated[int, typer.Option(help="TCP port on 127.0.0.1; 0: any free one.")] = 8102,
    accelerator: Annotated[
        str | None,
        typer.Option(
            "--accelerator-config",
            "--accelerator",
            help="As Vela's option; ethos-u55-128 by default.",
        ),
    ] = None,
    system_config: Annotated[
        str | None, typer.Option(help="As Vela's option; Vela's choice by default.")
    ] = None,
    memory_mode: Annotated[
        str | None, typer.Option(help="As Vela's option; Vela's choice by default.")
    ] = None,
    config: Annotated[
        list[str] | None, typer.Option(help="As Vela's option; may be repeated.")
    ] = None,
    clock: Annotated[
        str | None,
        typer.Option(help='NPU clock, such as "50 MHz"; else that of the system.'),
    ] = None,
    board: Annotated[
        str | None,
        typer.Option(help="Whose flash and SRAM the NPU reaches; corstone300 by default."),
    ] = None,
) -> None:
    """Serve the NPU's model to Renode, on the loopback interface."""
    from ..vela import VelaOptions

    given = {
        "--accelerator-config": accelerator,
        "--system-config": system_config,
        "--memory-mode": memory_mode,
        "--config": config,
        "--clock": clock,
        "--board": board,
    }
    if container is not None:
        _refuse([name for name, value in given.items() if value])
        platform = _of_container(container)
    else:
        options = VelaOptions(
            accelerator_config=accelerator or "ethos-u55-128",
            system_config=system_config,
            memory_mode=memory_mode,
            config=tuple(config or ()),
        )
        platform = _of_options(options, clock, board or "corstone300")
    _serve(platform, port)


def _serve(platform: ServedNpu, port: int) -> None:
    from hocket_host.ethosu.compute.model import warm_up
    from hocket_host.server import NpuServer
    from hocket_host.units import format_hz

    # Kernels compile on a machine's first use; no client should have to wait for that.
    warm_up()
    server = NpuServer(platform, port=port, log=lambda line: typer.echo(line, err=True))
    system = platform.system
    typer.echo(
        f"{platform.config.name} at {format_hz(system.clock_hz)}, {system.name}, "
        f"{system.memory_mode}, on {platform.board.name}\n"
        f"listening on 127.0.0.1:{server.port}"
    )
    try:
        server.serve()
    except KeyboardInterrupt:
        typer.echo("stopped")
    finally:
        server.close()


def _refuse(options: list[str]) -> None:
    from hocket_host.errors import HocketError

    if options:
        raise HocketError(
            "options that the container decides",
            found=", ".join(options),
            expected="a container, or these options",
            try_="leave them out, or pack the application anew with other ones",
        )


def _of_container(path: Path) -> ServedNpu:
    """What a container was packed for."""
    from hocket_host.ethosu.config import npu_config
    from hocket_host.server import ServedNpu

    from ..pack.packed import open_packed
    from .files import read_bytes

    packed = open_packed(path, read_bytes(path, "a container made by hocket pack"))
    return ServedNpu(
        npu_config(packed.image.accelerator),
        packed.target.system,
        packed.target.board,
    )


def _of_options(options: VelaOptions, clock: str | None, board: str) -> ServedNpu:
    """What options in Vela's terms say."""
    from hocket_host.board import board as boards
    from hocket_host.ethosu.timing.system_config import parse_system_config
    from hocket_host.server import ServedNpu
    from hocket_host.units import parse_frequency

    from ..vela.options import resolve

    resolved = resolve(options)
    system = parse_system_config(
        resolved.config_text,
        resolved.npu,
        system_config=resolved.system_config,
        memory_mode=resolved.memory_mode,
        clock_hz=None if clock is None else parse_frequency(clock),
    )
    return ServedNpu(resolved.npu, system, boards.load(board))
