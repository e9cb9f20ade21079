# SPDX-License-Identifier: Apache-2.0
"""Decoder of the NPU's compressed weight streams.

A stream is a sequence of slices of Golomb-Rice codes; a slice holds up to 2**15 weights, and in
alternating mode as many runs of zeros between them. Weights are indices into a palette or direct
values, sign in bit 0. Fields and their order were taken from Vela's ``mlw_codec``. Every read is
checked: malformed data gives an error code, never a read outside the data.
"""

from __future__ import annotations

import numpy as np

from .compiled import allocating, kernel

#: Error codes, all negative
TRUNCATED, BAD_HEADER, BAD_VALUE, TOO_MANY = -1, -2, -3, -4

_NO_ZERO_RUNS, _END_OF_STREAM = 6, 7
_UNCOMPRESSED = 7
_CHUNK = 12
#: Zero bytes wanted after the data: more than the bits read between two checks of the position.
SLACK = 128


@kernel
def _bits(data, position, count):  # type: ignore[no-untyped-def]
    """``count`` (at most 24) bits at a bit position, least significant first."""
    at = position >> 3
    word = (
        np.int64(data[at])
        | np.int64(data[at + 1]) << 8
        | np.int64(data[at + 2]) << 16
        | np.int64(data[at + 3]) << 24
    )
    return (word >> (position & 7)) & ((1 << count) - 1)


@kernel
def _weight_symbols(ones, second, count, truncated, carry, q):  # type: ignore[no-untyped-def]
    """Quotients of the weights of one chunk; returns how many and the carried part of the next."""
    symbols = 0
    for i in range(count):
        code = 0
        if ones >> i & 1:
            code = 1 + (second & 1)
            second >>= 1
        carry += code
        if code < 2 or truncated:
            q[symbols] = carry
            symbols += 1
            carry = 0
    return symbols, carry


@kernel
def _zero_symbols(unary, count, carry, q):  # type: ignore[no-untyped-def]
    symbols = 0
    for i in range(count):
        if unary >> i & 1:
            carry += 1
        else:
            q[symbols] = carry
            symbols += 1
            carry = 0
    return symbols, carry


@allocating
def _decode_slice(data, position, limit, count, runs, w_div, z_div, truncated, raw, w, z):  # type: ignore[no-untyped-def]
    """Read the codes of ``count`` weights and ``runs`` zero runs (0: none).

    Returns the bit position after them, or an error code. Remainders of a chunk follow the
    quotients of the next, so that one chunk is always pending.
    """
    w_q, z_q = np.empty(_CHUNK, np.int64), np.empty(_CHUNK, np.int64)
    w_pending, z_pending = np.empty(_CHUNK, np.int64), np.empty(_CHUNK, np.int64)
    w_seen = z_seen = w_done = z_done = w_carry = z_carry = 0
    w_waiting = z_waiting = 0
    w_was = z_was = False
    z_length = 12 if z_div < 3 else 8
    chunk = 8 if raw and w_div > 5 else _CHUNK
    while True:
        balance = w_seen - z_seen if runs else 0
        w_now = w_seen < count and (balance < 8 or not runs)
        z_now = runs > 0 and balance >= 0 and z_seen < runs
        ones = 0
        w_symbols = z_symbols = 0
        if w_now and not raw:
            ones = _bits(data, position, 12)
            position += 12
        if z_now:
            unary = _bits(data, position, z_length)
            position += z_length
            z_symbols, z_carry = _zero_symbols(unary, z_length, z_carry, z_q)
            z_seen += z_symbols
        if w_now:
            more = 0
            for i in range(chunk):
                more += ones >> i & 1
            second = _bits(data, position, more)
            position += more
            w_symbols, w_carry = _weight_symbols(ones, second, chunk, truncated, w_carry, w_q)
            w_seen += w_symbols
        if w_was:
            for i in range(min(w_waiting, count - w_done)):
                w[w_done] = (w_pending[i] << w_div) + _bits(data, position, w_div)
                position += w_div
                w_done += 1
        if z_was:
            for i in range(min(z_waiting, runs - z_done)):
                z[z_done] = (z_pending[i] << z_div) + _bits(data, position, z_div)
                position += z_div
                z_done += 1
        if position > limit:
            return TRUNCATED
        w_was, z_was = w_now, z_now
        w_waiting, z_waiting = w_symbols, z_symbols
        for i in range(_CHUNK):
            w_pending[i] = w_q[i]
            z_pending[i] = z_q[i]
        if not (w_was or z_was):
            break
    if w_done != count or z_done != runs:
        return BAD_VALUE
    return position


