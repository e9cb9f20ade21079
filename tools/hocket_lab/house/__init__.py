# SPDX-License-Identifier: Apache-2.0
"""The layout of the repository in figures: lines, long files, long functions, imports."""
