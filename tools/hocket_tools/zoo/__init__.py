# SPDX-License-Identifier: Apache-2.0
"""Small int8 networks of our own, with cards, sample inputs and streams.

They are here so that a demonstration and the tests have real work of three paces: a denoiser
each 10 ms, a keyword spotter each 20 ms, a detector twice a second. Nothing else in Hocket
knows them.
"""

from .cards import (
    Accuracy,
    Card,
    CardTensor,
    Sample,
    ZooError,
    card,
    models,
    path,
    sample_inputs,
    stream_sample,
)
from .preprocess import Answer, interpret, preprocess
from .stream import Frame, recognised, stream

__all__ = [
    "Accuracy",
    "Answer",
    "Card",
    "CardTensor",
    "Frame",
    "Sample",
    "ZooError",
    "card",
    "interpret",
    "models",
    "path",
    "preprocess",
    "recognised",
    "sample_inputs",
    "stream",
    "stream_sample",
]
