# SPDX-License-Identifier: Apache-2.0
"""Runs packed operators on the ARM image, on the bundled emulator, and counts processor cycles.

Jobs lie in the memory that is flash on the board, and tensors where arenas are. Behind each tensor
and scratch lies a guard that must not change: an operator that writes beyond its memory is found
even where its results are right.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hocket_host.board import board as boards
from hocket_host.errors import HocketError
from hocket_host.units import NS_PER_S
from hocket_tools.run import BackEndError, Machine, create, missing, open_guest

from .check import Job

#: Where the image's firmware is built.
FIRMWARE = Path("build/firmware/corstone300/firmware.elf")

_GUARD = bytes([0x5A]) * 64
_ALIGN = 16
_SLICE_NS = 20_000_000
_LIMIT_NS = 3600 * NS_PER_S
_ENTER_RAW, _RUN, _END = b"\x01", b"\x04", b"\x04"
_READY = b"raw REPL; CTRL-B to exit\r\n>"

#: Words of the blob are little-endian; addresses are the machine's.
_SCRIPT = """
import array, gc, json, micropython, struct, time, uctypes
import hocket.ops

def words(at, n):
    return struct.unpack_from("<%dI" % n, uctypes.bytearray_at(at, 4 * n))

def view(at, n):
    return memoryview(uctypes.bytearray_at(at, n))

class Tensor:
    def __init__(self, place):
        self.raw = view(place[0], place[1])

def guard(place):
    return view(place[0] + place[1], 64)

class Empty:
    def step(self):
        return True

every = array.array("I", bytes(4 * 256))

def timed(operator, found, now=time.ticks_cpu, diff=time.ticks_diff):
    longest = total = steps = 0
    done = False
    while not done:
        micropython.heap_lock()
        start = now()
        try:
            done = operator.step()
            taken = diff(now(), start)
        finally:
            micropython.heap_unlock()
        total += taken
        if found[2] + steps < 256:
            every[found[2] + steps] = taken
        steps += 1
        if taken > longest:
            longest = taken
    found[0] = max(found[0], longest)
    found[1] = max(found[1], total)
    found[2] += steps
    return found

def run(at):
    tensors, constants, operators, rounds = words(at, 4)
    at += 16
    places = [words(at + 8 * i, 2) for i in range(tensors)]
    at += 8 * tensors
    views = [Tensor(place) for place in places]
    for i in range(constants):
        tensor, source = words(at, 2)
        at += 8
        views[tensor].raw[:] = view(source, places[tensor][1])
    made = []
    untouched = view(words(BASE + 4, 1)[0], 64)
    for i in range(operators):
        code, params, size, scratch, scratch_size, given, results = words(at, 7)
        at += 28
        which = [views[k] for k in words(at, given + results)]
        at += 4 * (given + results)
        memory = view(scratch, scratch_size)
        places.append((scratch, scratch_size))
        operator = hocket.ops.make(
            code, view(params, size), which[:given], which[given:], memory
        )
        made.append((operator, memory))
    found = [0, 0, 0]
    different = []
    for place in places:
        guard(place)[:] = untouched
    for number in range(rounds):
        given, results = words(at, 2)
        at += 8
        for i in range(given):
            tensor, source = words(at, 2)
            at += 8
            views[tensor].raw[:] = view(source, places[tensor][1])
        found[2] = 0
        for operator, memory in made:
            for i in range(len(memory)):
                memory[i] = 0xA5
            timed(operator, found)
        for i in range(results):
            tensor, source = words(at, 2)
            at += 8
            want = view(source, places[tensor][1])
            got = views[tensor].raw
            if got != want:
                n = 0
                first = -1
                for i in range(len(want)):
                    if got[i] != want[i]:
                        n += 1
                        if first < 0:
                            first = i
                different.append((number, first, got[first], want[first], n))
    for i in range(len(places)):
        if guard(places[i]) != untouched:
            raise ValueError("wrote beyond memory %d of %d" % (i, len(views)))
    return different, found

def main():
    found = [0, 0, 0]
    timed(Empty(), found)
    print()
    print("#", found[0])
    for at in words(BASE + 8, words(BASE, 1)[0]):
        gc.collect()
        try:
            different, found = run(at)
            print("#", json.dumps([different[:4], sum(d[4] for d in different), found,
                                  list(every[:found[2]])]))
        except Exception as error:
            print("#", json.dumps(repr(error)))

