# SPDX-License-Identifier: Apache-2.0
"""Files of the repository that are made from others: `hocket lab generate`."""
