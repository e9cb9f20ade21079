# SPDX-License-Identifier: Apache-2.0
"""The application file, and a container's way back to it."""
