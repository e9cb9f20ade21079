# SPDX-License-Identifier: Apache-2.0
"""What a board is: its constants, and its platform file."""
