# SPDX-License-Identifier: Apache-2.0
"""Outputs compared with the oracle's."""
