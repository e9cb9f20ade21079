# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: F821, PLR1730 - viper has its own names, and a call costs more than a branch
# Boxes out of encodings and anchors, and the best of them that do not overlap: the tail of SSD
# networks. Greatest scores are looked for again after each detection rather than sorted, so what
# overlaps it is put out on the same way through the boxes.
import micropython
from micropython import const

from .bounds import fits, number
from .doubles import place
from .floats import combine
from .overlap import insert, search, settle, words

# Words of the parameters; behind them tables, floats and anchors.
_BOXES = const(0)
_COLUMNS = const(1)  # scores a box
_CLASSES = const(2)
_LIMIT = const(3)  # detections by one search
_MOST = const(4)  # detections in all
_SEARCHES = const(5)  # one of every class, or one of each box's best class
_FAST = const(6)
_ENCODING = const(7)  # type: int8, uint8 or float32
_WIDTH = const(8)  # elements a box encoding
_SCORE = const(9)  # type, too
_LEAST = const(10)  # score of a detection, as floats' bits or as a quantised value
_OVERLAP = const(11)  # the greatest of two detections: bits of a float
_TABLES = const(12)  # words at which the tables are, by coordinate: y, x, h, w
_KEYS = const(16)  # word of the floats that stand for the quantised encodings
_REALS = const(17)  # word of the floats that scores are
_ANCHORS = const(18)  # word of the anchors
_CHUNKS = const(19)  # boxes scored, seen, compared; rows written; detections moved
_HEAD = const(24)

_ENTRY = const(6)  # halves of an entry: exponent and sign, 53 bits of the fraction by 12

# Words of the state, at the start of scratch; the first is free.
_BEST = const(1)
_COUNT = const(2)
_WORK = const(4)  # of doubles.place
_LOW = const(20)  # two corners, each of four floats at most
_HIGH = const(24)
_SUM = const(28)
_STATE = const(29)

_ADD = const(0)  # as ops.floats._ADD
_SUB = const(1)  # as ops.floats._SUB
_MUL = const(2)  # as ops.floats._MUL
_DIV = const(3)  # as ops.floats._DIV

_INT8 = const(0)  # as ops.fixed._INT8
_UINT8 = const(1)  # as ops.fixed._UINT8
_FLOAT32 = const(3)  # as ops.fixed._INT32


# Which entry of the tables an encoding is: of floats by search among those that there can be.
@micropython.viper
def entry_of(params, source, kind: int, at: int, keys: int) -> int:
    s8 = ptr8(source)
    s16 = ptr16(source)
    p16 = ptr16(params)
    if kind == _INT8:
        return s8[at] ^ 0x80
    if kind == _UINT8:
        return s8[at]
    v = (s16[2 * at + 1] & 0x7FFF) << 16 | s16[2 * at]
    if s16[2 * at + 1] & 0x8000:
        v = 0 - v
    low = 0
    high = 255
    while low < high:
        i = low + high >> 1
        k = (p16[2 * (keys + i) + 1] & 0x7FFF) << 16 | p16[2 * (keys + i)]
        if p16[2 * (keys + i) + 1] & 0x8000:
            k = 0 - k
        if k < v:
            low = i + 1
        else:
            high = i
    return low


# Scores of boxes at .. at + n for a search, and whether they may be detections; of the fast way the
# greatest of a box, whose class is returned for the last one.
@micropython.viper
def rate(params, source, scores, flags, column: int, at: int, n: int) -> int:
    p = ptr32(params)
    p16 = ptr16(params)
    s8 = ptr8(source)
    s16 = ptr16(source)
    o = ptr32(scores)
    f = ptr8(flags)
    kind = p[_SCORE]
    count = 1
    if p[_FAST]:
        count = p[_CLASSES]
    least = (p16[2 * _LEAST + 1] & 0x7FFF) << 16 | p16[2 * _LEAST]
    if p16[2 * _LEAST + 1] & 0x8000:
        least = 0 - least
    found = 0
    for i in range(at, at + n):
        j = i * p[_COLUMNS] + p[_COLUMNS] - p[_CLASSES] + column
        best = 0
        for c in range(count):
            if kind == _INT8:
                v = (s8[j] ^ 0x80) - 0x80
            elif kind == _UINT8:
                v = s8[j]
            else:
                v = (s16[2 * j + 1] & 0x7FFF) << 16 | s16[2 * j]
                if s16[2 * j + 1] & 0x8000:
                    v = 0 - v
            j += 1
            if c == 0:
                best = v
                found = 0
            elif v > best:
                best = v
                found = c
        o[i] = best
        f[i] = 0
        if best >= least:
            f[i] = 1
    return found


