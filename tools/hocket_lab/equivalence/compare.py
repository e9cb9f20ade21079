# SPDX-License-Identifier: Apache-2.0
"""Platforms compared with each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from difflib import SequenceMatcher
from typing import Any

from .result import PlatformResult

#: Platforms in one virtual time, with one account of the CPU's: all must agree.
_ONE_TIME = ("cpython", "micropython")


def moved(one: list[str], other: list[str]) -> int:
    """How many segments of one order stand elsewhere in another."""
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    return len(one) - sum(block.size for block in matcher.get_matching_blocks())


def report(results: Mapping[str, PlatformResult], missing: Mapping[str, str]) -> dict[str, Any]:
    """Everything by platform, as plain values.

    Parameters
    ----------
    results
        By platform; the others are compared with the first.
    missing
        Why others did not run.
    """
    if not results:
        return {name: {"missing": why} for name, why in missing.items()}
    jobs = common_jobs(results)
    orders = {name: result.order(jobs) for name, result in results.items()}
    first = next(iter(orders.values()))
    found: dict[str, Any] = {}
    for name, result in results.items():
        found[name] = {
            "digest": result.digest(jobs),
            "tasks": {
                task: {
                    "jobs": jobs[task],
                    "digest": result.task_digest(task, jobs[task]),
                    "response": asdict(response),
                }
                for task, response in result.responses.items()
            },
            "misses": result.misses,
            "verified": result.mismatched is not None,
            "mismatched": list(result.mismatched or ()),
            "segments": len(orders[name]),
            "moved": moved(first, orders[name]) if result.run.segments else None,
            "order_as": next(n for n, order in orders.items() if order == orders[name])
            if result.run.segments
            else None,
            "order": orders[name],
            "npu_ns": result.npu_ns(),
            "instructions": result.run.instructions,
            "guest_mips": result.run.guest_mips and round(result.run.guest_mips, 2),
            "real_time": round(result.real_time, 2),
            "missing": None,
        }
    return found | {name: {"missing": why} for name, why in missing.items()}


def common_jobs(results: Mapping[str, PlatformResult]) -> dict[str, int]:
    """Jobs of each task that every platform completed."""
    counts = [result.jobs() for result in results.values()]
    return {task: min(count.get(task, 0) for count in counts) for task in counts[0]}


def wrong(found: Mapping[str, Any]) -> list[str]:
    """What must agree and does not, in words."""
    ran = {name: platform for name, platform in found.items() if platform["missing"] is None}
    if not ran:
        return ["no platform ran"]
    first = next(iter(ran))
    told = []
    for name, platform in ran.items():
        for task, values in platform["tasks"].items():
            if values["digest"] != ran[first]["tasks"][task]["digest"]:
                told.append(f"{name}: outputs of {task} are not those of {first}")
            if not values["jobs"]:
                told.append(f"{name}: no job of {task} is common to all")
        # Nothing is known of segments where jobs are not watched.
        if platform["npu_ns"] and platform["npu_ns"] != ran[first]["npu_ns"]:
            told.append(f"{name}: segments do not take the NPU as long as on {first}")
        for task in platform["mismatched"]:
            told.append(f"{name}: outputs of {task} are not tflite_micro's")
        if platform["misses"]:
            told.append(f"{name}: {platform['misses']} deadlines missed")
    timed = [name for name in _ONE_TIME if name in ran]
    for name in timed[1:]:
        if ran[name]["order"] != ran[timed[0]]["order"]:
            told.append(f"{name}: segments are not in the order of {timed[0]}")
        for task, values in ran[name]["tasks"].items():
            if values["response"] != ran[timed[0]]["tasks"][task]["response"]:
                told.append(f"{name}: {task} does not respond as on {timed[0]}")
    return told
