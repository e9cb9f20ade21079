# SPDX-License-Identifier: Apache-2.0
"""Scripts that train, quantise and measure the networks of the zoo.

Run as ``python -m hocket_lab.train keyword|digits|detector|denoiser --out DIR``.
They need the ``zoo`` extra (TensorFlow, scikit-learn, SciPy) and, for the audio networks, the
``espeak-ng`` program. Importing this package needs neither.
"""
