# SPDX-License-Identifier: Apache-2.0
"""How many task sets keep their deadlines: whole networks, segments, and an ideal NPU."""
