# SPDX-License-Identifier: Apache-2.0
"""Command line and library that turn TFLite models into a proved, schedulable container."""
