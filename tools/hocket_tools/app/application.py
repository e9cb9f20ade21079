# SPDX-License-Identifier: Apache-2.0
"""The application file (`app.toml`): the NPU, the schedule, and the tasks with their inputs.

Quantities carry their units (`"20 ms"`, `"50 MHz"`, `"48 KiB"`). Names of the NPU and its memory
system are Vela's own. Everything that is wrong is reported at once, each with its key.
"""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
)

from hocket_host.errors import HocketError
from hocket_host.ethosu.config import CONFIGS
from hocket_host.units import NS_PER_S, parse_duration, parse_frequency, parse_size

from ..container.device import constants
from ..frames.features.settings import FrontendSettings
from ..text.schema_errors import WrappedError, explain, quoting
from ..tflite.file import ModelFile

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

#: Limits of the device's kernel.
_SPAN_NS: int = constants("port")["SPAN_US"] * 1000
_MOST_TASKS: int = constants("dispatch")["NONE"] - 1

Policy = Literal["fifo", "fp", "edf", "rr"]
Overrun = Literal["skip", "queue", "abort"]
Optimise = Literal["Performance", "Size"]
Cycles = Literal["worst", "nominal"]


class ApplicationError(HocketError):
    """An application file that cannot be used."""


def _positive(parse: Callable[[object], int]) -> Callable[[object], int]:
    def checked(text: object) -> int:
        value = parse(text)
        if value <= 0:
            raise HocketError("must be more than zero", found=repr(text), expected="above zero")
        return value

    return checked


def _duration(text: object) -> int:
    value = parse_duration(text)
    if value >= _SPAN_NS:
        raise HocketError(
            "longer than the device's timers reach", found=repr(text),
            expected=f"less than {_SPAN_NS // NS_PER_S} s",
        )  # fmt: skip
    return value


def _accelerator(name: str) -> str:
    if name not in CONFIGS:
        raise WrappedError(
            HocketError(
                "unknown accelerator",
                found=repr(name),
                expected=", ".join(CONFIGS),
                try_="use one of Vela's --accelerator-config names",
            )
        )
    return name


Duration = Annotated[int, quoting(_positive(_duration))]
Offset = Annotated[int, quoting(_duration)]
Frequency = Annotated[int, quoting(_positive(parse_frequency))]
Size = Annotated[int, quoting(_positive(parse_size))]


def _cut(text: object) -> str | int:
    """`"auto"`, `"all"`, `"none"`, or a maximum segment length in ns."""
    if text in ("auto", "all", "none"):
        return str(text)
    try:
        return _positive(parse_duration)(text)
    except HocketError as error:
        raise WrappedError(
            HocketError(
                "not a way to cut",
                found=repr(text),
                expected='"auto", "all", "none", or the longest wanted segment, such as "50 us"',
                try_='cut = "auto"',
            )
        ) from error


def _job_time(text: object) -> object:
    """A duration; a list of layers has another key."""
    if isinstance(text, list):
        raise WrappedError(
            HocketError(
                "cpu is a job's own CPU time",
                found=repr(text),
                expected='a duration, such as "2 ms"',
                try_=f"on-cpu = {text!r} puts layers on the CPU",
            )
        )
    return text


JobTime = Annotated[Offset, BeforeValidator(_job_time)]
Layers = tuple[Annotated[int, Field(ge=0)] | str, ...]
Cut = Annotated[str | int, BeforeValidator(_cut)]


class _Section(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        alias_generator=lambda name: name.replace("_", "-"),
        populate_by_name=True,
    )


class NpuSection(_Section):
    """`[npu]`: Vela's names for the accelerator and its memory system."""

    accelerator_config: Annotated[str, AfterValidator(_accelerator)] = "ethos-u55-128"
    system_config: str | None = None
    memory_mode: str | None = None
    config: tuple[Path, ...] = ()
    """Vela configuration files; Vela's own when empty."""
    clock: Frequency | None = None
    """NPU clock in Hz; the system configuration's when absent."""
    optimise: Optimise = "Performance"


