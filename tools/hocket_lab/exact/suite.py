# SPDX-License-Identifier: Apache-2.0
"""The whole proof in one call: networks with their intermediate tensors, then all cases."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hocket_host.ethosu.config import CONFIGS
from hocket_tools.reference.oracle import OracleError
from hocket_tools.vela import VelaError

from .cases import ALL
from .pinned import PINNED
from .sweep import CaseResult, NetworkResult, check_case, check_network

#: Called with a line of text before each step.
Progress = Callable[[str], None]

DEFAULT_ACCELERATOR = "ethos-u55-128"

#: The test networks of a source checkout; an installed package has none.
CHECKOUT_MODELS = Path(__file__).parents[3] / "tests" / "models"


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


def check_networks(
    paths: Sequence[Path], accelerators: Sequence[str], progress: Progress | None = None
) -> ExactnessReport:
    """Compare networks on some accelerators; those that do not fit are listed with the reason."""
    networks, refused = [], []
    for path in paths:
        for accelerator in accelerators:
            if progress is not None:
                progress(f"{path.stem} on {accelerator}")
            try:
                networks.append(check_network(path, accelerator))
            except (VelaError, OracleError) as error:
                reason = error.message if error.found is None else f"{error.message}: {error.found}"
                refused.append(Refusal(path.stem, accelerator, reason))
    return ExactnessReport(networks=tuple(networks), refused=tuple(refused))


def run_suite(
    progress: Progress | None = None,
    *,
    models: Path | None = None,
    accelerators: Sequence[str] = tuple(CONFIGS),
    case_accelerators: Sequence[str] = (DEFAULT_ACCELERATOR,),
) -> ExactnessReport:
    """Run the proof.

    Parameters
    ----------
    progress
        Called with a line of text before each step.
    models
        Directory of .tflite files; None for the test networks of a source checkout.
    accelerators
        On which networks are compared.
    case_accelerators
        On which one-operator cases are compared.
    """
    paths = sorted((models or CHECKOUT_MODELS).glob("*.tflite"))
    report = check_networks(paths, accelerators, progress)
    cases = []
    for accelerator in case_accelerators:
        for case in ALL:
            if progress is not None:
                progress(f"{case.id} on {accelerator}")
            cases.append(check_case(case, accelerator))
    return ExactnessReport(report.networks, report.refused, tuple(cases))
