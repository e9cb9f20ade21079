# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: F821, PLR1730 - viper has its own names, and a call costs more than a branch
# Window, Fourier transform of real samples, and energies, in 16 bits with the roundings of kissfft:
# products are rounded half up at bit 15, and values are divided by the radix before each stage.
# Sums wrap at 16 bits, as they do there, by being stored in half words.
#
# Between stages values lie with 0x8000 added: as they are divided first, that costs nothing, where
# a sign would take two operations at each load. BIASED is (16384 - 32768 * divisor) >> 15 turned
# into a constant to subtract; with LIFTED the quotient has 0x8000 added too.
import micropython
from micropython import const

_HALF = const(16383)  # divisors of 2 and 4, over 32768
_QUARTER = const(8191)
_HALF_BIASED = const(32768 * 16383 - 16384)
_BIASED = const(32768 * 8191 - 16384)
_LIFTED = const(32768 * (32768 - 8191) + 16384)


# Elements at..at+n of the window times samples first on of the ring, to out. Returns all bits of
# their magnitudes, together with those of top.
@micropython.viper
def window(coefficients, ring, capacity: int, first: int, out, at: int, n: int, top: int) -> int:
    c = ptr16(coefficients)
    x = ptr16(ring)
    o = ptr16(out)
    j = (first + at) % capacity
    end = at + n
    while at < end:
        stop = at + capacity - j
        if end < stop:
            stop = end
        while at < stop:
            v = ((x[j] ^ 0x8000) - 0x8000) * c[at] >> 12
            o[at] = v
            if v < 0:
                v = -v
            top = top | v
            j += 1
            at += 1
        j = 0
    return top


# The reference takes no notice of 32768 as a magnitude, and loses it where others are shifted.
@micropython.viper
def drop_least(samples, n: int):
    x = ptr16(samples)
    for i in range(n):
        if x[i] == 0x8000:
            x[i] = 0


# First stage, of radix 4 where the complex length is a power of 4, else of radix 2: from the
# windowed samples, shifted left, in digit-reversed order. Its factors are all one. Butterflies
# at..at+n.
@micropython.viper
def first(samples, shift: int, out, length: int, radix: int, at: int, n: int):
    x = ptr16(samples)
    o = ptr16(out)
    stride = length // radix
    if radix == 2:
        d = _HALF << shift
    else:
        d = _QUARTER << shift
    for b in range(at, at + n):
        j = 0
        k = b
        count = 1
        while count < stride:
            j = j << 2 | k & 3
            k = k >> 2
            count = count << 2
        j = j << 1
        i = b * radix << 1
        ar = (((x[j] ^ 0x8000) - 0x8000) * d + 0x4000 >> 15) + 0x8000
        ai = (((x[j + 1] ^ 0x8000) - 0x8000) * d + 0x4000 >> 15) + 0x8000
        j += stride << 1
        br = ((x[j] ^ 0x8000) - 0x8000) * d + 0x4000 >> 15
        bi = ((x[j + 1] ^ 0x8000) - 0x8000) * d + 0x4000 >> 15
        if radix == 2:
            o[i] = ar + br
            o[i + 1] = ai + bi
            o[i + 2] = ar - br
            o[i + 3] = ai - bi
        else:
            j += stride << 1
            cr = ((x[j] ^ 0x8000) - 0x8000) * d + 0x4000 >> 15
            ci = ((x[j + 1] ^ 0x8000) - 0x8000) * d + 0x4000 >> 15
            j += stride << 1
            dr = ((x[j] ^ 0x8000) - 0x8000) * d + 0x4000 >> 15
            di = ((x[j + 1] ^ 0x8000) - 0x8000) * d + 0x4000 >> 15
            r = ar + cr
            v = br + dr
            o[i] = r + v
            o[i + 4] = r - v
            r = ai + ci
            v = bi + di
            o[i + 1] = r + v
            o[i + 5] = r - v
            r = ar - cr
            v = bi - di
            o[i + 2] = r + v
            o[i + 6] = r - v
            r = ai - ci
            v = br - dr
            o[i + 3] = r - v
            o[i + 7] = r + v


