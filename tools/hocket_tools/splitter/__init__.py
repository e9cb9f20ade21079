# SPDX-License-Identifier: Apache-2.0
"""Cuts a command stream into segments that can run with anything in between."""