class BoardSection(_Section):
    """`[board]`: which board profile, and the CPU clock if it differs from the profile's."""

    name: str = "corstone300"
    cpu_clock: Frequency | None = None


class ScheduleSection(_Section):
    """`[schedule]`: how tasks share the NPU."""

    policy: Policy = "fp"
    cut: Cut = "auto"
    """Where networks are cut; by default as little as the deadlines need."""
    cycles: Cycles = "worst"
    """Which NPU cycles deadlines are proved with."""


def _micro(value: object) -> object:
    """`"micro"` is the front end as it is."""
    return {} if value == "micro" else value


class InputSection(_Section):
    """`input`: where a task's frames come from: a file, or a generator."""

    file: Path | None = None
    generator: str | None = None
    """`random`, `constant`, `ramp`, or `package.module:function`."""
    mode: Literal["raw", "quantize"] = "raw"
    features: Annotated[FrontendSettings | None, BeforeValidator(_micro)] = None
    """`"micro"`, or settings of the audio front end: a wav file is read through it."""
    hop: Annotated[int, Field(gt=0)] | None = None
    """Samples between frames of a wav file, or frames of features from one input to the next; a
    whole input when absent."""
    array: str | None = None
    """Name of the array in an npz file."""
    seed: int = 0
    loop: bool = True


def _listed(value: object) -> object:
    """One table stands for a list of one."""
    return (value,) if isinstance(value, dict) else value


Inputs = Annotated[tuple[InputSection, ...], BeforeValidator(_listed), Field(min_length=1)]


class TaskSection(_Section):
    """`[tasks.NAME]`: one network with its timing."""

    model: Path
    signature: Annotated[str, Field(min_length=1)] | None = None
    """Which network of a file that holds several: a signature's key."""
    period: Duration
    deadline: Duration | None = None
    offset: Offset = 0
    jitter: Offset = 0
    """How long after its instant a release may come, such as with a sensor's frame; for proofs."""
    priority: Annotated[int, Field(ge=0, le=255)] | None = None
    """0 is the most urgent; by deadline (deadline monotonic) when absent."""
    overrun: Overrun = "skip"
    cpu: JobTime = 0
    """CPU time of one job in ns (pre- and post-processing)."""
    on_cpu: Layers = ()
    """Layers that the CPU is to run although the NPU could: names, or operators' indices."""
    sram: Size | None = None
    """Bytes that arena and scratch of the network may take; primitives are chosen within it."""
    cut: Cut | None = None
    optimise: Optimise | None = None
    arena_cache_size: Size | None = None
    input: Inputs = (InputSection(generator="random"),)
    """One for each input of the network, or one for all."""

    @property
    def deadline_ns(self) -> int:
        """Relative deadline; the period unless given."""
        return self.period if self.deadline is None else self.deadline


class _File(_Section):
    npu: NpuSection = NpuSection()
    board: BoardSection = BoardSection()
    schedule: ScheduleSection = ScheduleSection()
    operators: tuple[Path, ...] = ()
    """Python files with operators of the application's own, for the CPU."""
    tasks: Annotated[dict[str, TaskSection], Field(min_length=1, max_length=_MOST_TASKS)]


class Application:
    """A checked application file with its paths made absolute."""

    def __init__(self, path: Path, text: str, content: _File) -> None:
        self.path = path
        self.text = text
        self.npu = content.npu
        self.board = content.board
        self.schedule = content.schedule
        self.operators = content.operators
        self.tasks = content.tasks
        self.priorities = _priorities(path, content.tasks)

    def resolve(self, path: Path) -> Path:
        """Make a path of the file absolute; relative ones start at the file's own folder."""
        return Path(os.path.normpath(self.path.parent / path.expanduser()))

    def model(self, name: str) -> ModelFile:
        """The model of a task."""
        task = self.tasks[name]
        return ModelFile(self.resolve(task.model), task.signature)

    def cut(self, name: str) -> str | int:
        """How a task's network is cut."""
        own = self.tasks[name].cut
        return self.schedule.cut if own is None else own


