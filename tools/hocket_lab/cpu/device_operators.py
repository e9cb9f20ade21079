# SPDX-License-Identifier: Apache-2.0
# mypy: ignore-errors
"""Runs on the device: packed operators over jobs in memory, compared and timed.

Typed at its prompt by `arm`. Words of the jobs are little-endian, addresses are the machine's.
"""

import array
import gc
import json
import struct
import time

import micropython
import uctypes

import hocket.ops

GUARD = 64
EVERY = 256


def words(at, n):
    return struct.unpack_from("<%dI" % n, uctypes.bytearray_at(at, 4 * n))


def view(at, n):
    return memoryview(uctypes.bytearray_at(at, n))


class Tensor:
    def __init__(self, place):
        self.raw = view(place[0], place[1])


def guard(place):
    return view(place[0] + place[1], GUARD)


class Empty:
    def step(self):
        return True


every = array.array("I", bytes(4 * EVERY))


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
        if found[2] + steps < EVERY:
            every[found[2] + steps] = taken
        steps += 1
        longest = max(longest, taken)
    found[0] = max(found[0], longest)
    found[1] = max(found[1], total)
    found[2] += steps
    return found


def fill(views, places, at, count):
    # Pairs of a tensor and the address of its contents; where the next word is.
    for _ in range(count):
        tensor, source = words(at, 2)
        at += 8
        views[tensor].raw[:] = view(source, places[tensor][1])
    return at


def make(views, places, at):
    code, params, size, scratch, scratch_size, given, results = words(at, 7)
    at += 28
    which = [views[k] for k in words(at, given + results)]
    memory = view(scratch, scratch_size)
    places.append((scratch, scratch_size))
    operator = hocket.ops.make(code, view(params, size), which[:given], which[given:], memory)
    return operator, memory, at + 4 * (given + results)


def difference(number, got, want):
    count = 0
    first = -1
    for i in range(len(want)):
        if got[i] != want[i]:
            count += 1
            if first < 0:
                first = i
    return number, first, got[first], want[first], count


def run(at, untouched):
    tensors, constants, operators, rounds = words(at, 4)
    at += 16
    places = [words(at + 8 * i, 2) for i in range(tensors)]
    at += 8 * tensors
    views = [Tensor(place) for place in places]
    at = fill(views, places, at, constants)
    made = []
    for _ in range(operators):
        operator, memory, at = make(views, places, at)
        made.append((operator, memory))
    found = [0, 0, 0]
    different = []
    for place in places:
        guard(place)[:] = untouched
    for number in range(rounds):
        given, results = words(at, 2)
        at = fill(views, places, at + 8, given)
        found[2] = 0
        for operator, memory in made:
            for i in range(len(memory)):
                memory[i] = 0xA5
            timed(operator, found)
        for _ in range(results):
            tensor, source = words(at, 2)
            at += 8
            want = view(source, places[tensor][1])
            if views[tensor].raw != want:
                different.append(difference(number, views[tensor].raw, want))
    for i, place in enumerate(places):
        if guard(place) != untouched:
            raise ValueError("wrote beyond memory %d of %d" % (i, len(views)))
    return different, found


def main(base):
    found = [0, 0, 0]
    timed(Empty(), found)
    print()
    print("#", found[0])
    jobs, guards = words(base, 2)
    untouched = view(guards, GUARD)
    for at in words(base + 8, jobs):
        gc.collect()
        try:
            different, found = run(at, untouched)
            count = sum(d[4] for d in different)
            print("#", json.dumps([different[:4], count, found, list(every[: found[2]])]))
        except Exception as error:
            print("#", json.dumps(repr(error)))
