# SPDX-License-Identifier: Apache-2.0
# Features of sound, as networks for speech take them.
from .frontend import Frontend as Frontend
from .spectrogram import Spectrogram as Spectrogram
