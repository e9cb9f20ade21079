# SPDX-License-Identifier: Apache-2.0
"""Command streams: words, registers, and the operations that they describe."""