# An integer of up to 16 bits as a float.
@micropython.viper
def from_int(out, at: int, value: int):
    o = ptr16(out)
    e = 0
    if value:
        e = 127 + 23
        while value < 0x800000:
            value = value << 1
            e -= 1
    o[2 * at] = value & 0xFFFF
    o[2 * at + 1] = e << 7 | value >> 16 & 0x7F


# Detections at .. at + n into the outputs; zeros behind the last one.
@micropython.viper
def write(params, state, listed, boxes, source, into, of_class, of_score, at: int, n: int):
    p = ptr32(params)
    x = ptr16(source)
    p16 = ptr16(params)
    s = ptr32(state)
    q = ptr16(listed)
    b = ptr16(boxes)
    o = ptr16(into)
    c = ptr16(of_class)
    r = ptr16(of_score)
    for i in range(at, at + n):
        k = 8 * i
        if i < s[_COUNT]:
            j = 8 * (q[k + 3] << 16 | q[k + 2])
            for h in range(8):
                o[k + h] = b[j + h]
            e = 0
            v = q[k + 4]
            if v:
                e = 127 + 23
                while v < 0x800000:
                    v = v << 1
                    e -= 1
            c[2 * i] = v & 0xFFFF
            c[2 * i + 1] = e << 7 | v >> 16 & 0x7F
            if p[_SCORE] == _FLOAT32:
                j = (j >> 3) * p[_COLUMNS] + p[_COLUMNS] - p[_CLASSES] + q[k + 4]
                r[2 * i] = x[2 * j]
                r[2 * i + 1] = x[2 * j + 1]
            else:
                v = q[k] & 0xFF
                if p[_SCORE] == _INT8:
                    v = v ^ 0x80
                v = 2 * (p[_REALS] + v)
                r[2 * i] = p16[v]
                r[2 * i + 1] = p16[v + 1]
        else:
            for h in range(8):
                o[k + h] = 0
            for h in range(2):
                c[2 * i + h] = 0
                r[2 * i + h] = 0


@micropython.viper
def poke(state, at: int, value: int):
    s = ptr32(state)
    s[at] = value


@micropython.viper
def peek(state, at: int) -> int:
    s = ptr32(state)
    return s[at]


