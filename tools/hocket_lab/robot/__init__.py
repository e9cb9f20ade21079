# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the Robot suites, and what runs them on every back end."""
