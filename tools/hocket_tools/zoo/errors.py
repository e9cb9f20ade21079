# SPDX-License-Identifier: Apache-2.0
"""Errors of the model zoo."""

from hocket_host.errors import HocketError


class ZooError(HocketError):
    """A model, card or sample input that the zoo does not have or cannot use."""
