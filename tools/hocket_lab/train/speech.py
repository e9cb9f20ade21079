# SPDX-License-Identifier: Apache-2.0
"""Speech from espeak-ng: many voices, each kept to one side of the split."""

from __future__ import annotations

import io
import shutil
import subprocess
import wave
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hocket_tools.zoo.cards import ZooError
from hocket_tools.zoo.features import SAMPLE_HZ

ACCENTS = ("en-gb", "en-us", "en-gb-scotland", "en-gb-x-gbclan", "en-gb-x-gbcwmd", "en-us-nyc")
HELD_OUT_ACCENTS = ("en-029", "en-gb-x-rp")

# Voice variants of espeak-ng 1.51; robots and whispers are left out.
TRAINED_VARIANTS = (
    *("m1", "m2", "m3", "m5", "m6", "m8", "f1", "f2", "f4", "Alex", "Andrea", "Annie", "Denis"),
    *("Gene", "Hugo", "Jacky", "Lee", "Marco", "Michael", "Mike", "Nguyen", "RicishayMax"),
    *("RicishayMax3", "adam", "anika", "antonio", "belinda", "benjamin", "boris", "david", "ed"),
    *("edward", "grandma", "gustave", "iven", "iven3", "john", "klatt", "klatt3", "linda", "max"),
    *("michel", "norbert", "pablo", "paul", "rob", "sandro", "steph", "steph3", "victor", "zac"),
)
HELD_OUT_VARIANTS = (
    *("m7", "f5", "Alicia", "Andy", "Diogo", "Gene2", "Mario", "RicishayMax2", "announcer"),
    *("edward2", "grandpa", "iven2", "iven4", "kaukovalta", "klatt4", "marcelo", "pedro"),
    *("quincy", "robert", "steph2", "travis"),
)


@dataclass(frozen=True)
class Voice:
    """One way of speaking: accent, variant, speed in words a minute, pitch of 0 .. 99."""

    accent: str
    variant: str
    speed: int
    pitch: int


def draw_voice(rng: np.random.Generator, part: str) -> Voice:
    """Draw a voice of `part`: "train" or "held-out".

    The variants of the two parts are disjoint. A quarter of the held-out voices also has an
    accent that training never hears.
    """
    variants = {"train": TRAINED_VARIANTS, "held-out": HELD_OUT_VARIANTS}[part]
    strange = part == "held-out" and rng.uniform() < 0.25
    accents = HELD_OUT_ACCENTS if strange else ACCENTS
    return Voice(
        accent=str(rng.choice(accents)),
        variant=str(rng.choice(variants)),
        speed=int(rng.integers(120, 221)),
        pitch=int(rng.integers(20, 81)),
    )


def speak(text: str, voice: Voice) -> npt.NDArray[np.float64]:
    """Return `text` spoken by espeak-ng, float64[n] at 16 kHz, without silence at its ends."""
    program = shutil.which("espeak-ng")
    if program is None:
        raise ZooError(
            "espeak-ng is not installed",
            expected="the program espeak-ng 1.51 or later",
            try_="apt-get install espeak-ng",
        )
    command = [program, "-v", f"{voice.accent}+{voice.variant}", "-s", str(voice.speed)]
    command += ["-p", str(voice.pitch), "--stdout", text]
    data = subprocess.run(command, check=True, capture_output=True).stdout
    with wave.open(io.BytesIO(data)) as source:
        rate = source.getframerate()
        pcm = np.frombuffer(source.readframes(source.getnframes()), dtype="<i2")
    from scipy.signal import resample_poly

    common = int(np.gcd(rate, SAMPLE_HZ))
    spoken = resample_poly(pcm.astype(np.float64), SAMPLE_HZ // common, rate // common)
    loud = np.flatnonzero(np.abs(spoken) > 0.01 * np.max(np.abs(spoken)))
    return np.asarray(spoken[loud[0] : loud[-1] + 1], dtype=np.float64)
