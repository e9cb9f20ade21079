# SPDX-License-Identifier: Apache-2.0
"""What an NPU operation computes, to the bit."""
