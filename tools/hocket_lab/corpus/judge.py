# SPDX-License-Identifier: Apache-2.0
"""One model, from its file to outputs that an oracle has judged: what a child process does."""

from __future__ import annotations

import json
import resource
import tempfile
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hocket_host.errors import HocketError
from hocket_host.units import format_ns

if TYPE_CHECKING:
    from hocket_tools.pack.packed import Packed
    from hocket_tools.run.run import Outcome
    from hocket_tools.verify.verifier import Verifier

#: A period that any network keeps, and how many of them are run.
PERIOD_S = 10
JOBS = 2

_S = 1_000_000_000


@dataclass(frozen=True)
class Asked:
    """A model to judge."""

    name: str
    path: Path
    accelerator: str
    signature: str | None = None
    lines: str = ""
    """More lines of its task."""


def judge(asked: Asked) -> dict[str, Any]:
    """Pack, prove, run and verify a model.

    Returns
    -------
    dict
        ``verdict``, one of `table.VERDICTS`, and the ``reason`` of any but ``exact``; of what ran
        ``latency_ns``, ``bound_ns``, ``arena_bytes``, ``oracles``.
    """
    with tempfile.TemporaryDirectory(prefix="hocket-corpus-") as folder:
        try:
            return _judged_again(asked, Path(folder), _judged(asked, Path(folder)))
        except HocketError as error:
            return {"verdict": "refused", "reason": told(error, asked.path)}
        except Exception as error:
            frames = traceback.extract_tb(error.__traceback__)
            at = f" ({frames[-1].name}, line {frames[-1].lineno})" if frames else ""
            return {"verdict": "crashed", "reason": f"{type(error).__name__}: {error}{at}"}


def told(error: HocketError, path: Path) -> str:
    """An error in one line, without the path that the table names anyway."""
    where = "" if error.where is None else str(error.where).replace(str(path), "").strip(": ")
    head = f"{where}: {error.message}" if where else error.message
    return head if error.found is None else f"{head} [{error.found}]"


def limit(memory_bytes: int) -> None:
    """Hold this process to an amount of memory beyond what it has mapped already."""
    with Path("/proc/self/statm").open(encoding="ascii") as file:
        mapped = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (mapped + memory_bytes,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def peak_mb() -> float:
    """Peak memory of this process and the largest that it started, together."""
    kinds = resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN
    return round(sum(resource.getrusage(kind).ru_maxrss for kind in kinds) / 1024, 1)


def _judged(asked: Asked, folder: Path) -> dict[str, Any]:
    from hocket_tools.app.application import loads
    from hocket_tools.pack.pack import pack
    from hocket_tools.verify.verifier import Verifier

    application = loads(_text(asked), folder / "app.toml")
    packed = pack(application, folder=folder)
    result: dict[str, Any] = {
        "verdict": "exact",
        "arena_bytes": packed.image.arena_size,
        "bound_ns": packed.proof.tasks[0].bound_ns,
    }
    verifier = Verifier({"net": application.model("net")})
    outcome, unjudged = _run(packed, verifier)
    if unjudged is not None:
        return {**result, "verdict": "unjudged", "reason": told(unjudged, asked.path)}
    run = outcome.run.tasks[0]
    result["latency_ns"] = max(run.responses_ns, default=None)
    result["oracles"] = ["tflite_micro", *verifier.judged.get("net", {})]
    if not verifier.checked.get("net"):
        return {**result, "verdict": "unjudged", "reason": "no job was done in its period"}
    if verifier.mismatches:
        return {**result, "verdict": "wrong", **_differs(packed, verifier)}
    if result["bound_ns"] is None or result["bound_ns"] > PERIOD_S * _S:
        result["reason"] = f"slow: no bound within {format_ns(PERIOD_S * _S)}"
    return result


def _judged_again(asked: Asked, folder: Path, first: dict[str, Any]) -> dict[str, Any]:
    """With the layers on the CPU that Vela rounds in its own way, if that makes it exact."""
    layers = first.pop("rounded", [])
    if not layers or "on-cpu" in asked.lines:
        return first
    lines = f"{asked.lines}\non-cpu = {json.dumps(layers, ensure_ascii=False)}"
    try:
        second = _judged(replace(asked, lines=lines), folder)
    except HocketError:
        return first
    if second["verdict"] != "exact":
        return first
    return {**second, "verdict": "exact on CPU", "reason": f"{lines.strip()}: {first['reason']}"}


def _run(packed: Packed, verifier: Verifier) -> tuple[Outcome, HocketError | None]:
    """Run without a judge first, so that a run's own errors are told from an oracle's."""
    from hocket_tools.run.run import execute

    jobs: list[tuple[Any, ...]] = []
    outcome = execute(
        packed, JOBS * PERIOD_S * _S, on_job=lambda *job: jobs.append(_copied(job)), worst=False
    )
    try:
        for job in jobs:
            verifier.on_job(*job)
    except HocketError as error:
        return outcome, error
    return outcome, None


def _copied(job: tuple[Any, ...]) -> tuple[Any, ...]:
    task, inputs, outputs = job
    return task, tuple(v.copy() for v in inputs), tuple(v.copy() for v in outputs)


def _differs(packed: Packed, verifier: Verifier) -> dict[str, Any]:
    from hocket_tools.run.run import rounded_by_vela
    from hocket_tools.verify.own_arithmetic import listed

    found = verifier.mismatches[0]
    said = f"output {found.output}: {found.elements} elements, by up to {found.largest}"
    layers = rounded_by_vela(packed.application, packed.image, "net")
    if layers:
        said += f"; Vela rounds in its own way: {listed(layers)}"
    return {"reason": said, "rounded": [e.layer for e in layers if e.lacking is None]}


def _text(asked: Asked) -> str:
    lines = [
        "[npu]",
        f"accelerator-config = {json.dumps(asked.accelerator)}",
        "[tasks.net]",
        f"model = {json.dumps(str(asked.path.resolve()))}",
        f'period = "{PERIOD_S} s"',
    ]
    if asked.signature is not None:
        lines.append(f"signature = {json.dumps(asked.signature)}")
    return "\n".join([*lines, asked.lines, ""])


Judge = Callable[[Asked], dict[str, Any]]
