# SPDX-License-Identifier: Apache-2.0
from .frontend import Frontend as Frontend
from .spectrogram import Spectrogram as Spectrogram
