# SPDX-License-Identifier: Apache-2.0
"""Benchmarks: ratios measured side by side in one run, never times by themselves."""