class Detect:
    def __init__(self, params, inputs, outputs, scratch):
        fits("parameters", params, _HEAD, 4)
        self.params = params
        self.encodings = inputs[0].raw
        self.rates = inputs[1].raw
        self.into, self.of_class, self.of_score, self.number = (t.raw for t in outputs)
        n = number(params, _BOXES, 1, 0x7FFF)
        self.boxes_count = n
        self.most = most = number(params, _MOST, 1, 0x7FFF)
        self.limit = number(params, _LIMIT, 1)
        classes = number(params, _CLASSES, 1, 0x7FFF)
        columns = number(params, _COLUMNS, classes, 0x7FFF)
        self.fast = number(params, _FAST, 0, 1)
        self.searches = number(params, _SEARCHES, 1, 1 if self.fast else classes)
        self.kind = number(params, _ENCODING, 0, _FLOAT32)
        self.width = number(params, _WIDTH, 4, 0x7FFF)
        wide = 4 if self.kind > 1 else 1
        fits("box encodings", self.encodings, self.width * n, wide)
        kind = number(params, _SCORE, 0, _FLOAT32)
        fits("scores", self.rates, columns * n, 4 if kind > 1 else 1)
        for what, memory, size in (
            ("boxes", self.into, 16 * most), ("classes", self.of_class, 4 * most),
            ("scores of detections", self.of_score, 4 * most), ("number", self.number, 4),
            ("scratch", scratch, 4 * _STATE + 25 * n + 16 * most),
        ):  # fmt: skip
            fits(what, memory, size)
        last = len(params) // 4
        self.keys = number(params, _KEYS, _HEAD, last - 256)
        number(params, _REALS, 0, last - 256)
        self.anchors = 2 * number(params, _ANCHORS, _HEAD, last - 4 * n)
        entries = last - 128 * _ENTRY
        self.tables = tuple([2 * number(params, _TABLES + i, _HEAD, entries) for i in range(4)])
        self.chunks = tuple([number(params, _CHUNKS + i, 1) for i in range(5)])
        self.state = scratch[: 4 * _LOW]
        self.low = scratch[4 * _LOW : 4 * _HIGH]
        self.high = scratch[4 * _HIGH : 4 * _SUM]
        self.sum = scratch[4 * _SUM : 4 * _STATE]
        at = 4 * _STATE
        self.boxes = scratch[at : at + 16 * n]
        at += 16 * n
        self.areas = scratch[at : at + 4 * n]
        at += 4 * n
        self.scores = scratch[at : at + 4 * n]
        at += 4 * n
        self.listed = scratch[at : at + 16 * self.most]
        at += 16 * self.most
        self.flags = scratch[at : at + n]
        self.reset()

    # Gives up an inference under way.
    def reset(self):
        self.phase = 0
        self.at = 0
        self.column = 0
        self.chosen = -1
        self.found = 0
        self.label = 0

    def step(self):
        phase = self.phase
        if phase == 0:
            self.decode()
        elif phase == 1:
            self.rate()
        elif phase == 2:
            self.look()
        elif phase == 3:
            self.choose()
        elif phase == 4:
            self.insert()
        else:
            return self.write()
        return False

    # Centres of a box in one step, its corners and area in the next.
    def decode(self):
        i = self.at >> 1
        first = self.width * i
        size = self.anchors + 8 * i
        corners = 2 * (self.at & 1)
        into = self.high if corners else self.low
        for axis in range(2):
            k = corners + axis
            entry = entry_of(self.params, self.encodings, self.kind, first + k, self.keys)
            entry = self.tables[k] + _ENTRY * entry
            centre = 0 if corners else size + 2 * axis
            place(0, 0, 0, self.params, entry, size + 4 + 2 * axis, centre, self.state, _WORK,
                  into, axis)  # fmt: skip
        if corners:
            low = self.low
            high = self.high
            words(low, 2, low, 0, 2, 0)
            words(high, 2, high, 0, 2, 1)
            combine(0, 0, 0, _SUB, low, high, 4)
            words(self.boxes, 4 * i, low, 0, 4, 0)
            words(high, 0, low, 2, 2, 0)
            combine(0, 0, 0, _SUB, high, low, 2)
            words(low, 0, high, 1, 1, 0)
            combine(0, 0, 0, _MUL, high, low, 1)
            words(self.areas, i, high, 0, 1, 0)
        self.at += 1
        if self.at == 2 * self.boxes_count:
            poke(self.state, _COUNT, 0)
            self.at = 0
            self.phase = 1

    def rate(self):
        n = min(self.chunks[0], self.boxes_count - self.at)
        rate(self.params, self.rates, self.scores, self.flags, self.column, self.at, n)
        self.at += n
        if self.at == self.boxes_count:
            self.begin(-1)

    def begin(self, chosen):
        self.chosen = chosen
        self.at = 0
        self.phase = 2
        poke(self.state, _BEST, 0)

    # Some boxes, up to the first of which the common part with the chosen one must be measured.
    def look(self):
        at = self.at
        chosen = self.chosen
        end = min(self.boxes_count, at + self.chunks[1 if chosen < 0 else 2])
        low = self.low
        high = self.high
        i = search(self.state, self.boxes, self.scores, self.flags, low, high, chosen, at, end)
        if i < end:
            combine(0, 0, 0, _SUB, high, low, 2)
            words(low, 0, high, 1, 1, 0)
            combine(0, 0, 0, _MUL, high, low, 1)
            words(low, 0, self.areas, chosen, 1, 0)
            words(self.sum, 0, self.areas, i, 1, 0)
            combine(0, 0, 0, _ADD, low, self.sum, 1)
            combine(0, 0, 0, _SUB, low, high, 1)
            combine(0, 0, 0, _DIV, high, low, 1)
            settle(self.params, self.state, self.scores, self.flags, high, i)
            i += 1
        self.at = i
        if i == self.boxes_count:
            self.phase = 3

    def choose(self):
        best = peek(self.state, _BEST) - 1
        if best < 0:
            self.advance()
            return
        self.chosen = best
        self.label = self.column
        if self.fast:
            self.label = rate(self.params, self.rates, self.scores, self.flags, 0, best, 1)
        self.flags[best] = 0
        self.at = peek(self.state, _COUNT)
        self.phase = 4

    def insert(self):
        at = insert(self.state, self.listed, self.scores, self.chosen, self.label, self.most,
                    self.at, self.chunks[4])  # fmt: skip
        if at >= 0:
            self.at = at
            return
        self.found += 1
        if at == -1 and self.found < self.limit:
            self.begin(self.chosen)
        else:
            self.advance()

    # To the next search, or to the outputs.
    def advance(self):
        self.found = 0
        self.at = 0
        self.column += 1
        self.phase = 1
        if self.column == self.searches:
            self.phase = 5

    def write(self):
        n = min(self.chunks[3], self.most - self.at)
        write(self.params, self.state, self.listed, self.boxes, self.rates, self.into,
              self.of_class, self.of_score, self.at, n)  # fmt: skip
        self.at += n
        if self.at < self.most:
            return False
        from_int(self.number, 0, peek(self.state, _COUNT))
        self.reset()
        return True


def make(params, inputs, outputs, scratch):
    return Detect(params, inputs, outputs, scratch)
