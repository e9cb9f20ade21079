# SPDX-License-Identifier: Apache-2.0
"""What operators on the CPU cost on a board: measured, and fitted as upper bounds."""
