# SPDX-License-Identifier: Apache-2.0
"""Command line of the training scripts."""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path

from . import samples

NETWORKS = ("keyword", "digits", "detector", "denoiser")
SAMPLES = "samples"


def main(arguments: list[str] | None = None) -> None:
    """Train one network and write its TFLite file and card, or write the sample inputs."""
    parser = argparse.ArgumentParser(prog="python -m hocket_lab.train", description=__doc__)
    parser.add_argument("what", choices=(*NETWORKS, SAMPLES))
    parser.add_argument("--out", type=Path, required=True, help="folder for the files")
    parser.add_argument("--seed", type=int, default=1, help="seed of data and weights")
    chosen = parser.parse_args(arguments)
    chosen.out.mkdir(parents=True, exist_ok=True)
    if chosen.what == SAMPLES:
        samples.write(chosen.out, chosen.seed)
    else:
        script = importlib.import_module(f"{__package__}.{chosen.what}")
        script.train(chosen.out, chosen.seed)


if __name__ == "__main__":
    main()
