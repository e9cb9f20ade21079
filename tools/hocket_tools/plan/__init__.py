# SPDX-License-Identifier: Apache-2.0
"""Chooses where networks are cut, from the deadlines that have to hold."""

from .advice import advice, diagnosis
from .applied import Planner
from .network import CompiledNetwork
from .parted import PartedChoices, PartedNetwork
from .placement import Choices, Cuttable, Fixed, Placement
from .plan import Obstacle, Plan, plan

__all__ = [
    "Choices",
    "CompiledNetwork",
    "Cuttable",
    "Fixed",
    "Obstacle",
    "PartedChoices",
    "PartedNetwork",
    "Placement",
    "Plan",
    "Planner",
    "advice",
    "diagnosis",
    "plan",
]
