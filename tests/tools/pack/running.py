# SPDX-License-Identifier: Apache-2.0
"""Applications of models made on the spot, run on the emulated board and verified."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from hocket_tools.app.application import load
from hocket_tools.pack.pack import pack
from hocket_tools.pack.packed import Packed
from hocket_tools.run.run import Outcome, execute

#: Long enough for any small network, operators on the processor and all.
PERIOD_MS = 4000


def application(folder: Path, tasks: Mapping[str, tuple[bytes, str]], head: str = "") -> Packed:
    """Pack tasks, each a model with further lines of its section."""
    text = head
    for name, (model, lines) in tasks.items():
        (folder / f"{name}.tflite").write_bytes(model)
        timing = "" if "period" in lines else f'period = "{PERIOD_MS} ms"\n'
        text += f'\n[tasks.{name}]\nmodel = "{name}.tflite"\n{timing}{lines}\n'
    (folder / "app.toml").write_text(text)
    return pack(load(folder / "app.toml"))


def verified(packed: Packed, jobs: int, policy: str | None = None) -> Outcome:
    """Run until every task has finished so many jobs, all of them equal to the reference's."""
    slowest = max(task.period_ns for task in packed.image.tasks)
    outcome = execute(packed, (jobs + 1) * slowest, policy=policy, verify=True)
    assert outcome.verifier is not None
    assert outcome.verifier.mismatches == []
    checked = {t.name: outcome.verifier.checked.get(t.name, 0) for t in packed.image.tasks}
    assert min(checked.values()) >= jobs, checked
    return outcome
