# SPDX-License-Identifier: Apache-2.0
"""Model cards: what each network is, was trained on, can do, and is not."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from hocket_host.errors import HocketError
from hocket_host.units import parse_duration

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_DATA = Path(__file__).parent / "data"


class ZooError(HocketError):
    """A model, card or sample input that the zoo does not have or cannot use."""


@dataclass(frozen=True)
class CardTensor:
    """Shape and quantisation of an int8 tensor: ``real = scale * (int8 - zero_point)``."""

    shape: tuple[int, ...]
    scale: float
    zero_point: int


@dataclass(frozen=True)
class Accuracy:
    """What was measured on held-out data, for the float network and for the int8 file."""

    metric: str
    float_value: float
    int8_value: float
    examples: int
    held_out: str


@dataclass(frozen=True)
class Card:
    """One network of the zoo.

    Attributes
    ----------
    name
        Name to ask for it by.
    task
        What it does, in one line.
    period_ns
        A sensible period for it, in nanoseconds.
    labels
        Meaning of its output's last dimension, in order.
    licence
        Of the network.
    path
        The TFLite file.
    size, sha256, macs
        Bytes and digest of the file; multiply-accumulates of one inference.
    kind
        "audio" or "image".
    samples
        Samples at 16 kHz that one input covers; 0 for images.
    preprocessing
        How the input is made, in words.
    input, outputs
        The tensors.
    accuracy
        Measured on held-out data.
    data, data_licence
        What it was trained on.
    command, packages
        How it was trained.
    limits
        What it is not.
    """

    name: str
    task: str
    period_ns: int
    labels: tuple[str, ...]
    licence: str
    path: Path
    size: int
    sha256: str
    macs: int
    kind: str
    samples: int
    preprocessing: str
    input: CardTensor
    outputs: tuple[CardTensor, ...]
    accuracy: Accuracy
    data: str
    data_licence: str
    command: str
    packages: tuple[str, ...]
    limits: str


@dataclass(frozen=True)
class Sample:
    """A sample input: its file, and what the network should make of it.

    ``expected`` is a label; for the detector the kinds in the picture, sorted; for the denoiser
    "cleaner".
    """

    path: Path
    expected: str


def _tensor(entry: dict[str, Any]) -> CardTensor:
    return CardTensor(tuple(entry["shape"]), float(entry["scale"]), int(entry["zero_point"]))


def load_card(path: Path) -> Card:
    """Read a card as the training scripts write it."""
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    accuracy = table["accuracy"]
    return Card(
        name=table["name"],
        task=table["task"],
        period_ns=parse_duration(table["period"]),
        labels=tuple(table["labels"]),
        licence=table["licence"],
        path=path.parent / table["file"],
        size=table["bytes"],
        sha256=table["sha256"],
        macs=table["macs"],
        kind=table["input"]["kind"],
        samples=table["input"].get("samples", 0),
        preprocessing=table["input"]["preprocessing"],
        input=_tensor(table["input"]),
        outputs=tuple(_tensor(entry) for entry in table["outputs"]),
        accuracy=Accuracy(
            metric=accuracy["metric"],
            float_value=accuracy["float"],
            int8_value=accuracy["int8"],
            examples=accuracy["examples"],
            held_out=accuracy["held_out"],
        ),
        data=table["data"]["source"],
        data_licence=table["data"]["licence"],
        command=table["training"]["command"],
        packages=tuple(table["training"]["packages"]),
        limits=table["limits"]["not"],
    )


@cache
def _all() -> dict[str, Card]:
    found = [load_card(path) for path in sorted(_DATA.glob("*.toml"))]
    return {one.name: one for one in sorted(found, key=lambda one: one.period_ns)}


def models() -> list[Card]:
    """Return the cards of all networks, the fastest task first."""
    return list(_all().values())


def card(name: str) -> Card:
    """Return the card of a network.

    Raises
    ------
    ZooError
        The zoo has no network of that name.
    """
    try:
        return _all()[name]
    except KeyError:
        raise ZooError(
            "no such network in the zoo", found=repr(name), expected=", ".join(_all())
        ) from None


def path(name: str) -> Path:
    """Return the TFLite file of a network."""
    return card(name).path


def sample_inputs(name: str) -> list[Sample]:
    """Return the sample inputs of a network: WAV or PNG files with what they show.

    The files are called ``NETWORK-EXPECTED-NUMBER``, with + between the kinds of a scene.
    """
    card(name)
    files = sorted((_DATA / "samples").glob(f"{name}-*"))
    return [Sample(file, file.stem.split("-")[1]) for file in files]


def stream_sample() -> Sample:
    """Return the recording that ``stream`` plays: words in noise, expected joined by +."""
    (file,) = (_DATA / "samples").glob("stream-*.wav")
    return Sample(file, file.stem.split("-")[1])
