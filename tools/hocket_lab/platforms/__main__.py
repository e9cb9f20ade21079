# SPDX-License-Identifier: Apache-2.0
"""``python -m hocket_lab.platforms``: the demonstration on every platform that is here."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from hocket_host.errors import HocketError
from hocket_tools.app.application import load
from hocket_tools.pack.pack import pack
from hocket_tools.text.tables import plain_table
from hocket_tools.zoo.application import APPLICATION

from .answers import Answers
from .compare import report, wrong
from .platforms import PLATFORMS, missing, run

FIRMWARE = Path("build/firmware/corstone300/firmware.elf")
_SHOWN = 8


def show(found: dict[str, Any], console: Console) -> None:
    """Outputs, order and response times as tables."""
    ran = {name: platform for name, platform in found.items() if platform["missing"] is None}
    for name, platform in found.items():
        if platform["missing"] is not None:
            console.print(f"{name} did not run: {platform['missing']}", markup=False)
    if not ran:
        return
    table = plain_table("platform", "outputs", "runs", "moved", "order", "missed", "MIPS", "speed")
    for name, platform in ran.items():
        speed = platform["guest_mips"]
        table.add_row(
            name,
            platform["digest"][:_SHOWN] + (" exact" if platform["verified"] else ""),
            str(platform["segments"] or ""),
            "" if platform["moved"] is None else str(platform["moved"]),
            "" if platform["order_as"] in (name, None) else f"as {platform['order_as']}",
            str(platform["misses"]),
            "" if speed is None else str(speed),
            f"{platform['real_time']} x",
        )
    console.print(table)
    tasks = next(iter(ran.values()))["tasks"]
    times = plain_table("response, mean and max in us", *tasks)
    for name, platform in ran.items():
        responses = [task["response"] for task in platform["tasks"].values()]
        times.add_row(name, *(f"{r['mean_us']} {r['max_us']}" for r in responses))
    console.print(times)


def main() -> int:
    """Run, compare, print, write; 1 if something differs that must not."""
    parser = argparse.ArgumentParser(
        prog="python -m hocket_lab.platforms",
        description="An application (by default the demonstration) on CPython, MicroPython and the "
        "ARM image's emulators: outputs, order of segments, response times.",
    )
    parser.add_argument("application", nargs="?", type=Path, default=APPLICATION, metavar="TOML")
    parser.add_argument("--platform", action="append", choices=list(PLATFORMS))
    parser.add_argument(
        "--verify", action="store_true", help="compare all outputs with tflite_micro's, too"
    )
    parser.add_argument("--firmware", type=Path, default=FIRMWARE, metavar="ELF")
    parser.add_argument(
        "--output", type=Path, default=Path("build/same-answers.json"), metavar="FILE"
    )
    arguments = parser.parse_args()
    console = Console(highlight=False)
    lacking: dict[str, str] = {}
    results: dict[str, Answers] = {}
    try:
        packed = pack(load(arguments.application))
        for platform in arguments.platform or PLATFORMS:
            why = missing(platform, arguments.firmware)
            if why is not None:
                lacking[platform] = why
                continue
            with console.status(f"{arguments.application.name} on {platform}"):
                results[platform] = run(
                    platform, packed, arguments.firmware, verify=arguments.verify
                )
        found = report(results, lacking)
    except HocketError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    show(found, console)
    differences = wrong(found)
    for line in differences:
        console.print(line, markup=False)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(found, indent=2) + "\n")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
