# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: F821, PLR1730 - viper has its own names, and a call costs more than a branch
# From energies to features: filter bank and root, noise reduction, gain by the noise, logarithm.
#
# Windows of 16 bits, divided by the length of the transform, leave less than 2**28 of energy in all
# bins together, whatever wraps on the way: sums below are less than 2**40, levels less than 2**20.
import micropython


# Groups at..at+n of bins: each ends one channel's triangle and begins the next one's. carry holds
# the sum that began, as its upper part and its low 12 bits, and the number of the next bin. The
# root of channel i, of which the first group has none, is levels[i], shifted right.
@micropython.viper
def bank(widths, weights, energy, start: int, carry, levels, shift: int, at: int, n: int):
    size = ptr16(widths)
    weight = ptr16(weights)
    e = ptr32(energy)
    rest = ptr32(carry)
    o = ptr32(levels)
    high = rest[0]
    low = rest[1]
    j = rest[2]
    for i in range(at, at + n):
        total = 0
        rising = 0
        part = 0
        end = j + size[i]
        while j < end:
            v = e[start + j]
            w = weight[j]
            total += v
            rising += w * (v >> 12)
            part += w * (v & 0xFFF)
            j += 1
        rising += part >> 12
        part = part & 0xFFF
        low += part
        high += rising + (low >> 12)
        low = low & 0xFFF
        if i > 0:
            # Root of the upper part, then on with the lower one's bits by two.
            root = 0
            w = 1 << 28
            while w > high:
                w = w >> 2
            while w:
                v = root + w
                root = root >> 1
                if high >= v:
                    high -= v
                    root += w
                w = w >> 2
            for _ in range(6):
                low = low << 2
                high = high << 2 | low >> 12 & 3
                v = root << 2 | 1
                root = root << 1
                if high >= v:
                    high -= v
                    root += 1
            # The reference takes roots of 32 bits in 16, where this one cannot be rounded up.
            if high > root:
                if root != 0xFFFF:
                    root += 1
            o[i - 1] = root >> shift
        # What of the group's bins is not in the triangle that ended: 4096 * total - rising.
        low = -part & 0xFFF
        high = total - rising
        if part:
            high -= 1
    rest[0] = high
    rest[1] = low
    rest[2] = j


# Words of the parameters of features.
# 0 smoothing bits, 1 and 2 smoothing of even and odd channels, 3 share that remains, 4 whether
# there is gain, 5 shift of its product, 6 correction bits, 7 whether there is a logarithm, 8 scale


# Noise reduction, gain and logarithm of channels at..at+n; estimates of noise are kept.
@micropython.viper
def features(params, levels, noise, gains, logs, out, at: int, n: int):
    p = ptr32(params)
    x = ptr32(levels)
    estimates = ptr32(noise)
    lut = ptr16(gains)
    log = ptr16(logs)
    o = ptr16(out)
    bits = p[0]
    for i in range(at, at + n):
        signal = x[i]
        share = p[1 + (i & 1)]
        scaled = signal << bits
        e = estimates[i]
        # Both products by their upper and low 14 bits.
        v = 0x4000 - share
        e = (
            (scaled >> 14) * share
            + (e >> 14) * v
            + (((scaled & 0x3FFF) * share + (e & 0x3FFF) * v) >> 14)
        )
        estimates[i] = e
        v = e
        if v > scaled:
            v = scaled
        v = (scaled - v) >> bits
        share = (signal >> 14) * p[3] + ((signal & 0x3FFF) * p[3] >> 14)
        if share > v:
            v = share
        if p[4]:
            k = 0
            while e >> k > 0xFF:
                k += 8
            while e >> k:
                k += 1
            if e <= 2:
                g = lut[e]
            else:
                # A parabola over the place between two powers of two, in 10 bits.
                if k < 11:
                    f = e << (11 - k) & 0x3FF
                else:
                    f = e >> (k - 11) & 0x3FF
                k = (k << 2) - 6
                g = ((lut[k + 2] ^ 0x8000) - 0x8000) * f >> 5
                g += ((lut[k + 1] ^ 0x8000) - 0x8000) << 5
                g = (g * f + 0x4000 >> 15) + lut[k]
            k = p[5]
            g = (v >> k) * g + ((v & ((1 << k) - 1)) * g >> k)
            if g < 8192:
                v = g * g >> 20
            else:
                v = (g >> 6) - 64
        if p[7]:
            v = v << p[6]
            if v > 1:
                k = -1
                while v >> k + 1 > 0xFF:
                    k += 8
                while v >> k + 1:
                    k += 1
                f = v - (1 << k)
                if k < 16:
                    f = f << (16 - k)
                else:
                    f = f >> (k - 16)
                g = f >> 9
                v = log[g]
                # Half of the factor 45426 of the natural logarithm, for a product of 31 bits.
                v += f + ((log[g + 1] - v) * (f & 0x1FF) >> 16)
                v = ((k + (v >> 16)) * 45426) + ((v & 0xFFFF) * 22713 + 0x4000 >> 15)
                v = (v << p[8]) + 0x8000 >> 16
            else:
                v = 0
        if v > 0xFFFF:
            v = 0xFFFF
        o[i] = v
