# SPDX-License-Identifier: Apache-2.0
"""A recording as a stream of inputs of features, by the device's own front end."""

from __future__ import annotations

from itertools import cycle
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hocket_host.machines.cpython.process_memory import ProcessMemory
from hocket_host.machines.cpython.shims import installed

from ..tensor import Frames, TensorSpec
from ..wav import read_mono
from .settings import FeatureError, FrontendSettings
from .tables import build_tables

_TYPECODES = {"int8": "b", "uint8": "B", "int16": "h", "int32": "i", "float32": "f"}


def read_wav(path: Path, sample_rate: int) -> NDArray[np.int16]:
    """Samples of a recording, uncompressed, mono, of 16 bits and a rate in Hz.

    Raises
    ------
    FeatureError
        It is not such a file.
    """
    return read_mono(path, sample_rate, FeatureError)


def feature_inputs(
    samples: NDArray[np.int16],
    tensor: TensorSpec,
    *,
    settings: FrontendSettings | None = None,
    fresh: int | None = None,
) -> NDArray[Any]:
    """Successive inputs of a network from the samples of a recording.

    The device's code runs here, so the inputs are to the bit those of the board: a frame of
    features a step, as many frames an input as the tensor holds, quantised by its scale and zero
    point.

    Parameters
    ----------
    samples
        One axis; a rest shorter than a step is left out.
    tensor
        The network's input: frames of features of one number a channel.
    settings
        microWakeWord's when None.
    fresh
        Frames from one input to the next; all that the tensor holds when None.

    Returns
    -------
    ndarray
        ``(inputs, *tensor.shape)`` of the tensor's dtype.

    Raises
    ------
    FeatureError
        The tensor holds no whole frames, or the recording is shorter than one input.
    """
    settings = settings or FrontendSettings()
    step = settings.step_samples
    data = samples.astype("<i2")
    found = []
    with installed(ProcessMemory()):
        spectrogram = _spectrogram(tensor, settings, fresh)
        for at in range(0, len(data) - step + 1, step):
            if spectrogram.feed(data[at : at + step].data):
                found.append(np.frombuffer(bytes(spectrogram.data), tensor.dtype))
    if not found:
        raise FeatureError(
            "the recording is shorter than one input of features",
            found=f"{len(samples)} samples",
            expected=f"more than {tensor.size // settings.num_channels} steps of {step} samples",
            try_="use a longer recording",
        )
    return np.stack(found).reshape(-1, *tensor.shape)


def _spectrogram(tensor: TensorSpec, settings: FrontendSettings, fresh: int | None) -> Any:
    """The device's own, for a tensor of its own."""
    from hocket.features import Frontend, Spectrogram
    from hocket.tensor import Tensor

    typecode = _TYPECODES.get(tensor.dtype, "?")
    info = SimpleNamespace(**vars(tensor), name="input", typecode=typecode)
    raw = memoryview(bytearray(tensor.size * np.dtype(tensor.dtype).itemsize))
    try:
        return Spectrogram(Tensor(info, raw), Frontend(build_tables(settings)), fresh)
    except ValueError as error:
        raise FeatureError(
            "the network takes no such features",
            found=f"{tensor.describe()}: {error}",
            expected=f"frames of {settings.num_channels} channels, with a scale",
            try_="the settings that the network was trained with",
        ) from error


def open_features(
    path: Path,
    tensor: TensorSpec,
    *,
    settings: FrontendSettings | None = None,
    fresh: int | None = None,
    loop: bool = True,
) -> Frames:
    """Open a recording as a source of a network's inputs.

    Parameters
    ----------
    path
        As `read_wav` takes it.
    tensor, settings, fresh
        As of `feature_inputs`.
    loop
        Begin the recording again at its end, with a reset front end, instead of ending.

    Raises
    ------
    FeatureError
        As `read_wav` and `feature_inputs`.
    """
    settings = settings or FrontendSettings()
    samples = read_wav(path, settings.sample_rate)
    try:
        inputs = feature_inputs(samples, tensor, settings=settings, fresh=fresh)
    except FeatureError as error:
        error.where = error.where or path
        raise
    inputs.setflags(write=False)  # inputs repeat
    return cycle(inputs) if loop else iter(inputs)
