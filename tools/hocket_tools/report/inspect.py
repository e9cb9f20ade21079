# SPDX-License-Identifier: Apache-2.0
"""Contents of a container: as data for JSON, and as tables."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hocket_host.units import cycles_to_ns, format_hz, format_ns, format_size

from ..container import Image, Model, RegionKind, Step, StepKind, Tensor
from ..container import format as fmt
from ..container.envelope import open_envelope
from ..container.format import SectionKind
from ..container.programs import encode
from ..cpu.packing import MODULES
from ..text.tables import clip, plain_table

#: Segments shown of each model before the middle is left out.
SEGMENTS_SHOWN = 12


def _tensor(tensor: Tensor) -> dict[str, Any]:
    return {
        "name": tensor.name,
        "shape": list(tensor.shape),
        "dtype": tensor.dtype.label,
        "scale": tensor.scale,
        "zero_point": tensor.zero_point,
        "region": tensor.region,
        "offset": tensor.offset,
        "size": tensor.size,
    }


def _model(model: Model, npu_hz: int, first_step: int, step_offsets: list[int]) -> dict[str, Any]:
    npu = [step for step in model.steps if step.kind == StepKind.NPU]
    worst = [step.worst_cycles for step in npu]
    cpu = [step for step in model.steps if step.kind == StepKind.CPU]
    return {
        "name": model.name,
        "arena_offset": model.arena_offset,
        "arena_size": model.arena_size,
        "shared_arena": model.shared_arena,
        "read_only_size": sum(len(region.data) for region in model.regions),
        "regions": [
            {
                "slot": slot,
                "kind": region.kind.name.lower(),
                "offset": region.offset,
                "size": region.size,
            }
            for slot, region in enumerate(model.regions)
            if region.kind != RegionKind.UNUSED
        ],
        "inputs": [_tensor(tensor) for tensor in model.inputs],
        "outputs": [_tensor(tensor) for tensor in model.outputs],
        "persistent": [
            {
                "region": held.region,
                "offset": held.offset,
                "size": held.size,
                "fill": held.fill,
                "initial": bool(held.initial),
            }
            for held in model.persistent
        ],
        "operations": sum(step.operations for step in model.steps),
        "nominal_cycles": sum(step.nominal_cycles for step in npu),
        "worst_cycles": sum(worst),
        "worst_ns": cycles_to_ns(sum(worst), npu_hz),
        "longest_segment_cycles": max(worst, default=0),
        "longest_segment_ns": cycles_to_ns(max(worst, default=0), npu_hz),
        "cpu_cycles": sum(step.worst_cycles for step in cpu),
        "longest_cpu_step_cycles": max((step.cpu_step_cycles for step in cpu), default=0),
        "segments": [
            {
                "name": step.name,
                "first_operation": step.first_operation,
                "operations": step.operations,
                "stream_offset": step_offsets[first_step + index],
                "stream_size": len(encode(step)),
                "nominal_cycles": step.nominal_cycles,
                "worst_cycles": step.worst_cycles,
                **_unit(step, npu_hz),
            }
            for index, step in enumerate(model.steps)
        ],
    }


def _unit(step: Step, npu_hz: int) -> dict[str, Any]:
    """The unit that executes a step, and fields of that unit only."""
    program = step.program
    if program is None:
        return {"unit": "npu", "worst_ns": cycles_to_ns(step.worst_cycles, npu_hz)}
    own = program.code >= len(MODULES)
    return {
        "unit": "cpu",
        "operator": f"own {program.code}" if own else MODULES[program.code],
        "cpu_steps": program.steps,
        "step_cycles": program.step_cycles,
        "runs_on": program.runs_on,
        "scratch": 0 if program.scratch is None else program.scratch.size,
    }


def _tasks(image: Image) -> list[dict[str, Any]]:
    return [
        {
            "name": task.name,
            "model": image.models[task.model].name,
            "period_ns": task.period_ns,
            "deadline_ns": task.deadline_ns,
            "offset_ns": task.offset_ns,
            "priority": task.priority,
            "overrun": task.overrun.name.lower(),
            "cpu_ns": task.cpu_ns,
            "plan": dict(vars(plan)),
        }
        for task, plan in zip(image.tasks, image.plan, strict=True)
    ]


def _sharing(image: Image, sections: list[dict[str, Any]]) -> dict[str, Any]:
    """Bytes that the models use against bytes that are stored, both padded to 16."""
    stored = {section["name"]: section["size"] for section in sections}
    data = sum(fmt.align(len(r.data)) for m in image.models for r in m.regions)
    streams = sum(fmt.align(len(encode(s))) for m in image.models for s in m.steps)
    return {
        "data_used": data,
        "data_stored": stored["data"],
        "data_saved": data - stored["data"],
        "streams_used": streams,
        "streams_stored": stored["streams"],
        "streams_saved": streams - stored["streams"],
    }


def summary(image: Image, data: bytes) -> dict[str, Any]:
    """Describe a container.

    Parameters
    ----------
    image, data
        The container as value and as bytes: ``image`` is ``read(data)``.

    Returns
    -------
    dict
        Of strings, integers, floats, booleans, lists and dicts only. Sizes are in bytes, cycles
        in NPU cycles, every duration in nanoseconds.

    Raises
    ------
    ContainerError
        If ``data`` is not a container.
    """
    envelope = open_envelope(data)
    header = envelope.header
    sections = [
        {
            "name": kind.name.lower(),
            "offset": section.offset,
            "size": section.size,
            "records": section.count,
            "record_size": section.record_size,
            "crc": f"{section.crc:#010x}",
        }
        for kind, section in envelope.sections.items()
    ]
    step_offsets = [
        int(envelope.record(SectionKind.STEPS, index)[1].stream_offset)
        for index in range(envelope.sections[SectionKind.STEPS].count)
    ]
    models: list[dict[str, Any]] = []
    first_step = 0
    for model in image.models:
        models.append(_model(model, image.npu_hz, first_step, step_offsets))
        first_step += len(model.steps)
    return {
        "header": {
            "version": f"{header.version_major}.{header.version_minor}",
            "accelerator": image.accelerator,
            "npu_config": f"{image.npu_config:#010x}",
            "npu_id": f"{image.npu_id:#010x}",
            "npu_hz": image.npu_hz,
            "policy": image.policy.name.lower(),
            "arena_size": image.arena_size,
            "total_size": header.total_size,
            "crc": f"{header.header_crc:#010x}",
        },
        "sections": sections,
        "sharing": _sharing(image, sections),
        "models": models,
        "tasks": _tasks(image),
    }


def _table(title: str, *columns: str) -> Table:
    return plain_table(*columns, title=f"\n{title}")


def _layer(name: str, width: int) -> str:
    """A layer's name, or those of the first and last, without the scopes that layers share."""
    parts = [part.split("/")[-2:] for part in name.split(" .. ")]
    text = " … ".join("/".join(part) for part in parts)
    if len(text) > width:
        text = " … ".join(part[0] for part in parts)
    return clip(text, width)


