# SPDX-License-Identifier: Apache-2.0
"""What an application did on the emulated board, as one HTML file or as plain values."""

from .html import ReportError, render, write
from .model import SCHEMA, VERSION, build

__all__ = ["SCHEMA", "VERSION", "ReportError", "build", "render", "write"]
