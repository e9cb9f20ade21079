# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: F821, PLR1730 - viper has its own names, and a call costs more than a branch
# Looks through boxes for the greatest score and for what overlaps the one chosen last. Floats
# compare as their bits do.
import micropython
from micropython import const

# Of the parameters of detect, and of its state: the best box and one, detections so far.
_OVERLAP = const(11)  # as ops.detect._OVERLAP
_BEST = const(1)  # as ops.detect._BEST
_COUNT = const(2)  # as ops.detect._COUNT


# left[to + i] = right[at + i] for n words; with flip, those of another sign.
@micropython.viper
def words(left, to: int, right, at: int, n: int, flip: int):
    a = ptr16(left)
    b = ptr16(right)
    for i in range(n):
        a[2 * (to + i)] = b[2 * (at + i)]
        v = b[2 * (at + i) + 1]
        if flip:
            v = v ^ 0x8000
        a[2 * (to + i) + 1] = v


# Goes through boxes at .. end for the greatest score, and puts two boxes' common part into low and
# high for the first that has one with the box chosen. Returns that box, or end.
@micropython.viper
def search(state, boxes, scores, flags, low, high, chosen: int, at: int, end: int) -> int:
    s = ptr32(state)
    b = ptr16(boxes)
    r = ptr16(scores)
    f = ptr8(flags)
    lo = ptr16(low)
    hi = ptr16(high)
    best = s[_BEST]
    i = at
    while i < end:
        if f[i]:
            common = 0
            if chosen >= 0:
                common = 1
                for axis in range(2):
                    j = 8 * i + 2 * axis
                    k = 8 * chosen + 2 * axis
                    x = (b[j + 1] & 0x7FFF) << 16 | b[j]
                    if b[j + 1] & 0x8000:
                        x = 0 - x
                    y = (b[k + 1] & 0x7FFF) << 16 | b[k]
                    if b[k + 1] & 0x8000:
                        y = 0 - y
                    if y < x:
                        k = j
                        y = x
                    lo[2 * axis] = b[k]
                    lo[2 * axis + 1] = b[k + 1]
                    j = 8 * i + 4 + 2 * axis
                    k = 8 * chosen + 4 + 2 * axis
                    x = (b[j + 1] & 0x7FFF) << 16 | b[j]
                    if b[j + 1] & 0x8000:
                        x = 0 - x
                    v = (b[k + 1] & 0x7FFF) << 16 | b[k]
                    if b[k + 1] & 0x8000:
                        v = 0 - v
                    if x < v:
                        k = j
                        v = x
                    hi[2 * axis] = b[k]
                    hi[2 * axis + 1] = b[k + 1]
                    if v <= y:
                        common = 0
            if common:
                return i
            if best == 0:
                best = i + 1
            else:
                k = best - 1
                x = ((r[2 * i + 1] ^ 0x8000) - 0x8000) << 16 | r[2 * i]
                y = ((r[2 * k + 1] ^ 0x8000) - 0x8000) << 16 | r[2 * k]
                if x > y:
                    best = i + 1
            s[_BEST] = best
        i += 1
    return end


# Whether a box whose part of the union is given may stay beside the chosen one; if so it may be the
# best. Floats compare as their bits, and no number is greater than nothing.
@micropython.viper
def settle(params, state, scores, flags, part, i: int):
    p = ptr16(params)
    s = ptr32(state)
    r = ptr16(scores)
    a = ptr16(part)
    f = ptr8(flags)
    v = (a[1] & 0x7FFF) << 16 | a[0]
    if a[1] & 0x8000:
        v = 0 - v
    if v - 1 >> 23 >= 0xFF:
        v = 0
    if v > (p[2 * _OVERLAP + 1] << 16 | p[2 * _OVERLAP]):
        f[i] = 0
    elif s[_BEST] == 0:
        s[_BEST] = i + 1
    else:
        k = s[_BEST] - 1
        x = ((r[2 * i + 1] ^ 0x8000) - 0x8000) << 16 | r[2 * i]
        y = ((r[2 * k + 1] ^ 0x8000) - 0x8000) << 16 | r[2 * k]
        if x > y:
            s[_BEST] = i + 1


# Puts a box of a class among the detections, behind those of an equal score: looks at n of them
# from place j on, upwards. Returns the place to go on from, -1 when it is done, or -2 when
# there is no room for it, nor for any of a lower score.
@micropython.viper
def insert(state, listed, scores, box: int, number: int, most: int, j: int, n: int) -> int:
    s = ptr32(state)
    o = ptr16(listed)
    r = ptr16(scores)
    x = ((r[2 * box + 1] ^ 0x8000) - 0x8000) << 16 | r[2 * box]
    end = 0
    if j > n:
        end = j - n
    there = 0
    while j > end:
        k = 8 * j - 8
        y = ((o[k + 1] ^ 0x8000) - 0x8000) << 16 | o[k]
        if y >= x:
            there = 1
            break
        if j < most:
            for h in range(5):
                o[k + 8 + h] = o[k + h]
        j -= 1
    if there == 0:
        if j:
            return j
    if j < most:
        k = 8 * j
        o[k] = r[2 * box]
        o[k + 1] = r[2 * box + 1]
        o[k + 2] = box & 0xFFFF
        o[k + 3] = box >> 16
        o[k + 4] = number
        if s[_COUNT] < most:
            s[_COUNT] = s[_COUNT] + 1
        return -1
    return -2
