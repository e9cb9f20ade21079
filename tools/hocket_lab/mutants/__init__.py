# SPDX-License-Identifier: Apache-2.0
"""Breaks one place of the sources at a time, and asks whether the room's own tests fail."""
