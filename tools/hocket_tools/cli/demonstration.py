# SPDX-License-Identifier: Apache-2.0
"""The demonstration: three networks of the zoo share one NPU, whole and then in segments."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path

from rich.console import Console

from hocket_host.errors import HocketError
from hocket_host.machines.results import Frame
from hocket_host.units import cycles_to_ns, format_hz, format_ns

from .. import zoo
from ..app.application import load
from ..pack.pack import pack
from ..pack.packed import Packed
from ..report.summary import POLICY_NAMES, render, render_timeline, summary
from ..run import run as running
from ..text.tables import plain_table
from ..zoo.application import APPLICATION
from ..zoo.scenes import moving


def write(folder: Path) -> Path:
    """Copy the demonstration's application file and models into a folder.

    Raises
    ------
    HocketError
        The folder holds an app.toml already; nothing is overwritten.
    """
    target = folder / APPLICATION.name
    if target.exists():
        raise HocketError(
            "there is an application file already", where=target, try_="name another folder"
        )
    for task in load(APPLICATION).tasks.values():
        (folder / task.model).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(APPLICATION.parent / task.model, folder / task.model)
    shutil.copy(APPLICATION, target)
    return target


@dataclass
class Heard:
    """What the networks said, in order."""

    answers: dict[str, list[zoo.Answer]] = field(default_factory=dict)

    def on_job(self, task: str, inputs: Frame, outputs: Frame) -> None:
        """Interpret one job's outputs."""
        self.answers.setdefault(task, []).append(zoo.interpret(task, outputs))


def show(console: Console, duration_ns: int) -> bool:
    """Pack and run the demonstration, and tell about it.

    Returns
    -------
    bool
        Whether every output equals the reference's and no deadline was missed in segments.
    """
    application = load(APPLICATION)
    with console.status("compiling and splitting three networks"):
        split = pack(application)
        whole = pack(application, cut="none")
    _introduce(console, split)
    heard = Heard()
    with console.status("compiling the NPU model (once a machine), then running"):
        before = running.execute(whole, duration_ns, policy="fifo", verify=True)
        after = running.execute(split, duration_ns, verify=True, on_job=heard.on_job)
    console.rule("what they recognised", align="left")
    _recognised(console, heard, {n: t.period for n, t in application.tasks.items()})
    console.rule("response times", align="left")
    render(summary(split.image, [before, after]), console)
    render_timeline([before, after], console)
    misses = [sum(task.misses for task in o.run.tasks) for o in (before, after)]
    console.print(
        f"\nMissed deadlines: {misses[0]} with {POLICY_NAMES['fifo']} (today's practice), "
        f"[bold]{misses[1]}[/] in segments with {POLICY_NAMES[after.policy]}."
    )
    verified = not any(o.verifier is None or o.verifier.mismatches for o in (before, after))
    return verified and misses[1] == 0


def _introduce(console: Console, packed: Packed) -> None:
    image = packed.image
    console.rule(
        f"three networks, one {image.accelerator} at {format_hz(image.npu_hz)}", align="left"
    )
    table = plain_table(
        "task", "period", "deadline", "MACs", "NPU time", "segments", "longest", "accuracy"
    )
    for task in image.tasks:
        steps = [step.nominal_cycles for step in image.models[task.model].steps]
        card = zoo.card(task.name)
        table.add_row(
            task.name,
            format_ns(task.period_ns),
            format_ns(task.deadline_ns),
            f"{card.macs / 1e6:.1f} M",
            format_ns(cycles_to_ns(sum(steps), image.npu_hz)),
            str(len(steps)),
            format_ns(cycles_to_ns(max(steps), image.npu_hz)),
            f"{card.accuracy.int8_value:.3f}",
        )
    console.print(table)
    for task in image.tasks:
        console.print(f"{task.name:<9} {zoo.card(task.name).task}")


def _recognised(console: Console, heard: Heard, periods: dict[str, int]) -> None:
    """What each network said, beside what was really there."""
    answers = heard.answers
    period = periods["keyword"]
    timed = ((index * period, answer) for index, answer in enumerate(answers.get("keyword", [])))
    words = [f"“{word}” at {format_ns(at)}" for at, word in zoo.recognised(timed)]
    spoken = zoo.stream_sample().expected.replace("+", ", ")
    console.print(f"keyword   {', '.join(words) or 'nothing yet'}")
    console.print(f"          (spoken, over and over: {spoken})")
    digits = [answer.label for answer in answers.get("digits", [])]
    written = [sample.expected for sample, _ in zip(cycle(zoo.sample_inputs("digits")), digits)]
    right = sum(said == really for said, really in zip(digits, written, strict=True))
    console.print(f"digits    {' '.join(digits)}")
    console.print(f"          ({right} of {len(digits)} as written)")
    drawn = found = wrong = 0
    for answer, (_, boxes) in zip(answers.get("detector", []), moving(1), strict=False):
        really = Counter(box.kind for box in boxes)
        said = Counter(box.kind for box in answer.boxes)
        drawn += really.total()
        found += (really & said).total()
        wrong += (said - really).total()
    console.print(f"detector  {found} of {drawn} shapes found in moving scenes, {wrong} wrong")
