# SPDX-License-Identifier: Apache-2.0
"""The whole proof in one call: networks with their intermediate tensors, then all cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any

from hocket_host.ethosu.config import CONFIGS
from hocket_tools.reference.oracle import OracleError
from hocket_tools.vela import VelaError

from ..progress import Report, silent
from .cases import ALL
from .pinned import PINNED
from .sweep import CaseResult, NetworkResult, check_case, check_network

DEFAULT_ACCELERATOR = "ethos-u55-128"


@dataclass(frozen=True)
class Refusal:
    """A model that is not compared, and why."""

    model: str
    accelerator: str
    reason: str


@dataclass(frozen=True)
class ExactnessReport:
    """Figures of one run, and what they were counted from."""

    networks: tuple[NetworkResult, ...] = ()
    refused: tuple[Refusal, ...] = ()
    cases: tuple[CaseResult, ...] = field(default=(), repr=False)

    @property
    def models(self) -> int:
        """Networks compared, each on one accelerator or several."""
        return len({n.model for n in self.networks})

    @property
    def model_runs(self) -> int:
        """Network and accelerator combinations compared."""
        return len(self.networks)

    @property
    def tensors(self) -> int:
        """Tensors compared in them."""
        return sum(len(n.tensors) for n in self.networks)

    @property
    def mismatches(self) -> int:
        """Tensors that differ in any element."""
        return sum(n.mismatches for n in self.networks)

    @property
    def one_operator_cases(self) -> int:
        """Cases compared."""
        return len(self.cases)

    @property
    def one_operator_mismatches(self) -> int:
        """Cases that differ otherwise than pinned."""
        return len(self.unexpected())

    def unexpected(self) -> list[CaseResult]:
        """Cases that differ otherwise than pinned."""
        return [c for c in self.cases if c.differences != PINNED.get(c.case, ())]

    @property
    def pinned_exceptions(self) -> int:
        """Cases with pinned differences."""
        return len({c.case for c in self.cases} & set(PINNED))

    def figures(self) -> dict[str, int]:
        """Return the counts by name."""
        names = (
            "models", "model_runs", "tensors", "mismatches",
            "one_operator_cases", "one_operator_mismatches", "pinned_exceptions",
        )  # fmt: skip
        return {name: getattr(self, name) for name in names}

    def as_dict(self) -> dict[str, Any]:
        """The counts, and what was not compared or differs, as plain values."""
        return {
            **self.figures(),
            "refused": [asdict(refusal) for refusal in self.refused],
            "differing_tensors": [
                f"{n.model} {n.accelerator} {tensor.name}"
                for n in self.networks
                for tensor in n.tensors
                if tensor.mismatches
            ],
            "differing_cases": [f"{case.case} {case.accelerator}" for case in self.unexpected()],
        }


def check_networks(
    paths: Sequence[Path],
    accelerators: Sequence[str],
    report: Report = silent,
    *,
    total: int | None = None,
) -> ExactnessReport:
    """Compare networks on some accelerators; those that do not fit are listed with the reason."""
    networks, refused = [], []
    for done, (path, accelerator) in enumerate(product(paths, accelerators)):
        report(f"{path.stem} on {accelerator}", done, total or len(paths) * len(accelerators))
        try:
            networks.append(check_network(path, accelerator))
        except (VelaError, OracleError) as error:
            reason = error.message if error.found is None else f"{error.message}: {error.found}"
            refused.append(Refusal(path.stem, accelerator, reason))
    return ExactnessReport(networks=tuple(networks), refused=tuple(refused))


def run_suite(
    models: Path,
    report: Report = silent,
    *,
    accelerators: Sequence[str] = tuple(CONFIGS),
    case_accelerators: Sequence[str] = (DEFAULT_ACCELERATOR,),
) -> ExactnessReport:
    """Run the proof.

    Parameters
    ----------
    models
        Folder of .tflite files.
    report
        Told of each step.
    accelerators
        On which networks are compared.
    case_accelerators
        On which one-operator cases are compared.
    """
    paths = sorted(models.glob("*.tflite"))
    before = len(paths) * len(accelerators)
    total = before + len(ALL) * len(case_accelerators)
    compared = check_networks(paths, accelerators, report, total=total)
    cases = []
    for done, (accelerator, case) in enumerate(product(case_accelerators, ALL)):
        report(f"{case.id} on {accelerator}", before + done, total)
        cases.append(check_case(case, accelerator))
    return replace(compared, cases=tuple(cases))
