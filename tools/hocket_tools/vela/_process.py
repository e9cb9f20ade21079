# SPDX-License-Identifier: Apache-2.0
"""Starts the compiler process and reads its answer."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .options import ResolvedOptions, VelaError

_WORKER = Path(__file__).with_name("_worker.py")
_REFUSAL = re.compile(
    r"Warning \(supported operators\) operator: (?P<kind>[^,]+), ofm: '(?P<ofm>[^']*)'\s*\n"
    r"Reason: (?P<reason>.*)"
)
#: Far above any real compilation, which takes a second or a few; only one that hangs reaches it.
_LIMIT_S, _LIMIT_S_PER_MIB = 60.0, 60.0


@dataclass(frozen=True)
class CompilerOutput:
    """What the compiler returned."""

    fields: dict[str, Any]
    blobs: list[bytes]
    reasons: dict[tuple[str, str], str]
    """Why an operator was refused, by kind and name of its output."""


def run_compiler(model: bytes, options: ResolvedOptions, *, graph: bool = False) -> CompilerOutput:
    """Compile once.

    Parameters
    ----------
    model
        Bytes of a .tflite file.
    options
        Options of the compilation.
    graph
        Ask at once for the form of a network that is partly on the CPU: a TFLite file whose
        operators are NPU streams and what Vela left. Without it that form comes only where the
        other, one stream for the NPU, does not exist.

    Raises
    ------
    VelaError
        The compiler crashed, hung, or reported a failure.
    """
    request = {
        "accelerator": options.accelerator,
        "architecture": options.architecture_text(),
        "raw": options.compiler_text("Raw"),
        "tflite": options.compiler_text("TFLite"),
        "graph": "yes" if graph else "",
    }
    limit_s = round(_LIMIT_S + _LIMIT_S_PER_MIB * len(model) / (1 << 20))
    try:
        done = subprocess.run(
            [sys.executable, "-I", str(_WORKER)],
            input=json.dumps(request).encode() + b"\n" + model,
            capture_output=True,
            timeout=limit_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise VelaError(
            "Vela does not finish", found=f"no result after {limit_s} s",
            expected="a compiled model within seconds",
        ) from None  # fmt: skip
    said = done.stderr.decode("utf-8", "replace")
    head, newline, rest = done.stdout.partition(b"\n")
    if done.returncode or not newline:
        raise VelaError(
            "Vela's compiler crashed on this model",
            found=_ending(done.returncode) + (f": {_last_line(said)}" if said.strip() else ""),
            expected="a valid, fully quantised TFLite model",
            try_="check that the model runs in a TFLite interpreter; export it again; or keep the "
            "layer from Vela: on-cpu puts it on the CPU",
        )
    fields = json.loads(head)
    blobs = []
    for size in fields["blobs"]:
        blobs.append(rest[:size])
        rest = rest[size:]
    reasons = {(m["kind"].strip(), m["ofm"]): m["reason"].strip() for m in _REFUSAL.finditer(said)}
    return CompilerOutput(fields, blobs, reasons)


def _ending(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def _last_line(text: str) -> str:
    return text.strip().splitlines()[-1].strip()
