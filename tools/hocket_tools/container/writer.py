# SPDX-License-Identifier: Apache-2.0
"""From an image to the bytes of a container, and from there to a file."""

from __future__ import annotations

import binascii
import os
import struct
import tempfile
from pathlib import Path
from typing import Any

from construct import ConstructError

from . import format as fmt
from .envelope import ContainerError
from .format import ModelFlag, RegionKind, SectionKind
from .image import Image, Model, PersistentRange, Region, Step, Tensor
from .programs import encode
from .reader import read


class _ByteStore:
    """Byte strings stored once each, 16-byte aligned."""

    def __init__(self) -> None:
        self.content = bytearray()
        self._offsets: dict[bytes, int] = {}

    def place(self, data: bytes) -> int:
        """Offset of ``data`` in the pool; equal data share it."""
        if not data:
            return 0
        offset = self._offsets.get(data)
        if offset is None:
            offset = self._offsets[data] = len(self.content)
            self.content += data
            self.content += bytes(fmt.align(len(data)) - len(data))
        return offset


class _Strings:
    """The strings section; the empty string lies at offset 0."""

    def __init__(self) -> None:
        self.content = bytearray()
        self._offsets: dict[str, int] = {}
        self.place("")

    def place(self, text: str) -> int:
        offset = self._offsets.get(text)
        if offset is None:
            encoded = text.encode("utf-8", "surrogatepass")  # the reader refuses a surrogate
            if len(encoded) > 0xFFFF:
                raise ContainerError(
                    "a name is too long",
                    found=f"{len(encoded)} bytes: {text[:40]!r}…",
                    expected="at most 65535 bytes of UTF-8",
                    try_="shorten it",
                )
            offset = self._offsets[text] = len(self.content)
            self.content += fmt.STRING_LENGTH.build(len(encoded)) + encoded
        return offset