main()
"""


class ArmError(HocketError):
    """The comparison on the ARM image did not come to its end."""


def available(elf: Path = FIRMWARE) -> str | None:
    """Why nothing can run on the ARM image here, or None."""
    lacking = missing("unicorn")
    if lacking is not None:
        return lacking
    return None if elf.is_file() else f"no firmware image {elf}: make firmware"


class _Layout:
    """Bytes in flash, and where tensors lie in SRAM."""

    def __init__(self, flash: int, sram: int, sram_size: int) -> None:
        self.flash = flash
        self.blob = bytearray()
        self.sram = sram
        self.end = sram + sram_size
        self.at = sram

    def put(self, data: bytes) -> int:
        self.blob += bytes(-len(self.blob) % _ALIGN)
        at = self.flash + len(self.blob)
        self.blob += data
        return at

    def reserve(self, size: int, name: str) -> int:
        at = self.at
        self.at = -(-(at + size + len(_GUARD)) // _ALIGN) * _ALIGN
        if self.at > self.end:
            raise ArmError(
                "a job does not fit the image's memory", where=name, found=f"{self.at - self.sram}",
                expected=f"at most {self.end - self.sram} bytes of tensors and scratch",
            )  # fmt: skip
        return at

    def forget(self) -> None:
        """Begin with the tensors of another job."""
        self.at = self.sram


def _words(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}I", *values)


def _place(job: Job, layout: _Layout) -> int:
    """Put one job into the layout; its address."""
    layout.forget()
    index = {name: number for number, name in enumerate(job["tensors"])}
    tensors = [(layout.reserve(size, job["id"]), size) for size in job["tensors"].values()]
    words: list[int] = [w for tensor in tensors for w in tensor]

    def contents(values: dict[str, str]) -> Iterator[int]:
        for name, data in values.items():
            yield from (index[name], layout.put(bytes.fromhex(data)))

    words += contents(job["constants"])
    for described in job["operators"]:
        params = bytes.fromhex(described["params"])
        scratch = layout.reserve(described["scratch"], job["id"])
        words += [described["code"], layout.put(params), len(params), scratch]
        words += [described["scratch"], len(described["inputs"]), len(described["outputs"])]
        words += [index[str(i)] for i in (*described["inputs"], *described["outputs"])]
    for given, results in job["rounds"]:
        words += [len(given), len(results), *contents(given), *contents(results)]
    counts = (len(tensors), len(job["constants"]), len(job["operators"]), len(job["rounds"]))
    return layout.put(_words(*counts, *words))


class _Console:
    """Lines that the image prints with a mark."""

    def __init__(self) -> None:
        self.text = bytearray()
        self._seen = 0

    def lines(self) -> list[str]:
        """Whole marked lines since the last call."""
        end = self.text.rfind(b"\n") + 1
        new = self.text[self._seen : end].decode(errors="replace")
        self._seen = max(self._seen, end)
        return [line[2:].strip() for line in new.split("\n") if line.startswith("# ")]


def _boot(machine: Machine, console: _Console) -> None:
    machine.feed(_ENTER_RAW)
    while _READY not in console.text:
        if machine.now_ns > NS_PER_S or machine.run_for(_SLICE_NS).reason == "exit":
            raise ArmError("the image has no REPL", found=repr(bytes(console.text[-300:])))


def run_on_arm(jobs: Sequence[Job], elf: Path = FIRMWARE) -> list[dict[str, Any]]:
    """Run jobs on the ARM image, with the heap locked in each step.

    Parameters
    ----------
    jobs
        As `check.job_of` makes them.
    elf
        The image.

    Returns
    -------
    list of dict
        As of the other interpreters, and of the inferences of a job the greatest: ``cycles`` of one
        inference, ``step_cycles`` of one step, without those of the measurement; of the last
        inference ``every_step_cycles`` of its first steps.

    Raises
    ------
    ArmError
        The image ended or failed, or an operator wrote beyond its memory.
    BackEndError
        The emulator or the image is missing.
    """
    why = available(elf)
    if why is not None:
        raise BackEndError("the ARM image cannot be run here", found=why, expected="both")
    return list(_run(jobs, elf))


def _run(jobs: Sequence[Job], elf: Path) -> Iterator[dict[str, Any]]:
    guest = open_guest(elf, None)
    board = boards.load("corstone300")
    layout = _Layout(board.flash_base, board.arena_base, board.arena_size)
    # The number of jobs, the guard, and where jobs are.
    layout.put(bytes(4 * (len(jobs) + 2)))
    guard = layout.put(_GUARD)
    places = [_place(job, layout) for job in jobs]
    layout.blob[: 4 * (len(jobs) + 2)] = _words(len(jobs), guard, *places)
    console = _Console()
    machine = create("unicorn", replace(guest, container=bytes(layout.blob)), console.text.extend)
    _boot(machine, console)
    machine.feed(f"BASE = {layout.flash}\n{_SCRIPT}".encode() + _RUN)
    done = -1
    overhead = 0
    while done < len(jobs):
        stop = machine.run_for(_SLICE_NS)
        for line in console.lines():
            if done < 0:
                overhead = json.loads(line)
            else:
                yield _result(jobs[done], json.loads(line), overhead)
            done += 1
        if done < len(jobs) and (stop.reason != "time" or machine.now_ns > _LIMIT_NS):
            raise ArmError(
                "the image did not finish",
                where=jobs[max(done, 0)]["id"],
                found=repr(bytes(console.text[-1500:])),
            )


def _result(job: Job, found: Any, overhead: int) -> dict[str, Any]:
    if isinstance(found, str):
        raise ArmError("an operator failed on the ARM image", where=job["id"], found=found)
    different, mismatches, (longest, total, steps), every = found
    return {
        "id": job["id"],
        "mismatches": mismatches,
        "elements": sum(len(v) // 2 for _, out in job["rounds"] for v in out.values()),
        "first": different[0][:4] if different else None,
        "steps": steps,
        "step_cycles": longest - overhead,
        "cycles": total - steps * overhead,
        "every_step_cycles": [taken - overhead for taken in every],
    }
