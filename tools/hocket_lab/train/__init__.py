# SPDX-License-Identifier: Apache-2.0
"""Scripts that train, quantise and measure the networks of the zoo.

Run as ``hocket lab train keyword|digits|detector|denoiser --out DIR``. They need the ``zoo`` extra
(TensorFlow, scikit-learn, SciPy) and, for the audio networks, the ``espeak-ng`` program. Importing
this package needs neither.
"""

from __future__ import annotations

import importlib
from pathlib import Path

from hocket_host.errors import HocketError

from ..needs import require

#: What may be made, and the Python packages that it is made with.
NEEDS = {
    "keyword": ("tensorflow", "scipy"),
    "digits": ("tensorflow", "scipy", "sklearn"),
    "detector": ("tensorflow",),
    "denoiser": ("tensorflow", "scipy"),
    "samples": ("scipy", "sklearn"),
}
SAMPLES = "samples"
NETWORKS = tuple(name for name in NEEDS if name != SAMPLES)
_SPEECH = ("keyword", "denoiser", SAMPLES)


def train(what: str, out: Path, seed: int) -> None:
    """Train one network and write its TFLite file and card, or write the sample inputs.

    Parameters
    ----------
    what
        One of `NETWORKS`, or `SAMPLES`.
    out
        Folder for the files; made if need be.
    seed
        Of data and weights.

    Raises
    ------
    HocketError
        The name is unknown, or what training needs is missing.
    """
    if what not in NEEDS:
        raise HocketError("unknown network", found=repr(what), expected=", ".join(NEEDS))
    require(
        packages=dict.fromkeys(NEEDS[what], "hocket[zoo]"),
        programs={"espeak-ng": "espeak-ng"} if what in _SPEECH else {},
    )
    out.mkdir(parents=True, exist_ok=True)
    script = importlib.import_module(f"{__package__}.{what}")
    make = script.write if what == SAMPLES else script.train
    make(out, seed)
