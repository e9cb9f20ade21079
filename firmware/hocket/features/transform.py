# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: F821, PLR1730 - viper has its own names, and a call costs more than a branch
# Window, Fourier transform of real samples, and energies, in 16 bits with the roundings of kissfft:
# products are rounded half up at bit 15, and values are divided by the radix before each stage.
# Sums wrap at 16 bits, as they do there, by being stored in half words.
import micropython


# Samples first on of the ring times the window, to out; zeros behind the window. Elements at..at+n.
# Returns the greatest magnitude, or top if that is greater.
@micropython.viper
def window(
    coefficients, size: int, ring, capacity: int, first: int, out, at: int, n: int, top: int
) -> int:
    c = ptr16(coefficients)
    x = ptr16(ring)
    o = ptr16(out)
    j = (first + at) % capacity
    for i in range(at, at + n):
        v = 0
        if i < size:
            v = ((x[j] ^ 0x8000) - 0x8000) * c[i] >> 12
            j += 1
            if j == capacity:
                j = 0
        o[i] = v
        if v < 0:
            v = -v
        # 32768 has no magnitude in 16 bits; the reference passes over it too.
        if v > top:
            if v < 0x8000:
                top = v
    return top


# First stage, of radix 4 where the complex length is a power of 4, else of radix 2: from the
# windowed samples, shifted left, in digit-reversed order. Its factors are all one. Butterflies
# at..at+n.
@micropython.viper
def first(samples, shift: int, out, length: int, radix: int, at: int, n: int):
    x = ptr16(samples)
    o = ptr16(out)
    stride = length // radix
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
        ar = (x[j] << shift & 0xFFFF ^ 0x8000) - 0x8000
        ai = (x[j + 1] << shift & 0xFFFF ^ 0x8000) - 0x8000
        j += stride << 1
        br = (x[j] << shift & 0xFFFF ^ 0x8000) - 0x8000
        bi = (x[j + 1] << shift & 0xFFFF ^ 0x8000) - 0x8000
        if radix == 2:
            ar = ar * 16383 + 0x4000 >> 15
            ai = ai * 16383 + 0x4000 >> 15
            br = br * 16383 + 0x4000 >> 15
            bi = bi * 16383 + 0x4000 >> 15
            o[i] = ar + br
            o[i + 1] = ai + bi
            o[i + 2] = ar - br
            o[i + 3] = ai - bi
        else:
            j += stride << 1
            cr = (x[j] << shift & 0xFFFF ^ 0x8000) - 0x8000
            ci = (x[j + 1] << shift & 0xFFFF ^ 0x8000) - 0x8000
            j += stride << 1
            dr = (x[j] << shift & 0xFFFF ^ 0x8000) - 0x8000
            di = (x[j + 1] << shift & 0xFFFF ^ 0x8000) - 0x8000
            ar = ar * 8191 + 0x4000 >> 15
            ai = ai * 8191 + 0x4000 >> 15
            br = br * 8191 + 0x4000 >> 15
            bi = bi * 8191 + 0x4000 >> 15
            cr = cr * 8191 + 0x4000 >> 15
            ci = ci * 8191 + 0x4000 >> 15
            dr = dr * 8191 + 0x4000 >> 15
            di = di * 8191 + 0x4000 >> 15
            o[i] = ar + cr + br + dr
            o[i + 1] = ai + ci + bi + di
            o[i + 2] = ar - cr + bi - di
            o[i + 3] = ai - ci - br + dr
            o[i + 4] = ar + cr - br - dr
            o[i + 5] = ai + ci - bi - di
            o[i + 6] = ar - cr - bi + di
            o[i + 7] = ai - ci + br - dr


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
            r = ((o[j] ^ 0x8000) - 0x8000) * 8191 + 0x4000 >> 15
            v = ((o[j + 1] ^ 0x8000) - 0x8000) * 8191 + 0x4000 >> 15
            br = r * t1r - v * t1i + 0x4000 >> 15
            bi = r * t1i + v * t1r + 0x4000 >> 15
            j = j + m2
            r = ((o[j] ^ 0x8000) - 0x8000) * 8191 + 0x4000 >> 15
            v = ((o[j + 1] ^ 0x8000) - 0x8000) * 8191 + 0x4000 >> 15
            cr = r * t2r - v * t2i + 0x4000 >> 15
            ci = r * t2i + v * t2r + 0x4000 >> 15
            j = j + m2
            r = ((o[j] ^ 0x8000) - 0x8000) * 8191 + 0x4000 >> 15
            v = ((o[j + 1] ^ 0x8000) - 0x8000) * 8191 + 0x4000 >> 15
            dr = r * t3r - v * t3i + 0x4000 >> 15
            di = r * t3i + v * t3r + 0x4000 >> 15
            r = ((o[i] ^ 0x8000) - 0x8000) * 8191 + 0x4000 >> 15
            v = ((o[i + 1] ^ 0x8000) - 0x8000) * 8191 + 0x4000 >> 15
            o[j] = r - cr - bi + di
            o[j + 1] = v - ci + br - dr
            j = j - m2
            o[j] = r + cr - br - dr
            o[j + 1] = v + ci - bi - di
            j = j - m2
            o[j] = r - cr + bi - di
            o[j + 1] = v - ci - br + dr
            o[i] = r + cr + br + dr
            o[i + 1] = v + ci + bi + di
            i += m << 3
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
        ar = ((w[i] ^ 0x8000) - 0x8000) * 16383 + 0x4000 >> 15
        ai = ((w[i + 1] ^ 0x8000) - 0x8000) * 16383 + 0x4000 >> 15
        i = (length - k) << 1
        br = ((w[i] ^ 0x8000) - 0x8000) * 16383 + 0x4000 >> 15
        bi = ((-w[i + 1] & 0xFFFF ^ 0x8000) - 0x8000) * 16383 + 0x4000 >> 15
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
        e[length - k] = r * r + v * v
