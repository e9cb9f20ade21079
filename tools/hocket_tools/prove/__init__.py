# SPDX-License-Identifier: Apache-2.0
"""Proves deadlines: bounds on response times, and a simulation to hold them against."""

from .errors import AnalysisError
from .priorities import assign_priorities, deadline_monotonic, with_priorities
from .proof import Proof, TaskProof
from .response import analyse
from .sensitivity import clock_for, largest_scale
from .simulate import SimulatedJob, SimulatedRun, SimulatedSlice, simulate
from .steps import CpuRun
from .taskset import KernelCosts, TaskModel, TaskSet
from .work import Work

__all__ = [
    "AnalysisError",
    "CpuRun",
    "KernelCosts",
    "Proof",
    "SimulatedJob",
    "SimulatedRun",
    "SimulatedSlice",
    "TaskModel",
    "TaskProof",
    "TaskSet",
    "Work",
    "analyse",
    "assign_priorities",
    "clock_for",
    "deadline_monotonic",
    "largest_scale",
    "simulate",
    "with_priorities",
]
