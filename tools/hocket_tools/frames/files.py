# SPDX-License-Identifier: Apache-2.0
"""Input frames for a network's tensors: from files or generators.

A source is an iterator of numpy arrays, each of a tensor's shape and dtype. Files are read and
checked when the source is opened, not when the first frame is due.

Two modes lead from what a file holds to a tensor: ``raw`` takes the bytes as they are, which must
have the tensor's element size; ``quantize`` takes real numbers through the tensor's scale and zero
point. Pixels and audio samples are made real first, by their full scale.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .generators import open_generator
from .tensor import Frames, SourceError, TensorSpec, quantize
from .wav import read_wav

Mode = Literal["raw", "quantize"]

_PIXEL_SCALES = ((0.0, 1.0), (-1.0, 1.0), (0.0, 255.0), (-128.0, 127.0))
_SAMPLE_SCALES = ((-1.0, 1.0), (-32768.0, 32767.0))


def open_source(
    tensor: TensorSpec,
    *,
    file: str | Path | None = None,
    generator: str | None = None,
    mode: Mode = "raw",
    hop: int | None = None,
    array: str | None = None,
    seed: int = 0,
    loop: bool = True,
    full_scale: tuple[float, float] | None = None,
) -> Frames:
    """Open a file or a generator as a source of frames.

    Parameters
    ----------
    tensor
        What every frame must fit.
    file
        ``.npy``, ``.npz``, ``.png``, ``.bmp`` or ``.wav``.
    generator
        ``random`` (seeded, over the whole range), ``constant`` (real zero), ``ramp`` (counts on
        through all frames) or ``package.module:function``, called with the tensor and the seed and
        returning an iterable of frames.
    mode
        ``raw`` or ``quantize``; generators make tensors directly.
    hop
        Samples from one frame of a wav file to the next; a whole frame when None.
    array
        Name of the array in an npz file; may be left out when there is only one.
    seed
        Of ``random``.
    loop
        Begin a file again at its end instead of ending.
    full_scale
        Real values of the darkest and brightest pixel, or of the least and greatest sample, for
        ``quantize``. When None, the usual one nearest to what the tensor can represent: 0 to 1,
        -1 to 1, 0 to 255 or -128 to 127 for pixels; -1 to 1 or -32768 to 32767 for samples.

    Raises
    ------
    SourceError
        Neither or both are given, or the file or generator does not fit.
    """
    if (file is None) == (generator is None):
        raise SourceError(
            "an input has one source",
            found="neither a file nor a generator" if file is None else "a file and a generator",
            expected="one of them",
            try_='generator = "random"',
        )
    if file is None:
        return open_generator(str(generator), tensor, seed)
    frames = _read(Path(file), tensor, _Options(mode, hop, array, full_scale))
    frames.setflags(write=False)  # frames repeat
    return cycle(frames) if loop else iter(frames)


@dataclass(frozen=True)
class _Options:
    mode: Mode
    hop: int | None
    array: str | None
    full_scale: tuple[float, float] | None


def _read(path: Path, tensor: TensorSpec, options: _Options) -> NDArray[Any]:
    mode = options.mode
    if mode not in ("raw", "quantize"):
        raise SourceError("unknown mode", where=path, found=repr(mode), expected="raw or quantize")
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise SourceError(
            "unknown kind of input file",
            where=path,
            found=repr(path.suffix),
            expected=", ".join(_READERS),
            try_="save the frames with numpy.save",
        )
    if not path.is_file():
        raise SourceError("no such input file", where=path, expected="a file that exists")
    try:
        return reader(path, tensor, options)
    except SourceError as error:
        error.where = error.where or path
        raise


def _raw(values: NDArray[Any], tensor: TensorSpec) -> NDArray[Any]:
    """The same bytes as another dtype of the same element size."""
    wanted = np.dtype(tensor.dtype)
    if values.dtype.itemsize != wanted.itemsize or (
        values.dtype != wanted and "f" in values.dtype.kind + wanted.kind
    ):
        raise SourceError(
            "elements are not of the tensor's size",
            found=f"{values.dtype} elements",
            expected=f"{wanted} elements, or integers as wide",
            try_='mode = "quantize", or convert the file',
        )
    return np.ascontiguousarray(values).view(wanted)


def _real(
    values: NDArray[Any],
    limits: tuple[int, int],
    tensor: TensorSpec,
    scales: tuple[tuple[float, float], ...],
    given: tuple[float, float] | None,
) -> NDArray[Any]:
    """Integers between ``limits`` as real numbers over a full scale."""
    if given is None:
        given = scales[0]
        if np.dtype(tensor.dtype).kind != "f":
            low, high = tensor.real_range()
            given = min(scales, key=lambda s: _distance(s, (low, high)))
    low, high = given
    step = (high - low) / (limits[1] - limits[0])
    return low + (values.astype(np.float64) - limits[0]) * step


def _distance(scale: tuple[float, float], target: tuple[float, float]) -> float:
    """How far apart two ranges are, relative to their widths."""
    width, wanted = scale[1] - scale[0], target[1] - target[0]
    if wanted <= 0:
        return 0.0
    middle = abs(scale[0] + scale[1] - target[0] - target[1]) / 2
    return abs(math.log2(width / wanted)) + middle / max(width, wanted)


def _read_numpy(path: Path, tensor: TensorSpec, options: _Options) -> NDArray[Any]:
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.lib.npyio.NpzFile):
            with loaded:
                values = loaded[_member(list(loaded.files), options.array)]
        else:
            values = loaded
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise SourceError(
            "not a numpy file",
            found=str(error),
            expected="what numpy.save or numpy.savez writes, without objects",
        ) from error
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "iufb":
        raise SourceError(
            "not an array of numbers",
            found=f"{getattr(values, 'dtype', type(values).__name__)} elements",
            expected="integers or floats",
        )
    return _frames(_convert(values, tensor, options), tensor)


def _convert(values: NDArray[Any], tensor: TensorSpec, options: _Options) -> NDArray[Any]:
    return quantize(values, tensor) if options.mode == "quantize" else _raw(values, tensor)


def _member(names: list[str], wanted: str | None) -> str:
    if wanted is None and len(names) == 1:
        return names[0]
    if wanted is None or wanted not in names:
        raise SourceError(
            "which array of the file?",
            found="no name given" if wanted is None else repr(wanted),
            expected=f"one of {', '.join(names) or 'none: the file is empty'}",
            try_='array = "NAME"',
        )
    return wanted


def _frames(values: NDArray[Any], tensor: TensorSpec) -> NDArray[Any]:
    """An array of one frame or many as ``(frames, *shape)``."""
    core = tensor.shape[1:] if tensor.shape[:1] == (1,) else tensor.shape
    fits = values.ndim <= 1 or values.shape[max(values.ndim - len(core), 0) :] == core
    if not fits or values.size == 0 or values.size % tensor.size:
        raise SourceError(
            "array does not fit the tensor",
            found=f"shape {'x'.join(map(str, values.shape))}",
            expected=f"{'x'.join(map(str, tensor.shape))}, or several of them along a first axis",
            try_="reshape the array before saving it",
        )
    return values.reshape(-1, *tensor.shape)


def _read_image(path: Path, tensor: TensorSpec, options: _Options) -> NDArray[Any]:
    from PIL import Image, UnidentifiedImageError

    core = tensor.shape[1:] if len(tensor.shape) > 2 and tensor.shape[0] == 1 else tensor.shape
    height, width, channels = (*core, 1) if len(core) == 2 else (*core, 0, 0, 0)[:3]
    if len(core) not in (2, 3) or channels not in (1, 3, 4):
        raise SourceError(
            "the tensor is no image",
            found=tensor.describe(),
            expected="height x width, with 1, 3 or 4 channels last",
            try_="prepare the input and save it with numpy.save",
        )
    try:
        with Image.open(path) as image:
            pixels = np.asarray(image.convert({1: "L", 3: "RGB", 4: "RGBA"}[channels]))
    except (UnidentifiedImageError, OSError, SyntaxError) as error:
        raise SourceError(
            "not an image", found=str(error), expected="a whole PNG or BMP file"
        ) from error
    if pixels.shape[:2] != (height, width):
        raise SourceError(
            "image has another size than the tensor",
            found=f"{pixels.shape[1]} x {pixels.shape[0]} pixels",
            expected=f"{width} x {height}",
            try_="scale or crop the image",
        )
    if options.mode == "quantize":
        real = _real(pixels, (0, 255), tensor, _PIXEL_SCALES, options.full_scale)
        return quantize(real, tensor).reshape(1, *tensor.shape)
    return _raw(pixels, tensor).reshape(1, *tensor.shape)


def _read_wav(path: Path, tensor: TensorSpec, options: _Options) -> NDArray[Any]:
    _, bits, channels, data = read_wav(path, SourceError)
    dtype = {8: "u1", 16: "<i2", 32: "<i4"}.get(bits)
    if dtype is None:
        raise SourceError("unusual sample width", found=f"{bits} bits", expected="8, 16 or 32 bits")
    samples = np.frombuffer(data, dtype)
    if channels != 1 and tensor.shape[-1:] != (channels,):
        raise SourceError(
            "wav file has more channels than the tensor",
            found=f"{channels} channels",
            expected="one, or as many as the tensor's last dimension",
            try_="mix the file down to mono",
        )
    length = tensor.size // channels
    hop = length if options.hop is None else options.hop
    if hop <= 0:
        raise SourceError("hop must be positive", found=str(hop), expected="1 sample or more")
    available = len(samples) // channels
    if available < length:
        raise SourceError(
            "wav file is shorter than one frame",
            found=f"{available} samples",
            expected=f"at least {length}",
            try_="use a longer recording",
        )
    if options.mode == "quantize":
        info = np.iinfo(samples.dtype)
        limits = (int(info.min), int(info.max))
        values = quantize(
            _real(samples, limits, tensor, _SAMPLE_SCALES, options.full_scale), tensor
        )
    else:
        values = _raw(samples, tensor)
    windows = np.lib.stride_tricks.sliding_window_view(values, tensor.size)
    return windows[:: hop * channels].reshape(-1, *tensor.shape)


_READERS: dict[str, Callable[[Path, TensorSpec, _Options], NDArray[Any]]] = {
    ".npy": _read_numpy,
    ".npz": _read_numpy,
    ".png": _read_image,
    ".bmp": _read_image,
    ".wav": _read_wav,
}