class _Builder:
    """Collects records section by section; stream and data offsets are patched in at the end."""

    def __init__(self, image: Image) -> None:
        self.image = image
        self.strings = _Strings()
        self.streams = _ByteStore()
        self.data = _ByteStore()
        self.records: dict[SectionKind, list[dict[str, Any]]] = {k: [] for k in fmt.TABLES}

    def _add(self, section: SectionKind, /, **fields: Any) -> None:
        self.records[section].append(fields)

    def _region(self, region: Region) -> None:
        read_only = region.kind == RegionKind.READ_ONLY
        if len(region.data) != (region.size if read_only else 0) or (read_only and region.offset):
            raise ContainerError(
                "a region's data does not fit its kind and size",
                found=f"{region.kind.name}, offset {region.offset}, size {region.size}, "
                f"{len(region.data)} bytes of data",
                expected="data of its size at offset 0 if read-only, no data otherwise",
                try_="use Region.read_only(data) or Region.arena(offset, size)",
            )
        offset = self.data.place(bytes(region.data)) if read_only else region.offset
        self._add(SectionKind.REGIONS, offset=offset, size=region.size, kind=region.kind)

    def _tensor(self, tensor: Tensor) -> None:
        if len(tensor.shape) > fmt.MAX_RANK:
            raise ContainerError(
                f"tensor {tensor.name!r} has too many dimensions",
                found=tensor.shape,
                expected=f"at most {fmt.MAX_RANK}",
                try_="reshape it in the model",
            )
        if not _is_float32(tensor.scale):
            raise ContainerError(
                f"the scale of tensor {tensor.name!r} is not a float32",
                found=repr(tensor.scale),
                expected="the model's own value, unrounded",
                try_="take the scale as float(numpy.float32(...))",
            )
        shape = [*tensor.shape, *[0] * (fmt.MAX_RANK - len(tensor.shape))]
        named = {"name": self.strings.place(tensor.name), "rank": len(tensor.shape), "shape": shape}
        self._add(SectionKind.TENSORS, **vars(tensor) | named)

    def _step(self, step: Step) -> None:
        stream = encode(step)
        placed = {"stream_offset": self.streams.place(stream), "stream_size": len(stream)}
        named = {"name": self.strings.place(step.name)}
        self._add(SectionKind.STEPS, **vars(step) | placed | named)

    def _persistent(self, model: int, held: PersistentRange) -> None:
        if len(held.initial) not in (0, held.size):
            raise ContainerError(
                "initial bytes that do not fill their persistent range",
                found=f"{len(held.initial)} bytes",
                expected=f"{held.size} bytes, or none",
                try_="give the content of the whole range",
            )
        # Counted from 1 until the section's place is known: 0 is for none.
        initial = 1 + self.data.place(bytes(held.initial)) if held.initial else 0
        self._add(SectionKind.PERSISTENT, **vars(held) | {"model": model, "initial": initial})

    def _model(self, index: int, model: Model) -> None:
        first = {kind: len(records) for kind, records in self.records.items()}
        if len(model.regions) != fmt.REGION_SLOTS:
            raise ContainerError(
                f"model {model.name!r} must fill every region slot",
                found=f"{len(model.regions)} regions",
                expected=f"{fmt.REGION_SLOTS}",
                try_="use region_slots(...)",
            )
        for region in model.regions:
            self._region(region)
        for tensor in (*model.inputs, *model.outputs):
            self._tensor(tensor)
        for step in model.steps:
            self._step(step)
        for held in model.persistent:
            self._persistent(index, held)
        self._add(
            SectionKind.MODELS,
            name=self.strings.place(model.name),
            flags=ModelFlag.SHARED_ARENA if model.shared_arena else ModelFlag.NONE,
            first_region=first[SectionKind.REGIONS],
            first_tensor=first[SectionKind.TENSORS],
            inputs=len(model.inputs),
            outputs=len(model.outputs),
            first_step=first[SectionKind.STEPS],
            steps=len(model.steps),
            first_persistent=first[SectionKind.PERSISTENT],
            persistent=len(model.persistent),
            arena_offset=model.arena_offset,
            arena_size=model.arena_size,
        )

    def _tasks(self) -> None:
        image = self.image
        if len(image.plan) != len(image.tasks):
            raise ContainerError(
                "the plan must have one entry a task",
                found=f"{len(image.plan)} entries, {len(image.tasks)} tasks",
                expected="as many of one as of the other",
                try_="give PlanEntry() for a task that was not analysed",
            )
        for task in image.tasks:
            fields = dict(vars(task))
            fields["name"] = self.strings.place(task.name)
            self._add(SectionKind.TASKS, **fields)
        for entry in image.plan:
            self._add(SectionKind.PLAN, **vars(entry))

    def _contents(self) -> list[tuple[SectionKind, int, int, bytes]]:
        """Kind, record size, count and padded content of each section, in file order."""
        sizes = {
            kind: fmt.align(len(records) * fmt.RECORD_SIZES[kind])
            for kind, records in self.records.items()
        }
        streams_at = (
            fmt.HEADER.sizeof()
            + len(SectionKind) * fmt.SECTION.sizeof()
            + sum(sizes.values())
            + fmt.align(len(self.strings.content))
        )
        for step in self.records[SectionKind.STEPS]:
            step["stream_offset"] += streams_at
        data_at = streams_at + len(self.streams.content)
        for region in self.records[SectionKind.REGIONS]:
            if region["kind"] == RegionKind.READ_ONLY:
                region["offset"] += data_at
        for held in self.records[SectionKind.PERSISTENT]:
            if held["initial"]:
                held["initial"] += data_at - 1
        raw = {
            SectionKind.STRINGS: self.strings.content,
            SectionKind.STREAMS: self.streams.content,
            SectionKind.DATA: self.data.content,
            SectionKind.NOTES: self.image.notes,
        }
        contents = []
        for kind in SectionKind:
            size = fmt.RECORD_SIZES[kind]
            if kind in raw:
                content = bytes(raw[kind])
            else:
                content = b"".join(_record(kind, fields) for fields in self.records[kind])
            padded = content + bytes(fmt.align(len(content)) - len(content))
            contents.append((kind, size, len(content) // size, padded))
        return contents

    def build(self) -> bytes:
        for index, model in enumerate(self.image.models):
            self._model(index, model)
        self._tasks()
        accelerator = self.strings.place(self.image.accelerator)
        contents = self._contents()
        offset = fmt.HEADER.sizeof() + len(contents) * fmt.SECTION.sizeof()
        table = b""
        for kind, size, count, content in contents:
            table += fmt.SECTION.build(
                {
                    "kind": kind,
                    "offset": offset,
                    "size": len(content),
                    "record_size": size,
                    "count": count,
                    "crc": binascii.crc32(content),
                    "reserved": bytes(8),
                }
            )
            offset += len(content)
        fields = {
            "magic": fmt.MAGIC,
            "version_major": fmt.VERSION_MAJOR,
            "version_minor": fmt.VERSION_MINOR,
            "header_crc": 0,
            "total_size": offset,
            "section_count": len(contents),
            "npu_config": self.image.npu_config,
            "npu_id": self.image.npu_id,
            "npu_hz": self.image.npu_hz,
            "arena_size": self.image.arena_size,
            "accelerator": accelerator,
            "policy": self.image.policy,
            "reserved": bytes(19),
        }
        fields["header_crc"] = fmt.header_crc(_struct(fmt.HEADER, "header", fields) + table)
        return _struct(fmt.HEADER, "header", fields) + table + b"".join(c[3] for c in contents)


def _is_float32(value: float) -> bool:
    try:
        return bool(struct.unpack("<f", struct.pack("<f", value))[0] == value)
    except (OverflowError, struct.error):
        return False


def _struct(definition: Any, what: str, fields: dict[str, Any]) -> bytes:
    try:
        return bytes(definition.build(fields))
    except ConstructError as error:
        raise ContainerError(
            f"a field of the {what} is out of range",
            found=str(error).replace("\n", " "),
            expected="an integer that fits the field",
            try_="correct the value in the image",
        ) from error


def _record(kind: SectionKind, fields: dict[str, Any]) -> bytes:
    reserved = [s for s in fmt.TABLES[kind].subcons if s.name == "reserved"]
    filler = {"reserved": bytes(reserved[0].sizeof())} if reserved else {}
    return _struct(fmt.TABLES[kind], f"{kind.name.lower()} section", {**fields, **filler})


def build(image: Image) -> bytes:
    """Lay an image out as a container.

    Equal read-only data and equal command streams are stored once. The result has passed
    `read`, so whatever is written is what every reader accepts.

    Raises
    ------
    ContainerError
        If the image is not consistent: a value outside its field, a tensor outside its region,
        a region outside its arena, overlapping arenas and the like.
    """
    data = _Builder(image).build()
    read(data)
    return data


def write(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a container to a file, wholly or not at all.

    Raises
    ------
    ContainerError
        The file cannot be written.
    """
    target = Path(path)
    temporary = None
    try:
        with tempfile.NamedTemporaryFile(
            dir=target.parent, prefix=f".{target.name}.", delete=False
        ) as file:
            temporary = file.name
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)  # a temporary file is private, a container is not
        os.replace(temporary, target)
    except OSError as error:
        raise ContainerError(
            "the container cannot be written",
            found=error.strerror or str(error),
            expected="a folder that exists and may be written to",
            try_="choose another path",
            where=target,
        ) from error
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
