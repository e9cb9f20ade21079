# SPDX-License-Identifier: Apache-2.0
"""``python -m hocket_lab.image``: build the ARM image, and report what it costs."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from hocket_host.errors import HocketError
from hocket_tools.image.build import build

from .size import measure
from .small import emulated, run_keyword_spotter

BOARD = "corstone300"
OUTPUT = Path("build/firmware")


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m hocket_lab.image",
        description="Build MicroPython with Hocket for an ARM board, and report its size.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (
        ("build", "build the images"),
        ("size", "build, then measure flash and heap; writes a JSON file"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("--board", default=BOARD, help="folder under firmware/boards")
        command.add_argument(
            "--build-dir", type=Path, default=OUTPUT, metavar="DIR", help=f"default: {OUTPUT}"
        )
        command.add_argument("--jobs", type=int, metavar="N", help="compilers at once")
        if name == "size":
            command.add_argument(
                "--output", type=Path, default=Path("build/size.json"), metavar="FILE"
            )
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; 0 if all is well, 1 if not, 2 if a budget is exceeded."""
    arguments = _arguments(argv)
    started = time.monotonic()

    def report(line: str) -> None:
        print(f"[{time.monotonic() - started:5.1f} s] {line}", flush=True)

    try:
        images = build(
            arguments.board, output=arguments.build_dir, jobs=arguments.jobs, report=report
        )
        for image in images:
            print(image)
        if arguments.command == "size":
            report("heap, on an emulator")
            sizes = measure(images[0])
            print(sizes)
            if emulated():
                report("keyword spotter on the small heap, on an emulator")
                small = run_keyword_spotter(images[-1].elf)
                print(small)
                sizes = replace(
                    sizes, heap_64k_used_bytes=small.used, heap_64k_free_bytes=small.free
                )
            sizes.write(arguments.output)
            return 2 if sizes.over_budget else 0
    except HocketError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
