# SPDX-License-Identifier: Apache-2.0
"""Text output: tables, and errors in files."""
