# SPDX-License-Identifier: Apache-2.0
"""Command streams and cycle estimates from Vela's compiler core, for tests of the host's models."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from ethosu import regor

import paths
from hocket_host.ethosu.config import NpuConfig, npu_config
from hocket_host.ethosu.stream.command_stream import parse
from hocket_host.ethosu.stream.operation import Operation
from hocket_host.ethosu.timing.system_config import SystemConfig, default_names, parse_system_config

MODELS = tuple(
    f"{name}.tflite"
    for name in (
        "hello_world_int8",
        "micro_speech",
        "mlp_ad01_int8",
        "mlp_kws_int8",
        "mlp_resnet8_int8",
        "mlp_vww96_int8",
        "mnist_lstm_int8",
        "person_detect",
    )
)
INI = (
    files("ethosu").joinpath("config_files").joinpath("Arm", "vela.ini").read_text(encoding="utf-8")
)


@dataclass(frozen=True)
class Layer:
    """One scheduled operation as Vela accounts for it."""

    operator: str
    cycles: int
    buffered: bool
    """Whether Vela adds the transfer of its weights."""
    operations: tuple[int, ...]
    """Indices of its kernels in the stream."""


@dataclass(frozen=True)
class Compiled:
    """One model for one accelerator."""

    npu: NpuConfig
    system: SystemConfig
    operations: tuple[Operation, ...]
    layers: tuple[Layer, ...]

    @property
    def vela_cycles(self) -> int:
        """Vela's total over its operations."""
        return sum(layer.cycles for layer in self.layers)


def _stream(payload: bytes) -> bytes:
    """Words behind the payload's COMMAND_STREAM header (driver action 2)."""
    at = 4
    while payload[at] != 2:
        at += 12 if payload[at] == 1 else 4
    words = int.from_bytes(payload[at + 2 : at + 4], "little") | payload[at + 1] << 16
    return payload[at + 4 : at + 4 + 4 * words]


@cache
def compile_stream(
    model: str,
    accelerator: str,
    *,
    system_config: str | None = None,
    memory_mode: str | None = None,
    optimise: str = "Performance",
    arena_cache_size: int | None = None,
) -> Compiled:
    """Compile one of the models, all of whose operators Vela puts on the NPU."""
    npu = npu_config(accelerator)
    default_system, default_mode = default_names(npu)
    system_config = system_config or default_system
    memory_mode = memory_mode or default_mode
    system = parse_system_config(INI, npu, system_config=system_config, memory_mode=memory_mode)
    limit = arena_cache_size or system.arena_cache_size or 1 << npu.address_bits
    architecture = (
        f"[architecture]\nmacs={npu.macs}\ncores=1\n[vela]\n"
        f"system_config_name={system_config}\nmemory_mode_name={memory_mode}\n{INI}"
    )
    options = (
        "\n[compiler]\nenable_db=true\noutput_format=Raw\ncop_format=COP1\n"
        f"\n[scheduler]\noptimize={optimise}\narena_size_limit={limit}\ndisable_feature=\n"
        "cpu_tensor_alignment=16\ntensor_allocator=HillClimb\n"
        "\n[graph]\nsoftmax_int16_neg_exp_range=10.0\n"
    )
    name = "EthosU55" if npu.product == 0 else "EthosU65"
    data = (paths.MODELS / model).read_bytes()
    raw = regor.compile(name, data, "TFLITE", architecture, options=options)
    operations = parse(_stream(bytes(raw.command_stream))).operations
    tables = {
        key: [dict(zip(table.header, row, strict=True)) for row in table.data]
        for key, table in raw.opt_database.tables.items()
    }
    index = {op.word * 4: i for i, op in enumerate(operations)}
    kernels: dict[str, list[int]] = {}
    for row in tables["queue"]:
        kernels.setdefault(row["scheduled_id"], []).append(index[int(row["offset"])])
    detail = {row["id"]: row for row in tables["perf_debug"]}
    layers = tuple(
        Layer(
            operator=row["operator"],
            cycles=int(row["op_cycles"]),
            buffered=bool(detail[row["id"]]["weight_buffering"]),
            operations=tuple(kernels.get(row["id"], ())),
        )
        for row in tables["perf"]
    )
    return Compiled(npu, system, operations, layers)
