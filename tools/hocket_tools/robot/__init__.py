# SPDX-License-Identifier: Apache-2.0
"""Robot Framework suites on every back end: Renode's keywords over Hocket's own emulators."""
