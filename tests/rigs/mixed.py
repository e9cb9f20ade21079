# SPDX-License-Identifier: Apache-2.0
"""Networks of which the processor runs every operator, with NPU segments put in between.

A segment only copies a tensor to where its readers take it from. So the whole is to equal
tflite_micro, and it does not if a step comes too early, too late or not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hocket_host.ethosu.config import npu_config
from hocket_host.ethosu.stream.isa import Cmd, Command, encode_all
from hocket_host.ethosu.timing.system_config import SystemConfig, parse_system_config
from hocket_tools import container as hkt
from hocket_tools.cpu import SETTLED, PackedOperator, pack, read_source, read_variables
from hocket_tools.cpu.packing import element_bytes
from hocket_tools.tflite.model import TfliteModel, TfliteTensor, read_tflite
from hocket_tools.vela.options import VelaOptions, resolve
from paths import MODELS

ACCELERATOR = "ethos-u55-128"
CLOCK_HZ = 50_000_000
#: Each operator's here, so that no test depends on what was measured.
OPERATOR_CYCLES = 24_000


def copying(source: int, target: int, size: int, times: int = 1) -> bytes:
    """Command stream that copies bytes within region 1."""
    registers = {
        Cmd.DMA0_SRC_REGION: 1, Cmd.DMA0_DST_REGION: 1, Cmd.DMA0_SRC: source,
        Cmd.DMA0_DST: target, Cmd.DMA0_LEN: size,
    }  # fmt: skip
    commands = [Command(0, int(key), value) for key, value in registers.items()]
    commands += [Command(0, int(Cmd.NPU_OP_DMA_START), 0)] * times
    return encode_all([*commands, Command(0, int(Cmd.NPU_OP_STOP), 0xFFFF)])


@dataclass
class _Layout:
    """Bytes handed out one after the other, 16 at a time."""

    content: bytearray = field(default_factory=bytearray)
    used: int = 0

    def take(self, size: int) -> int:
        at = self.used
        self.used += -(-size // 16) * 16
        return at

    def put(self, data: bytes) -> int:
        at = self.take(len(data))
        self.content += data + bytes(self.used - at - len(data))
        return at


def _bytes(tensor: TfliteTensor) -> int:
    return tensor.elements * element_bytes(tensor)


@dataclass
class _Builder:
    data: bytes
    model: TfliteModel
    every: int
    arena: _Layout = field(default_factory=_Layout)
    constants: _Layout = field(default_factory=_Layout)
    places: dict[int, hkt.Operand] = field(default_factory=dict)
    persistent: list[hkt.PersistentRange] = field(default_factory=list)
    steps: list[hkt.Step] = field(default_factory=list)

    def _hold(self, tensors: Sequence[int], initial: bytes) -> None:
        at = self.arena.take(len(initial))
        self.persistent.append(hkt.PersistentRange(1, at, len(initial), 0, initial))
        self.places.update((i, hkt.Operand(1, at, len(initial))) for i in tensors)

    def _place(self, index: int) -> hkt.Operand:
        tensor = self.model.main.tensors[index]
        if index not in self.places:
            size = _bytes(tensor)
            if tensor.data is not None:
                self.places[index] = hkt.Operand(0, self.constants.put(tensor.data), size)
            elif tensor.is_variable:
                zero = tensor.quantization.zero_points[0] if tensor.quantization else 0
                byte = zero & 0xFF if tensor.dtype == "int8" else 0
                self._hold([index], bytes([byte]) * size)
            else:
                self.places[index] = hkt.Operand(1, self.arena.take(size), size)
        return self.places[index]

    def build(self, name: str, arena_offset: int) -> hkt.Model:
        operators = [
            (o.name, pack(o)) for o in read_source(self.data, self.model) if o.kind not in SETTLED
        ]
        for variable in read_variables(self.data, self.model):
            self._hold(variable.handles, variable.initial)
        inputs = [self._place(i) for i in self.model.main.inputs]
        most = max(packed.scratch_bytes for _, packed in operators)
        scratch = self.arena.take(most)
        self._copy(self.model.main.inputs[0])
        for number, (label, packed) in enumerate(operators):
            self._operator(label, packed, scratch, number % self.every != 0)
            if number % self.every == 0:
                self._copy(packed.outputs[0])
        size = self.arena.used
        return hkt.Model(
            name=name,
            regions=hkt.region_slots(
                hkt.Region.read_only(bytes(self.constants.content)),
                hkt.Region.arena(arena_offset, size),
            ),
            inputs=tuple(
                self._tensor(i, place)
                for i, place in zip(self.model.main.inputs, inputs, strict=True)
            ),
            outputs=tuple(self._tensor(i, self.places[i]) for i in self.model.main.outputs),
            steps=tuple(self.steps),
            arena_offset=arena_offset,
            arena_size=size,
            persistent=tuple(self.persistent),
        )

    def _operator(self, label: str, packed: PackedOperator, scratch: int, runs_on: bool) -> None:
        size = packed.scratch_bytes
        program = hkt.CpuProgram(
            packed.code,
            packed.params,
            tuple(self._place(i) for i in packed.inputs),
            tuple(self._place(i) for i in packed.outputs),
            hkt.Operand(1, scratch, size) if size else None,
            -(-OPERATOR_CYCLES // packed.steps),
            packed.steps,
            runs_on,
        )
        nominal = OPERATOR_CYCLES - OPERATOR_CYCLES // 4
        self.steps.append(hkt.Step.cpu(label, program, nominal, OPERATOR_CYCLES))

    def _copy(self, index: int) -> None:
        """Readers take the tensor from another place, which the NPU fills."""
        place = self._place(index)
        if place.region != 1 or any(p.offset == place.offset for p in self.persistent):
            return
        target = self.arena.take(place.size)
        stream = copying(place.offset, target, -(-place.size // 16) * 16)
        self.steps.append(hkt.Step("copy", stream, 100, 1000))
        self.places[index] = hkt.Operand(1, target, place.size)

    def _tensor(self, index: int, place: hkt.Operand) -> hkt.Tensor:
        tensor = self.model.main.tensors[index]
        quantization = tensor.quantization
        return hkt.Tensor(
            tensor.name,
            tensor.shape,
            hkt.DType[tensor.dtype.upper()],
            quantization.scales[0] if quantization else 0.0,
            quantization.zero_points[0] if quantization else 0,
            place.region,
            place.offset,
            place.size,
        )


def network(file: str, *, name: str = "net", arena_offset: int = 0, every: int = 2) -> hkt.Model:
    """A network of the tests' models, with a segment behind each ``every``-th operator."""
    data = (MODELS / f"{file}.tflite").read_bytes()
    return _Builder(data, read_tflite(data), every).build(name, arena_offset)


