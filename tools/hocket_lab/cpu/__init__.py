# SPDX-License-Identifier: Apache-2.0
"""The CPU's operators against the oracle, on every platform."""
