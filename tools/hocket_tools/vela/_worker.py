# SPDX-License-Identifier: Apache-2.0
"""Runs Vela's compiler core in a process of its own.

The core is C++ and ends the process on some malformed models; and it writes to the standard
streams whatever its verbosity. Here neither touches the caller: the request comes on standard
input, the answer leaves on the original standard output, and everything the core prints goes to
standard error. Run as a file with nothing else imported, which costs some 30 ms.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

try:
    import resource
except ImportError:  # not on Windows
    resource = None  # type: ignore[assignment]

#: Some ten times what the largest models for these devices take.
_MOST_BYTES = 8 << 30
_TENSOR = ("address", "element_size", "region", "scale", "shape", "size", "zero_point")
_REPORT = ("totalCycles", "npuCycles", "macCount", "npuOps", "cpuOps", "cascades")
_TABLES = ("queue", "perf", "source", "optimised", "group")


def _compile(request: dict[str, str], model: bytes, options: str) -> Any:
    from ethosu import regor

    return regor.compile(
        request["accelerator"], model, "TFLITE", request["architecture"], options=options
    )


def _tensors(found: Any) -> list[dict[str, Any]]:
    return [{key: getattr(tensor, key) for key in _TENSOR} for tensor in found]


def _tables(found: Any) -> dict[str, Any]:
    tables = found.opt_database.tables
    return {
        name: [dict(zip(tables[name].header, row)) for row in tables[name].data]  # noqa: B905
        for name in _TABLES
        if name in tables
    }


def _report(found: Any) -> dict[str, int]:
    return {key: int(getattr(found.perf_report, key)) for key in _REPORT}


def _answer(request: dict[str, str], model: bytes) -> tuple[dict[str, Any], list[bytes]]:
    """Compile to the raw form, or where that does not exist to a graph for both units."""
    reason = ""
    if not request["graph"]:
        try:
            raw = _compile(request, model, request["raw"])
        except Exception as error:
            # Only a model that is wholly on the NPU has a raw form.
            reason = str(error)
        else:
            return _raw(raw), [bytes(raw.command_stream), bytes(raw.read_only.data)]
    try:
        graph = _compile(request, model, request["tflite"])
    except Exception as error:
        return {"error": reason or str(error)}, []
    answer = {"error": reason, "report": _report(graph), "tables": _tables(graph)}
    return {**answer, "graph": True}, [bytes(graph.model)]


def _raw(raw: Any) -> dict[str, Any]:
    return {
        "scratch": raw.scratch.size,
        "scratch_region": raw.scratch.region,
        "fast": raw.scratch_fast.size,
        "fast_region": raw.scratch_fast.region,
        "read_only_region": raw.read_only.region,
        "inputs": _tensors(raw.inputs),
        "outputs": _tensors(raw.outputs),
        "variables": _tensors(raw.variables),
        "report": _report(raw),
        "tables": _tables(raw),
    }


def _limit() -> None:
    """A compiler that asks for ever more memory must not take the machine's."""
    if resource is not None:
        _, most = resource.getrlimit(resource.RLIMIT_AS)
        wanted = _MOST_BYTES if most == resource.RLIM_INFINITY else min(_MOST_BYTES, most)
        resource.setrlimit(resource.RLIMIT_AS, (wanted, most))


def main() -> None:
    """Answer one request."""
    _limit()
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    header = json.loads(sys.stdin.buffer.readline())
    answer, blobs = _answer(header, sys.stdin.buffer.read())
    answer["blobs"] = [len(blob) for blob in blobs]
    out.write(json.dumps(answer).encode() + b"\n" + b"".join(blobs))
    out.close()


if __name__ == "__main__":
    main()
