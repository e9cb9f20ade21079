# SPDX-License-Identifier: Apache-2.0
# The NPU dispatcher: hands the NPU from one net to the next between segments, in its interrupt.
#
# A slot is the request of one net. All that the interrupt touches was allocated before: a block
# of words, the table of steps and the ring of the trace. The functions in viper work on 32-bit
# words without allocating, on targets of either word size, as long as no stored word is negative.
from array import array

import micropython
from micropython import const

from . import ethosu
from . import policy as policies
from .port import region_address, ticks_add
from .trace import put

_MASK = const(0x3FFFFFFF)  # as port._MASK
_HALF = const(0x20000000)  # as port._HALF
_SPAN_US = const(0x10000000)  # as port._SPAN_US
_NONE = const(255)  # no slot

# States of a slot.
_IDLE = const(0)
_READY = const(1)
_RUNNING = const(2)
_ABANDONED = const(3)  # its segment still runs, but nobody waits for it
_DONE = const(4)
_FAILED = const(5)

# Words of the block: the dispatcher's own, then a row a slot.
_COUNT = const(0)
_CURRENT = const(1)  # slot on the NPU
_SEQUENCE = const(2)
_STARTED = const(3)  # tick
_CHECK = const(4)  # tick of the watchdog's next look
_MARK = const(5)  # progress at its last look
_CYCLES = const(6)  # NPU's cycle counter at the start
_FINISHED = const(7)  # some slot needs the kernel
_ROTATES = const(8)
_DEAD = const(9)  # the NPU does not come out of reset
_HEAD = const(10)

_STATE = const(0)
_FIRST = const(1)
_LAST = const(2)
_STEP = const(3)
_RANK = const(4)
_TIE = const(5)
_ORDER = const(6)
_PRIORITY = const(7)
_SINCE = const(8)  # tick of the request
_BLOCKED = const(9)
_BLOCKED_MAX = const(10)
_BUSY_LOW = const(11)  # 30 bits
_BUSY_HIGH = const(12)
_REASON = const(13)
_ID = const(14)  # for the trace, in the upper half; index in the net of the step in _FIRST
_REGIONS = const(15)
_BASES = const(16)
_WAITER = const(24)  # task to be made ready once the slot came to its end, counted from 1
_ROW = const(25)

# Table of steps.
_QBASE = const(0)
_QSIZE = const(1)
_BUDGET = const(2)
_STEP_ROW = const(3)

# A segment may take this many times its worst-case cycles, and some time for the bus to settle,
# before the watchdog looks: the cycles are estimates, and a false alarm costs a good job.
_MARGIN = const(4)
_SETTLE_US = const(100)

# Registers by word.
_R_STATUS = const(0x4 >> 2)
_R_CMD = const(0x8 >> 2)
_R_QBASE0 = const(0x10 >> 2)
_R_QBASE1 = const(0x14 >> 2)
_R_QCONFIG = const(0x1C >> 2)
_R_QSIZE = const(0x20 >> 2)
_R_REGIONCFG = const(0x3C >> 2)
_R_BASEP0 = const(0x80 >> 2)
_R_PMCCNTR = const(0x1A0 >> 2)

_STATUS_IRQ = const(0x2)
_STATUS_FAULTS = const(0x194)
_STATUS_END = const(0x20)

_CMD_RUN = const(0xD)
_CMD_CLEAR_IRQ = const(0xE)
_QCONFIG_FLASH = const(2)

# Kinds of trace.
_START = const(2)  # as trace.START
_END = const(3)  # as trace.END
_FAULT = const(7)  # as trace.FAULT

_RESETTING = const(8)  # as ethosu._STATUS_RESETTING

_REGION_SLOTS = const(8)  # as _layout.REGION_SLOTS
_READ_ONLY = const(1)  # as _layout.REGION_KIND_READ_ONLY
_ARENA = const(2)  # as _layout.REGION_KIND_ARENA

# AXI ports of regions, as REGIONCFG has them.
_AXI_SRAM = const(0)
_AXI_UNUSED = const(1)
_AXI_FLASH = const(3)


# The ready slot to start next, or 255.
@micropython.viper
def choose(words) -> int:
    w = ptr32(words)  # noqa: F821
    best = _NONE
    b = 0
    if w[_DEAD]:
        return best
    for slot in range(w[_COUNT]):
        s = _HEAD + slot * _ROW
        if w[s + _STATE] == _READY:
            d = _HALF
            if best != _NONE:
                d = (w[s + _RANK] - w[b + _RANK]) & _MASK
                if d == 0:
                    d = (w[s + _TIE] - w[b + _TIE]) & _MASK
                if d == 0:
                    d = (w[s + _ORDER] - w[b + _ORDER]) & _MASK
            if d >= _HALF:
                best = slot
                b = s
    return best