@allocating
def decode(data, length, out):  # type: ignore[no-untyped-def]
    """Decode a stream.

    Parameters
    ----------
    data, length
        uint8 array: ``length`` bytes of stream and at least `SLACK` zeros.
    out
        int16 array for the weights.

    Returns
    -------
    int
        Number of weights, or an error code.
    """
    limit = length * 8
    position = 0
    produced = 0
    first = True
    had_runs = False
    palette = np.zeros(32, np.int64)
    palette_size = palette_bits = direct_offset = 0
    w = np.empty(1 << 15, np.int64)
    z = np.empty((1 << 15) + 1, np.int64)
    while True:
        z_div = _bits(data, position, 3)
        position += 3
        while z_div == _END_OF_STREAM:
            position = (position + 7) >> 3 << 3
            first = True
            if position >= limit:
                return produced if position == limit else TRUNCATED
            z_div = _bits(data, position, 3)
            position += 3
        if position + 20 > limit:
            return TRUNCATED
        if z_div in (4, 5):
            return BAD_HEADER
        runs = z_div != _NO_ZERO_RUNS
        header = _bits(data, position, 20)
        position += 20
        count = (header & 0x7FFF) + 1
        w_div = header >> 15 & 7
        truncated = header >> 18 & 1
        new_palette = header >> 19 & 1
        if not new_palette and (first or runs != had_runs):
            return BAD_HEADER
        first = False
        had_runs = runs
        if new_palette:
            position, palette_size, palette_bits, direct_offset = _read_palette(
                data, position, palette
            )
            if position > limit:
                return TRUNCATED
        raw = w_div == _UNCOMPRESSED
        if raw:
            w_div = _index_bits(palette_size) if palette_size else palette_bits
        elif w_div > 5:
            return BAD_HEADER
        leading = 1 if new_palette else 0
        position = _decode_slice(
            data, position, limit, count, count + leading if runs else 0,
            w_div, z_div if runs else 0, truncated, raw, w, z,
        )  # fmt: skip
        if position < 0:
            return position
        at = 0
        if runs and new_palette:
            at = 1
            produced = _zeros(out, produced, z[0])
        produced = _put_slice(
            out, produced, w[:count], z[at:], runs, palette, palette_size, direct_offset
        )
        if produced < 0:
            return produced


@kernel
def _read_palette(data, position, palette):  # type: ignore[no-untyped-def]
    """Read a palette: where it ends, its size, the bits of an entry, what is added to others."""
    setup = _bits(data, position, 13)
    position += 13
    size, bits = setup >> 5 & 31, (setup >> 10) + 2
    if size:
        size += 1
    for i in range(size):
        palette[i] = _bits(data, position, bits)
        position += bits
    return position, size, bits, setup & 31


@kernel
def _index_bits(size):  # type: ignore[no-untyped-def]
    """Bits of an index into so many entries."""
    bits = 0
    while (1 << bits) < size:
        bits += 1
    return bits


@kernel
def _put_slice(out, produced, w, z, runs, palette, palette_size, direct_offset):  # type: ignore[no-untyped-def]
    """Append the weights of a slice, each with its run of zeros; their number or an error code."""
    for i in range(len(w)):
        if produced < 0 or produced >= len(out):
            return TOO_MANY
        if w[i] >= 512:
            return BAD_VALUE
        value = palette[w[i]] if w[i] < palette_size else w[i] - palette_size + direct_offset
        out[produced] = -(value >> 1) if value & 1 else value >> 1
        produced += 1
        if runs:
            produced = _zeros(out, produced, z[i])
    return produced if produced >= 0 else TOO_MANY


@kernel
def _zeros(out, produced, count):  # type: ignore[no-untyped-def]
    """Append a run of zeros; an error code when they do not fit."""
    if produced < 0 or count > len(out) - produced:
        return TOO_MANY
    for i in range(count):
        out[produced + i] = 0
    return produced + count
