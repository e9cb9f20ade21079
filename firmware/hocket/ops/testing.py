# SPDX-License-Identifier: Apache-2.0
# Checks packed operators against expected outputs: a file of jobs, one JSON object a line. Plain
# enough for MicroPython, where it locks the heap around each step; prints one JSON object a job.
import json
import sys
import time
from binascii import unhexlify

import micropython

from . import make


class _Tensor:
    def __init__(self, size):
        self.raw = memoryview(bytearray(size))


# All steps of an inference, with the heap locked: one that allocates raises MemoryError.
def infer_locked(operator):
    done = False
    steps = 0
    while not done:
        micropython.heap_lock()
        try:
            done = operator.step()
        finally:
            micropython.heap_unlock()
        steps += 1
    return steps


def _fill(tensor, data):
    tensor.raw[:] = unhexlify(data)


def _operator(described, tensors):
    params = memoryview(bytearray(unhexlify(described["params"])))
    scratch = memoryview(bytearray(described["scratch"]))
    given = [tensors[i] for i in described["inputs"]]
    results = [tensors[i] for i in described["outputs"]]
    return make(described["code"], params, given, results, scratch), scratch


# {"id", "mismatches", "elements", "first", "steps", "ns"} of one job: operators in a row, over
# tensors that they share; ns are of the shortest inference.
def check(job):
    tensors = {}
    for index, size in job["tensors"].items():
        tensors[int(index)] = _Tensor(size)
    for index, data in job["constants"].items():
        _fill(tensors[int(index)], data)
    operators = [_operator(described, tensors) for described in job["operators"]]
    mismatches = 0
    elements = 0
    first = None
    steps = 0
    least_ns = None
    for number, rnd in enumerate(job["rounds"]):
        for index, data in rnd[0].items():
            _fill(tensors[int(index)], data)
        steps = 0
        ns = 0
        for operator, memory in operators:
            # Scratch holds nothing that an operator may rely on when it begins.
            for i in range(len(memory)):
                memory[i] = 0xA5
            start_ns = time.time_ns()
            steps += infer_locked(operator)
            ns += time.time_ns() - start_ns
        if least_ns is None or ns < least_ns:
            least_ns = ns
        for index, data in rnd[1].items():
            want = unhexlify(data)
            got = bytes(tensors[int(index)].raw)
            elements += len(want)
            if got != want:
                differ = [i for i in range(len(want)) if got[i] != want[i]]
                mismatches += len(differ)
                if first is None:
                    i = differ[0]
                    first = [number, i, got[i], want[i]]
    return {
        "id": job["id"], "mismatches": mismatches, "elements": elements, "first": first,
        "steps": steps, "ns": least_ns,
    }  # fmt: skip


# All jobs of a file.
def main(jobs):
    with open(jobs) as lines:
        for line in lines:
            job = json.loads(line)
            try:
                print(json.dumps(check(job)))
            except Exception as error:
                sys.print_exception(error)
                print(json.dumps({"id": job["id"], "error": repr(error)}))
