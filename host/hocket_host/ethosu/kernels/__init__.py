# SPDX-License-Identifier: Apache-2.0
"""The NPU's kernels, compiled: one file a kind, integers throughout."""
