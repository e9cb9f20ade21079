# SPDX-License-Identifier: Apache-2.0
"""The container (``.hkt``): one file with models, tasks and plan that a device reads in place."""

from .envelope import ContainerError
from .format import DType, Overrun, Policy, RegionKind, StepKind
from .image import (
    CpuProgram,
    Image,
    Model,
    Operand,
    PersistentRange,
    PlanEntry,
    Region,
    Step,
    Task,
    Tensor,
    region_slots,
)
from .reader import read
from .writer import build, write

__all__ = [
    "ContainerError",
    "CpuProgram",
    "DType",
    "Image",
    "Model",
    "Operand",
    "Overrun",
    "PersistentRange",
    "PlanEntry",
    "Policy",
    "Region",
    "RegionKind",
    "Step",
    "StepKind",
    "Task",
    "Tensor",
    "build",
    "read",
    "region_slots",
    "write",
]