def mover(*, name: str, arena_offset: int, segments: int) -> hkt.Model:
    """A network of the NPU alone, which takes its time."""
    size = 4096
    return hkt.Model(
        name=name,
        regions=hkt.region_slots(hkt.Region(), hkt.Region.arena(arena_offset, 2 * size)),
        inputs=(hkt.Tensor("x", (size,), hkt.DType.INT8, 1.0, 0, 1, 0, size),),
        outputs=(hkt.Tensor("y", (size,), hkt.DType.INT8, 1.0, 0, 1, size, size),),
        steps=tuple(
            hkt.Step(f"move {i}", copying(0, size, size, 20 + i), 10_000, 100_000)
            for i in range(segments)
        ),
        arena_offset=arena_offset,
        arena_size=2 * size,
    )


def image(
    models: Sequence[hkt.Model], tasks: Sequence[hkt.Task], policy: hkt.Policy = hkt.Policy.FP
) -> hkt.Image:
    """An application of such networks."""
    config = npu_config(ACCELERATOR)
    return hkt.Image(
        accelerator=ACCELERATOR,
        npu_config=config.config_register,
        npu_id=config.id_register,
        npu_hz=CLOCK_HZ,
        arena_size=sum(model.arena_size for model in models),
        policy=policy,
        models=tuple(models),
        tasks=tuple(tasks),
        plan=tuple(hkt.PlanEntry() for _ in tasks),
    )


@cache
def stream(file: str, frames: int, seed: int = 7) -> list[tuple[Any, Any]]:
    """Random inputs, and what tflite_micro answers, one frame after the other with its state."""
    from tflite_micro.python.tflite_micro import runtime

    data = (MODELS / f"{file}.tflite").read_bytes()
    main = read_tflite(data).main
    oracle = runtime.Interpreter.from_bytes(data, arena_size=8 << 20)
    random = np.random.default_rng(seed)
    rounds = []
    for _ in range(frames):
        given = tuple(_values(random, main.tensors[i]) for i in main.inputs)
        for index, values in enumerate(given):
            oracle.set_input(values, index)
        oracle.invoke()
        rounds.append(
            (given, tuple(np.array(oracle.get_output(i)) for i in range(len(main.outputs))))
        )
    return rounds


def _values(random: np.random.Generator, tensor: TfliteTensor) -> NDArray[Any]:
    info = np.iinfo(tensor.dtype)
    return random.integers(info.min, info.max, tensor.shape, tensor.dtype, endpoint=True)


@cache
def system() -> SystemConfig:
    """Vela's default memories behind the accelerator, at the tests' clock."""
    options = resolve(VelaOptions(ACCELERATOR))
    return parse_system_config(
        options.config_text,
        options.npu,
        system_config=options.system_config,
        memory_mode=options.memory_mode,
        clock_hz=CLOCK_HZ,
    )
