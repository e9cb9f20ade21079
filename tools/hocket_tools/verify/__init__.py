# SPDX-License-Identifier: Apache-2.0
"""Outputs held against the oracle's."""
