# SPDX-License-Identifier: Apache-2.0
"""Proves deadlines: bounds on response times; the lab simulates what they bound."""

from .priorities import assign_priorities, deadline_monotonic, with_priorities
from .proof import Proof, TaskProof
from .response import analyse
from .sensitivity import largest_scale
from .steps import CpuRun
from .taskset import AnalysisError, KernelCosts, TaskModel, TaskSet
from .work import Work

__all__ = [
    "AnalysisError",
    "CpuRun",
    "KernelCosts",
    "Proof",
    "TaskModel",
    "TaskProof",
    "TaskSet",
    "Work",
    "analyse",
    "assign_priorities",
    "deadline_monotonic",
    "largest_scale",
    "with_priorities",
]
