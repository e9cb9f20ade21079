# SPDX-License-Identifier: Apache-2.0
"""Measurements, exactness sweeps, experiments and training: `hocket lab`."""