def _row(table: Table, *cells: object) -> None:
    table.add_row(*(escape(str(cell)) for cell in cells))


def _render_header(report: dict[str, Any], console: Console) -> None:
    header, sharing = report["header"], report["sharing"]
    table = _table("Container", "field", "value")
    for name, value in (
        ("format version", header["version"]),
        ("accelerator", header["accelerator"]),
        ("NPU CONFIG, ID", f"{header['npu_config']}, {header['npu_id']}"),
        ("NPU clock", format_hz(header["npu_hz"])),
        ("NPU policy", header["policy"]),
        ("arena pool", format_size(header["arena_size"])),
        ("size", format_size(header["total_size"])),
        ("saved by sharing data", format_size(sharing["data_saved"])),
        ("saved by sharing streams", format_size(sharing["streams_saved"])),
        ("header CRC", header["crc"]),
    ):
        _row(table, name, value)
    console.print(table)
    table = _table("Sections", "section", "offset", "bytes", "records", "CRC")
    for section in report["sections"]:
        _row(table, *(section[key] for key in ("name", "offset", "size", "records", "crc")))
    console.print(table)


def _render_models(report: dict[str, Any], console: Console) -> None:
    table = _table(
        "Models",
        "model",
        "read-only",
        "arena",
        "steps",
        "worst cycles",
        "worst",
        "longest",
        "CPU cycles",
    )
    for model in report["models"]:
        _row(
            table,
            model["name"],
            format_size(model["read_only_size"]),
            format_size(model["arena_size"]),
            len(model["segments"]),
            model["worst_cycles"],
            format_ns(model["worst_ns"]),
            format_ns(model["longest_segment_ns"]),
            model["cpu_cycles"] or "none",
        )
    console.print(table)
    for model in report["models"]:
        table = _table(
            f"Tensors of {model['name']}",
            *("tensor", "use", "type", "shape", "scale", "zero", "place", "bytes"),
        )
        for use in ("input", "output"):
            for tensor in model[f"{use}s"]:
                _row(
                    table,
                    clip(tensor["name"], max(console.width - 66, 12)),
                    use,
                    tensor["dtype"],
                    "×".join(map(str, tensor["shape"])) or "scalar",
                    f"{tensor['scale']:.6g}",
                    tensor["zero_point"],
                    f"{tensor['region']}+{tensor['offset']}",
                    tensor["size"],
                )
        console.print(table)