def _priorities(path: Path, tasks: dict[str, TaskSection]) -> dict[str, int]:
    """Given priorities, or deadline monotonic order when none is given."""
    given = [name for name, task in tasks.items() if task.priority is not None]
    if given and len(given) < len(tasks):
        missing = next(name for name in tasks if name not in given)
        raise ApplicationError(
            "some tasks have a priority and some have none",
            where=f"{path}: tasks.{missing}.priority",
            found=f"priority of {', '.join(given)} only",
            expected="a priority for every task, or for none (then deadlines decide)",
            try_=f"add a priority to {missing}, or remove the others",
        )
    if given:
        return {name: task.priority or 0 for name, task in tasks.items()}
    order = sorted(tasks, key=lambda name: tasks[name].deadline_ns)
    return {name: rank for rank, name in enumerate(order)}


def load(path: str | os.PathLike[str]) -> Application:
    """Read and check an application file.

    Raises
    ------
    ApplicationError
        Not readable, not TOML, unknown or missing keys, wrong values, or files that are not there.
    """
    source = Path(path)
    try:
        raw = source.read_bytes()
    except OSError as error:
        raise ApplicationError(
            "cannot read the application file",
            where=source,
            found=error.strerror,
            expected="a TOML file",
            try_="hocket demo --write DIR makes one to start from",
        ) from error
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ApplicationError(
            "not a text file", where=source, found=str(error), expected="TOML 1.0 in UTF-8"
        ) from error
    return loads(text, source)


def loads(text: str, path: Path) -> Application:
    """Check the text of an application file that lies, or lay, at a path.

    Raises
    ------
    ApplicationError
        As `load`.
    """
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ApplicationError(
            "not a TOML file", where=path, found=str(error), expected="TOML 1.0 in UTF-8"
        ) from error
    try:
        content = _File.model_validate(tree)
    except ValidationError as error:
        raise explain(path, error, _File, ApplicationError) from None
    application = Application(path, text, content)
    _require_files(application)
    return application


def _require_files(application: Application) -> None:
    wanted = [("npu.config", p) for p in application.npu.config if not _is_velas_own(p)]
    wanted += [("operators", p) for p in application.operators]
    for name, task in application.tasks.items():
        wanted.append((f"tasks.{name}.model", task.model))
        for source in task.input:
            _require_one_source(application.path, name, source)
            if source.file is not None:
                wanted.append((f"tasks.{name}.input.file", source.file))
    for key, path in wanted:
        resolved = application.resolve(path)
        if not resolved.is_file():
            raise ApplicationError(
                "no such file",
                where=f"{application.path}: {key}",
                found=str(resolved),
                expected="a file, by a path relative to the application file",
                try_=_similar_file(resolved),
            )


def _is_velas_own(path: Path) -> bool:
    """Whether Vela finds it among its own configuration files, as `Arm/vela.ini`."""
    return len(path.parts) == 2 and not path.is_absolute() and path.parts[0] not in (".", "..")


def _require_one_source(path: Path, name: str, source: InputSection) -> None:
    if (source.file is None) == (source.generator is None):
        raise ApplicationError(
            "an input has one source",
            where=f"{path}: tasks.{name}.input",
            found="both a file and a generator" if source.file else "neither",
            expected="file or generator",
            try_='input = { generator = "random" }',
        )
    if source.features is not None and (source.file is None or source.mode != "raw"):
        raise ApplicationError(
            "features are made of a recording",
            where=f"{path}: tasks.{name}.input.features",
            found="a generator" if source.file is None else f'mode = "{source.mode}"',
            expected="a wav file, which features quantise by themselves",
            try_='input = { file = "recording.wav", features = "micro" }',
        )


def _similar_file(path: Path) -> str:
    if not path.parent.is_dir():
        return f"there is no folder {path.parent}"
    names = [entry.name for entry in path.parent.iterdir() if entry.is_file()]
    close = difflib.get_close_matches(path.name, names, n=1)
    return f"did you mean {close[0]}?" if close else "check the path"


POLICIES: tuple[str, ...] = get_args(Policy)
