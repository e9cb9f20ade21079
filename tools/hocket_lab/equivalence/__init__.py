# SPDX-License-Identifier: Apache-2.0
"""Equivalence of the platforms: outputs, order and responses of one application."""
