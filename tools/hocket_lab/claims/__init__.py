# SPDX-License-Identifier: Apache-2.0
"""Figures of the documents, held to what the commands measured last."""