# A stage of radix 4 over groups of 4 * m, in place: butterflies at..at+n, those with the same
# factors after each other. Cosines are of a circle of 2 * length.
@micropython.viper
def stage(cosines, out, length: int, m: int, at: int, n: int):
    c = ptr16(cosines)
    o = ptr16(out)
    groups = length // (m << 2)
    turn = groups << 1
    quarter = length >> 1
    end = at + n
    m2 = m << 1
    while at < end:
        k = at // groups
        i = (k + (at % groups) * (m << 2)) << 1
        j = k * turn
        t1r = (c[j] ^ 0x8000) - 0x8000
        t1i = (c[j + quarter] ^ 0x8000) - 0x8000
        j = j + k * turn
        t2r = (c[j] ^ 0x8000) - 0x8000
        t2i = (c[j + quarter] ^ 0x8000) - 0x8000
        j = j + k * turn
        t3r = (c[j] ^ 0x8000) - 0x8000
        t3i = (c[j + quarter] ^ 0x8000) - 0x8000
        stop = (k + 1) * groups
        if end < stop:
            stop = end
        while at < stop:
            j = i + m2
            r = o[j] * _QUARTER - _BIASED >> 15
            v = o[j + 1] * _QUARTER - _BIASED >> 15
            br = r * t1r - v * t1i + 0x4000 >> 15
            bi = r * t1i + v * t1r + 0x4000 >> 15
            j = j + m2
            r = o[j] * _QUARTER - _BIASED >> 15
            v = o[j + 1] * _QUARTER - _BIASED >> 15
            cr = r * t2r - v * t2i + 0x4000 >> 15
            ci = r * t2i + v * t2r + 0x4000 >> 15
            j = j + m2
            r = o[j] * _QUARTER - _BIASED >> 15
            v = o[j + 1] * _QUARTER - _BIASED >> 15
            dr = r * t3r - v * t3i + 0x4000 >> 15
            di = r * t3i + v * t3r + 0x4000 >> 15
            r = o[i] * _QUARTER + _LIFTED >> 15
            v = r - cr
            r = r + cr
            cr = bi - di
            o[j] = v - cr
            h = j - m2 - m2
            o[h] = v + cr
            cr = br + dr
            o[i] = r + cr
            o[h + m2] = r - cr
            j += 1
            h += 1
            i += 1
            r = o[i] * _QUARTER + _LIFTED >> 15
            v = r - ci
            r = r + ci
            ci = br - dr
            o[j] = v + ci
            o[h] = v - ci
            ci = bi + di
            o[i] = r + ci
            o[h + m2] = r - ci
            i += (m << 3) - 1
            at += 1


# Squared magnitudes of bins of the real transform, from the complex one: bin 1 + i and its mirror
# for i in at..at+n.
@micropython.viper
def energies(cosines, work, length: int, out, at: int, n: int):
    c = ptr16(cosines)
    w = ptr16(work)
    e = ptr32(out)
    quarter = length >> 1
    for k in range(at + 1, at + n + 1):
        i = k << 1
        ar = w[i] * _HALF - _HALF_BIASED >> 15
        ai = w[i + 1] * _HALF - _HALF_BIASED >> 15
        j = length - k
        i = j << 1
        br = w[i] * _HALF - _HALF_BIASED >> 15
        bi = (-w[i + 1] & 0xFFFF) * _HALF - _HALF_BIASED >> 15
        tr = (c[k + quarter] ^ 0x8000) - 0x8000
        ti = (c[k + length] ^ 0x8000) - 0x8000
        r = ar - br
        v = ai - bi
        ar = ar + br
        ai = ai + bi
        br = ((r * tr - v * ti + 0x4000 >> 15) & 0xFFFF ^ 0x8000) - 0x8000
        bi = ((r * ti + v * tr + 0x4000 >> 15) & 0xFFFF ^ 0x8000) - 0x8000
        r = ar + br >> 1
        v = ai + bi >> 1
        e[k] = r * r + v * v
        r = ar - br >> 1
        v = bi - ai >> 1
        e[j] = r * r + v * v
