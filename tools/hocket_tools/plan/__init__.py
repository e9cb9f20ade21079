# SPDX-License-Identifier: Apache-2.0
"""Chooses where networks are cut, from the deadlines that have to hold."""

from .advice import advice
from .applied import Planner
from .diagnosis import diagnosis
from .network import CompiledNetwork
from .parted import PartedChoices, PartedNetwork
from .placement import Choices, Cuttable, Fixed, Placement
from .plan import CutPlan, Obstacle, plan

__all__ = [
    "Choices",
    "CompiledNetwork",
    "CutPlan",
    "Cuttable",
    "Fixed",
    "Obstacle",
    "PartedChoices",
    "PartedNetwork",
    "Placement",
    "Planner",
    "advice",
    "diagnosis",
    "plan",
]
