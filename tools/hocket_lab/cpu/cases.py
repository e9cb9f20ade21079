# SPDX-License-Identifier: Apache-2.0
"""Which one-operator cases the CPU's operators are compared on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hocket_tools.cpu.packing import OperatorError, PackedOperator
from hocket_tools.reference.oracle import OracleError
from hocket_tools.tflite.operators import SourceOperator

from ..exact.case import Case
from ..exact.cases import BY_ID
from .check import Job, jobs_of
from .cpu_cases import CASES as CPU_CASES

#: Every case: those that the NPU is compared on, and those for the CPU alone.
CASES: dict[str, Case] = {**BY_ID, **{case.id: case for case in CPU_CASES}}


#: A short case runs on the ARM image in all its inferences, as its time may depend on the data; a
#: longer one in some, the longest in one.
_SHORT_CYCLES = 2_000_000
_ROUNDS = 3
_LONG_CYCLES = 20_000_000


@dataclass(frozen=True)
class Comparison:
    """One case by one primitive, ready to run."""

    case: Case
    source: SourceOperator
    packed: PackedOperator
    job: Job

    @property
    def shorter_job(self) -> Job:
        """The job without most inferences of a long case, for the ARM image."""
        if self.packed.cycles < _SHORT_CYCLES:
            return self.job
        rounds = 1 if self.packed.cycles > _LONG_CYCLES else _ROUNDS
        return {**self.job, "rounds": self.job["rounds"][:rounds]}


@dataclass(frozen=True)
class Refused:
    """A case that is not compared, and why."""

    case: Case
    reason: str


def compare(case: Case) -> list[Comparison] | Refused:
    """Every primitive of a case."""
    try:
        return [Comparison(case, source, packed, job) for job, source, packed in jobs_of(case)]
    except (OperatorError, OracleError) as error:
        return Refused(case, str(error.found))


def comparisons(pattern: str = "") -> Iterator[Comparison]:
    """Every case whose id holds `pattern`, by every primitive; what is refused is left out."""
    for name, case in CASES.items():
        if pattern in name:
            found = compare(case)
            if not isinstance(found, Refused):
                yield from found
