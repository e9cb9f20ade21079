# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: F821, PLR1730 - viper has its own names, and a call costs more than a branch
# Arithmetic on doubles by limbs of 12 bits, as far as boxes of a detection need it.
#
# A double in working memory is seven words of 12 bits, the least first, and an eighth that is zero.
# Its leading one is bit 4 of word 6, so 24 bits lie below the 53 that a double keeps:
#
#   word 7: 0 | word 6: 4 leading one, 3..0 | words 5 to 2: fraction | words 1 and 0: rounded off
#
# An entry of a table is six halves: exponent + _BIAS above its sign, then 53 bits by 12, the least
# first.
import micropython
from micropython import const

_BIAS = const(512)  # of exponents in tables


# out[at] = entry of a table * size + centre as doubles, each result rounded, then as a float. All
# are indices in halves of the parameters; without a centre when it is 0. First the product is
# formed, then stage 0 rounds it, and stage 1 adds the centre and rounds the sum. Numbers are at a
# and at b; e and sign are a's. The first three arguments are only registers, as of dense.dot8.
@micropython.viper
def place(k: int, e: int, m: int, params, entry: int, size: int, centre: int, state, where: int,
          out, at: int):  # fmt: skip
    t = ptr16(params)
    w = ptr32(state)
    o = ptr16(out)
    a = where
    b = where + 8
    e = t[entry]
    sign = e & 1
    e = e >> 1
    k = t[size + 1] >> 7 & 0xFF
    sign = sign ^ t[size + 1] >> 15
    zero = 0
    if k == 0:
        zero = 1
    if t[entry + 5] == 0:
        zero = 1
    w[a + 7] = 0
    w[b + 7] = 0
    e += k - 127
    if zero == 0:
        # The product, of five limbs and two.
        m = (t[size + 1] & 0x7F | 0x80) << 16 | t[size]
        low = m & 0xFFF
        high = m >> 12
        before = 0
        k = 0
        for i in range(5):
            m = t[entry + 1 + i]
            k += m * low + before * high
            w[a + i] = k & 0xFFF
            k = k >> 12
            before = m
        k += before * high
        w[a + 5] = k & 0xFFF
        w[a + 6] = k >> 12
        if k >> 16:
            e += 1
        else:
            # Its leading one is a place too low.
            k = 0
            for i in range(7):
                k = w[a + i] << 1 | k
                w[a + i] = k & 0xFFF
                k = k >> 12
    for stage in range(2):
        if stage:
            if centre == 0:
                break
            k = t[centre + 1] >> 7 & 0xFF
            if k == 0:
                break
            # The centre, its leading one where a product's is.
            m = (t[centre + 1] & 0x7F | 0x80) << 16 | t[centre]
            other = t[centre + 1] >> 15
            k += _BIAS - 127
            for i in range(4):
                w[b + i] = 0
            w[b + 4] = m << 5 & 0xFFF
            w[b + 5] = m >> 7 & 0xFFF
            w[b + 6] = m >> 19
            if zero:
                zero = 0
                a = b
                e = k
                sign = other
                break
            # The greater one to a.
            swap = 0
            if k > e:
                swap = 1
            elif k == e:
                i = 6
                while i:
                    if w[a + i] == w[b + i]:
                        i -= 1
                    else:
                        if w[a + i] < w[b + i]:
                            swap = 1
                        i = 0
            if swap:
                i = a
                a = b
                b = i
                i = e
                e = k
                k = i
                i = sign
                sign = other
                other = i
            # The less one to the greater one's exponent, and whether anything of it was lost.
            k = e - k
            if k > 84:
                k = 84
            lost = 0
            while k >= 12:
                lost = lost | w[b]
                for i in range(7):
                    w[b + i] = w[b + i + 1]
                k -= 12
            if k:
                lost = lost | w[b] & ((1 << k) - 1)
                for i in range(7):
                    w[b + i] = (w[b + i + 1] << 12 | w[b + i]) >> k & 0xFFF
            if lost:
                w[b] = w[b] | 1
            # Their sum, or their difference.
            k = 0
            if sign == other:
                for i in range(7):
                    k += w[a + i] + w[b + i]
                    w[a + i] = k & 0xFFF
                    k = k >> 12
                if w[a + 6] & 0x20:
                    e += 1
                    lost = w[a] & 1
                    for i in range(7):
                        w[a + i] = (w[a + i + 1] << 12 | w[a + i]) >> 1 & 0xFFF
                    w[a] = w[a] | lost
            else:
                m = 0
                for i in range(7):
                    k = w[a + i] - w[b + i] - k
                    w[a + i] = k & 0xFFF
                    m = m | w[a + i]
                    k = k >> 12 & 1
                if m == 0:
                    zero = 1
                    sign = 0
                    break
                # Up to its leading one, by limbs and then by bits.
                while w[a + 6] == 0:
                    if w[a + 5] >= 0x20:
                        break
                    for i in range(6, 0, -1):
                        w[a + i] = w[a + i - 1]
                    w[a] = 0
                    e -= 12
                while w[a + 6] < 0x10:
                    k = 0
                    for i in range(7):
                        k = w[a + i] << 1 | k
                        w[a + i] = k & 0xFFF
                        k = k >> 12
                    e -= 1
        elif zero:
            continue
        # Rounded to 53 bits, halves to even.
        k = w[a + 1] << 12 | w[a]
        w[a] = 0
        w[a + 1] = 0
        if k + (w[a + 2] & 1) > 0x800000:
            i = a + 2
            w[i] = w[i] + 1
            while w[i] == 0x1000:
                w[i] = 0
                i += 1
                w[i] = w[i] + 1
            if w[a + 6] == 0x20:
                w[a + 6] = 0x10
                e += 1
    if zero:
        o[2 * at] = 0
        o[2 * at + 1] = 0
    else:
        # And to 24, as a float.
        m = w[a + 6] << 19 | w[a + 5] << 7 | w[a + 4] >> 5
        if w[a + 4] & 0x10:
            if w[a + 4] & 0xF | w[a + 3] | w[a + 2] | m & 1:
                m += 1
                if m >> 24:
                    m = m >> 1
                    e += 1
        o[2 * at] = m & 0xFFFF
        o[2 * at + 1] = sign << 15 | (e - _BIAS + 127) << 7 | m >> 16 & 0x7F