def _render_segments(model: dict[str, Any], console: Console, shown: int | None) -> None:
    segments = model["segments"]
    elided = 0 if shown is None or len(segments) <= shown else len(segments) - shown
    head = len(segments) if not elided else (shown or 0) - (shown or 0) // 2
    table = _table(
        f"Steps of {model['name']}",
        *("step", "#", "operations", "stream", "cycles", "worst", "time"),
    )
    for index, segment in enumerate(segments):
        if head <= index < head + elided:
            if index == head:
                _row(table, f"… {elided} more", *[""] * 6)
            continue
        _row(
            table,
            _layer(segment["name"], max(console.width - 52, 16)),
            index,
            _executed(segment),
            format_size(segment["stream_size"]),
            segment["nominal_cycles"],
            segment["worst_cycles"],
            format_ns(segment["worst_ns"])
            if segment["unit"] == "npu"
            else f"{segment['cpu_steps']}×{segment['step_cycles']}",
        )
    console.print(table)


def _executed(segment: dict[str, Any]) -> str:
    """NPU operations of a segment, or the operator that the CPU runs."""
    if segment["unit"] == "cpu":
        return f"CPU {segment['operator']}"
    first, count = segment["first_operation"], segment["operations"]
    return f"{first}" if count == 1 else f"{first}–{first + count - 1}" if count else "none"


def _render_tasks(report: dict[str, Any], console: Console) -> None:
    table = _table(
        "Tasks",
        *("task", "model", "period", "deadline", "offset", "priority", "overrun", "CPU", "bound"),
    )
    for task in report["tasks"]:
        bound = task["plan"]["response_bound_ns"]
        _row(
            table,
            task["name"],
            task["model"],
            *(format_ns(task[key]) for key in ("period_ns", "deadline_ns", "offset_ns")),
            task["priority"],
            task["overrun"],
            format_ns(task["cpu_ns"]),
            format_ns(bound) if bound else "none yet",
        )
    console.print(table)


def render(report: dict[str, Any], console: Console, *, full: bool = False) -> None:
    """Print a `summary` as tables.

    Parameters
    ----------
    report
        What `summary` returned.
    console
        Where to.
    full
        Show every segment, not only the first and last of a long model.
    """
    _render_header(report, console)
    if report["models"]:
        _render_models(report, console)
    for model in report["models"]:
        _render_segments(model, console, None if full else SEGMENTS_SHOWN)
    if report["tasks"]:
        _render_tasks(report, console)
