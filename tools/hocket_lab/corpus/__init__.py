# SPDX-License-Identifier: Apache-2.0
"""Will these models run? Each is packed, proved, run and verified, in a process with limits."""
