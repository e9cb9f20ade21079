# SPDX-License-Identifier: Apache-2.0
"""Input frames of a task: from files, generators, and the audio front end."""
