# SPDX-License-Identifier: Apache-2.0
"""Text for people: tables, and what is wrong with a file."""
