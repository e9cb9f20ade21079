# SPDX-License-Identifier: Apache-2.0
"""Static checks of a command stream: missing waits, overlapping SHRAM."""