# Puts a slot at the end of the sequence.
@micropython.viper
def _enqueue(words, slot: int):
    w = ptr32(words)  # noqa: F821
    sequence = (w[_SEQUENCE] + 1) & _MASK
    w[_SEQUENCE] = sequence
    w[_HEAD + slot * _ROW + _ORDER] = sequence


class Dispatcher:
    # nets in the order of their slots, ids as the trace is to name them.
    def __init__(self, app, policy, port, npu, ring, ids):
        count = len(app.nets)
        if count >= _NONE:
            raise ValueError("%d nets, must be fewer than %d" % (count, _NONE))
        self.npu = npu
        self.words = array("I", bytes(4 * (_HEAD + count * _ROW)))
        self._policy = policy
        self.rule = policies.rule(policy)
        self._port = port
        self._base = npu.base
        self._ring = ring
        self._ticks = port.ticks_us
        self.words[_COUNT] = count
        self.words[_CURRENT] = _NONE
        self.words[_ROTATES] = 1 if policy.rotates else 0
        for slot in range(count):
            self._set_up(app, slot, ids[slot])
        self._steps = array("I", bytes(4 * _STEP_ROW * sum([net.steps for net in app.nets])))
        for step in range(len(self._steps) // _STEP_ROW):
            at = step * _STEP_ROW
            budget = app.step_worst_cycles(step) * _MARGIN * 1000000 // app.npu_hz + _SETTLE_US
            self._steps[at + _QBASE] = (app.address + app.step_offset(step)) & 0xFFFFFFFF
            self._steps[at + _QSIZE] = app.step_size(step)
            self._steps[at + _BUDGET] = min(budget, _SPAN_US)
        if port.npu_dispatcher is not None:
            # The same in C, where the port has it: viper takes ten times the instructions.
            native = port.npu_dispatcher(self.words, self._steps, ring, self._base, self._fail)
            self.native = self.interrupt = native
            self.record = native.record
            self.sleep = native.sleep
            self.queue = native.queue
            self.take = native.take

    def _set_up(self, app, slot, id):
        net = app.nets[slot]
        w = self.words
        row = _HEAD + slot * _ROW
        w[row + _FIRST] = net.first_step
        w[row + _LAST] = net.first_step + net.steps - 1
        w[row + _ID] = id << 16
        regions = 0
        for i in range(_REGION_SLOTS):
            region = net.regions[i]
            port = _AXI_UNUSED
            if region[0] == _READ_ONLY:
                port = _AXI_FLASH
            elif region[0] == _ARENA:
                port = _AXI_SRAM
            regions |= port << 2 * i
            w[row + _BASES + i] = region_address(region, app, self._port.arena_base) & 0xFFFFFFFF
        w[row + _REGIONS] = regions

    # Lets the next requests of a slot be for a part of its net's steps: from its first step in the
    # application, the indices of the part's first and last.
    def part(self, slot, base, first, last):
        w = self.words
        row = _HEAD + slot * _ROW
        w[row + _FIRST] = base + first
        w[row + _LAST] = base + last
        w[row + _ID] = w[row + _ID] >> 16 << 16 | first

    # Requests all steps of a slot's net. The deadline is a tick; the waiter is a task's index.
    def submit(self, slot, priority, deadline, waiter=-1):
        policy = self._policy
        rank = policy.rank(priority, deadline)
        self.queue(slot, rank, policy.tie(priority), priority, waiter + 1)

    # Makes a slot ready from its first step on, and starts it if the NPU is free. The interrupt
    # leaves a slot alone that is not ready, so only the last part needs it disabled.
    def queue(self, slot, rank, tie, priority, waiter):
        w = self.words
        row = _HEAD + slot * _ROW
        w[row + _RANK] = rank
        w[row + _TIE] = tie
        w[row + _PRIORITY] = priority
        w[row + _WAITER] = waiter
        w[row + _STEP] = w[row + _FIRST]
        w[row + _SINCE] = self._ticks()
        w[row + _BLOCKED] = 0
        irq = self._port.disable_irq()
        _enqueue(w, slot)
        if w[_DEAD]:
            w[row + _REASON] = _RESETTING
            w[row + _STATE] = _FAILED
            w[_FINISHED] = 1
        else:
            w[row + _STATE] = _READY
            if w[_CURRENT] == _NONE:
                self._start(choose(w))
        self._port.enable_irq(irq)

    # Writes a record of the trace; the interrupt writes there too.
    def record(self, tick, kind, detail):
        irq = self._port.disable_irq()
        put(self._ring, tick, kind, detail)
        self._port.enable_irq(irq)

    # The same about a step of a slot's net.
    def note(self, kind, slot, step):
        id = self.words[_HEAD + slot * _ROW + _ID] >> 16
        self.record(self._ticks(), kind, id << 16 | step)

    # To an interrupt or a tick, unless a slot has finished; None for an interrupt alone.
    def sleep(self, until):
        self._port.idle(until)

    # True once the slot is free; else its segment runs on and the kernel hears of its end.
    def cancel(self, slot):
        w = self.words
        row = _HEAD + slot * _ROW
        irq = self._port.disable_irq()
        running = w[_CURRENT] == slot
        w[row + _STATE] = _ABANDONED if running else _IDLE
        w[row + _WAITER] = 0
        self._port.enable_irq(irq)
        return not running

    # True if nothing of the slot is queued or running.
    def idle(self, slot):
        return self.words[_HEAD + slot * _ROW + _STATE] == _IDLE

    # True if a wait for the slot is over.
    def ended(self, slot):
        state = self.words[_HEAD + slot * _ROW + _STATE]
        return state == _IDLE or state >= _DONE

    # Frees an ended slot: 0, or the reason why it failed.
    def take(self, slot):
        row = _HEAD + slot * _ROW
        failed = self.words[row + _STATE] == _FAILED
        self.words[row + _STATE] = _IDLE
        return self.words[row + _REASON] if failed else 0

    # Makes a task wait until the segment of a request that was given up is over.
    def drain(self, slot, waiter):
        self.words[_HEAD + slot * _ROW + _WAITER] = waiter + 1

    # The task that waits for a slot, once when it came to its end; else -1.
    def wake(self, slot):
        row = _HEAD + slot * _ROW
        waiter = self.words[row + _WAITER]
        if waiter and self.ended(slot):
            self.words[row + _WAITER] = 0
        else:
            waiter = 0
        return waiter - 1

    # Slot and step on the NPU, for those who watch; None when it is idle.
    @property
    def running(self):
        slot = self.words[_CURRENT]
        if slot == _NONE:
            return None
        row = _HEAD + slot * _ROW
        step = self.words[row + _STEP] - self.words[row + _FIRST]
        return slot, step + (self.words[row + _ID] & 0xFFFF)

    @property
    def busy(self):
        return self.words[_CURRENT] != _NONE

    # Tick at which watch() is to be called while a segment runs.
    @property
    def check(self):
        return self.words[_CHECK]

    # Judges a segment that is over its time by whether the NPU still reads its stream.
    def watch(self, now):
        w = self.words
        if w[_CURRENT] == _NONE or (now - w[_CHECK]) & _MASK >= _HALF:
            return
        irq = self._port.disable_irq()
        slot = w[_CURRENT]
        if slot != _NONE and not self.npu.status() & _STATUS_IRQ:
            progress = self.npu.progress()
            if progress != w[_MARK]:
                w[_MARK] = progress
                step = w[_HEAD + slot * _ROW + _STEP]
                budget = self._steps[step * _STEP_ROW + _BUDGET] // 2
                w[_CHECK] = ticks_add(now, budget)
            else:
                self._leave(now)
                self._fail(slot, ethosu.HUNG, now)
                slot = choose(w)
                if slot != _NONE:
                    self._start(slot)
        self._port.enable_irq(irq)

    # The NPU's interrupt, called with its number.
    @micropython.viper
    def interrupt(self, number):
        npu = ptr32(self._base)  # noqa: F821
        status = npu[_R_STATUS]
        if status & _STATUS_IRQ == 0:
            return
        npu[_R_CMD] = _CMD_CLEAR_IRQ
        w = ptr32(self.words)  # noqa: F821
        slot = w[_CURRENT]
        if slot == _NONE:
            return
        now = int(self._ticks())
        self._leave(now)
        s = _HEAD + slot * _ROW
        if status & _STATUS_FAULTS != 0 or status & _STATUS_END == 0:
            self._fail(slot, status & 0xFFFF, now)
        elif w[s + _STATE] == _ABANDONED:
            w[s + _STATE] = _IDLE
            w[_FINISHED] = 1
        elif w[s + _STEP] == w[s + _LAST]:
            w[s + _STATE] = _DONE
            w[_FINISHED] = 1
        else:
            w[s + _STEP] += 1
            w[s + _STATE] = _READY
            if w[_ROTATES]:
                _enqueue(self.words, slot)
        slot = int(choose(self.words))
        if slot != _NONE:
            self._start(slot)

    # Starts the next segment of a slot.
    @micropython.viper
    def _start(self, slot: int):
        charge = self._port.charge_dispatch
        if charge:
            charge()
        w = ptr32(self.words)  # noqa: F821
        npu = ptr32(self._base)  # noqa: F821
        steps = ptr32(self._steps)  # noqa: F821
        s = _HEAD + slot * _ROW
        step = w[s + _STEP]
        t = step * _STEP_ROW
        npu[_R_QBASE0] = steps[t + _QBASE]
        npu[_R_QBASE1] = 0
        npu[_R_QSIZE] = steps[t + _QSIZE]
        npu[_R_QCONFIG] = _QCONFIG_FLASH
        npu[_R_REGIONCFG] = w[s + _REGIONS]
        for i in range(_REGION_SLOTS):
            npu[_R_BASEP0 + 2 * i] = w[s + _BASES + i]
            npu[_R_BASEP0 + 2 * i + 1] = 0
        now = int(self._ticks())
        w[s + _STATE] = _RUNNING
        w[_CURRENT] = slot
        w[_STARTED] = now
        w[_CHECK] = (now + steps[t + _BUDGET]) & _MASK
        w[_MARK] = 0
        w[_CYCLES] = npu[_R_PMCCNTR]
        step -= w[s + _FIRST]
        put(self._ring, now, _START, w[s + _ID] + (step & 0xFFFF))
        npu[_R_CMD] = _CMD_RUN

    # Takes the current slot off the NPU and books what its segment cost itself and others.
    @micropython.viper
    def _leave(self, now: int):
        w = ptr32(self.words)  # noqa: F821
        npu = ptr32(self._base)  # noqa: F821
        s = _HEAD + w[_CURRENT] * _ROW
        w[_CURRENT] = _NONE
        busy = w[s + _BUSY_LOW] + ((npu[_R_PMCCNTR] - w[_CYCLES]) & _MASK)
        w[s + _BUSY_LOW] = busy & _MASK
        w[s + _BUSY_HIGH] += (busy >> 30) & 1
        priority = w[s + _PRIORITY]
        held = (now - w[_STARTED]) & _MASK
        for slot in range(w[_COUNT]):
            o = _HEAD + slot * _ROW
            if w[o + _STATE] == _READY and w[o + _PRIORITY] < priority:
                waited = (now - w[o + _SINCE]) & _MASK
                if waited > held:  # noqa: PLR1730 - min() would be a call
                    waited = held
                waited = (w[o + _BLOCKED] + waited) & _MASK
                w[o + _BLOCKED] = waited
                if waited > w[o + _BLOCKED_MAX]:  # noqa: PLR1730
                    w[o + _BLOCKED_MAX] = waited
        step = w[s + _STEP] - w[s + _FIRST]
        put(self._ring, now, _END, w[s + _ID] + (step & 0xFFFF))

    # Fails a slot that is off the NPU already, and makes the NPU usable again.
    def _fail(self, slot, reason, now):
        w = self.words
        row = _HEAD + slot * _ROW
        put(self._ring, now, _FAULT, w[row + _ID] >> 16 << 16 | reason & 0xFFFF)
        abandoned = w[row + _STATE] == _ABANDONED
        w[row + _STATE] = _IDLE if abandoned else _FAILED
        w[row + _REASON] = reason
        w[_FINISHED] = 1
        if not self.npu.reset():
            w[_DEAD] = 1
            for row in range(_HEAD, len(w), _ROW):
                if w[row + _STATE] == _READY:
                    w[row + _REASON] = reason | _RESETTING
                    w[row + _STATE] = _FAILED

    # Figures of a slot: the longest time that its job was blocked, and NPU cycles.
    def blocking_max_us(self, slot):
        return self.words[_HEAD + slot * _ROW + _BLOCKED_MAX]

    def cycles(self, slot):
        row = _HEAD + slot * _ROW
        return self.words[row + _BUSY_HIGH] << 30 | self.words[row + _BUSY_LOW]

    def clear(self, slot):
        for field in (_BLOCKED_MAX, _BUSY_LOW, _BUSY_HIGH):
            self.words[_HEAD + slot * _ROW + field] = 0

    # Stops the NPU and forgets all requests.
    def close(self):
        w = self.words
        irq = self._port.disable_irq()
        if w[_CURRENT] != _NONE and not self.npu.stop():
            self.npu.reset()
        w[_CURRENT] = _NONE
        for row in range(_HEAD, len(w), _ROW):
            w[row + _STATE] = _IDLE
        self.npu.release()
        self._port.enable_irq(irq)
