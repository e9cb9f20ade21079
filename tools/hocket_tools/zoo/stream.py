# SPDX-License-Identifier: Apache-2.0
"""Input tensors in the order in which a sensor would bring them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hocket_host.units import NS_PER_S, format_ns

from .audio import read_wav
from .cards import ZooError, card, sample_inputs, stream_sample
from .features import SAMPLE_HZ
from .preprocess import Answer, from_audio, from_image, preprocess
from .scenes import moving


@dataclass(frozen=True)
class Frame:
    """One input of a stream.

    Attributes
    ----------
    time_ns
        When its newest sample is there, in nanoseconds from the stream's beginning.
    tensor
        int8 array of the network's input shape.
    """

    time_ns: int
    tensor: npt.NDArray[np.int8]


def _audio(name: str, pcm: npt.NDArray[np.int16], period_ns: int, repeat: bool) -> Iterator[Frame]:
    if period_ns * SAMPLE_HZ % NS_PER_S:
        raise ZooError(
            "a period of a broken number of samples",
            found=format_ns(period_ns),
            expected=f"a multiple of one sample of {SAMPLE_HZ} Hz, 62500 ns",
        )
    hop = period_ns * SAMPLE_HZ // NS_PER_S
    window = card(name).samples
    silence = np.zeros(window, dtype=np.int16)
    for index in count(1):
        end = index * hop
        if end > len(pcm) and not repeat:
            return
        # What lies before the beginning is silence, or, once played, the recording's end.
        at = np.arange(end - window, end)
        sound = np.where(at < 0, silence, pcm[at % len(pcm)]).astype(np.int16)
        yield Frame(index * period_ns, from_audio(name, sound))


def stream(
    name: str,
    source: Path | str | None = None,
    *,
    period_ns: int | None = None,
    repeat: bool = False,
    seed: int = 1,
) -> Iterator[Frame]:
    """Yield the inputs of successive jobs of a task.

    Parameters
    ----------
    name
        Name of the network.
    source
        For an audio network the WAV file to play; by default one that ships with the zoo.
        For others a folder of PNG files shown in order of name; by default the detector sees a
        moving scene without end, and the digit reader its sample inputs.
    period_ns
        Time from one input to the next, in nanoseconds; by default the card's.
    repeat
        Start again at the end of the source.
    seed
        Of the moving scene.

    Raises
    ------
    ZooError
        No such network, an unusable source, or a period that is no whole number of samples.
    """
    chosen = card(name)
    period = chosen.period_ns if period_ns is None else period_ns
    if period <= 0:
        raise ZooError("a period that does not advance", found=period, expected="at least 1 ns")
    if chosen.kind == "audio":
        pcm = read_wav(stream_sample().path if source is None else source)
        if not len(pcm):
            raise ZooError("an empty recording", where=source, expected="at least one sample")
        yield from _audio(name, pcm, period, repeat)
        return
    tensors: Iterable[npt.NDArray[np.int8]]
    if source is None and name == "detector":
        tensors = (from_image(name, pixels) for pixels, _ in moving(seed))
    else:
        tensors = _pictures(name, source, repeat)
    for index, tensor in enumerate(tensors):
        yield Frame(index * period, tensor)


def _pictures(name: str, source: Path | str | None, repeat: bool) -> Iterator[npt.NDArray[np.int8]]:
    if source is None:
        files = [sample.path for sample in sample_inputs(name)]
    else:
        files = sorted(Path(source).glob("*.png"))
    if not files:
        raise ZooError("no pictures to show", where=source, expected="PNG files in the folder")
    while True:
        for file in files:
            yield preprocess(name, file)
        if not repeat:
            return


def recognised(
    answers: Iterable[tuple[int, Answer]], *, threshold: float = 0.8, jobs: int = 4
) -> Iterator[tuple[int, str]]:
    """Turn a keyword spotter's answers into words with the time at which they were heard.

    A word counts when its mean score over the last `jobs` answers reaches `threshold`; it can
    count again only after as many answers without it.

    Parameters
    ----------
    answers
        Pairs of time in nanoseconds and answer, in order.
    threshold
        Mean score that is needed.
    jobs
        Answers to average over.

    Yields
    ------
    time_ns, word
    """
    recent: deque[Answer] = deque(maxlen=jobs)
    reported: str | None = None
    for time_ns, answer in answers:
        recent.append(answer)
        if reported is not None and all(one.label != reported for one in recent):
            reported = None
        word = answer.label
        if word in ("silence", "unknown") or word == reported:
            continue
        if sum(one.score for one in recent if one.label == word) >= threshold * jobs:
            reported = word
            yield time_ns, word
