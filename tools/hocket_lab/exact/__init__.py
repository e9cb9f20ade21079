# SPDX-License-Identifier: Apache-2.0
"""Proof that the functional model of the NPU computes what TFLite computes.

Every comparison is element for element and exact. The oracle is tflite_micro's interpreter; the
subject is the command stream that Vela makes of the same model, run by
``hocket_host.ethosu.compute.model``.
"""

from .suite import ExactnessReport, run_suite

__all__ = ["ExactnessReport", "run_suite"]
