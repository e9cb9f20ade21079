# SPDX-License-Identifier: Apache-2.0
"""The oracle: tflite_micro, and what it has no kernel for."""
