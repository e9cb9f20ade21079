# SPDX-License-Identifier: Apache-2.0
"""How many cycles an NPU operation takes."""
