# SPDX-License-Identifier: Apache-2.0
# What operators share: a count of items, done some at a time so that a step stays short; and how
# parameters are laid out.
#
# Parameters are 32-bit words, mostly integers of 30 bits and sign. Each module names them in blocks
# of constants under "# Words of ...", the last of which is where the block ends. The host packs by
# those names (hocket_tools.container.device), so a layout is written once.
from micropython import const

# A word is (w & _M ^ _S) - _S.
_M = const(0x3FFFFFFF)
_S = const(0x20000000)


class Operator:
    # count items in all, chunk of them a step; block(at, n) does items at .. at + n.
    def __init__(self, count, chunk):
        self.count = count
        self.chunk = chunk
        self.at = 0

    # Some of the work; True when the operator is complete, and ready for the next inference.
    def step(self):
        at = self.at
        n = self.count - at
        n = min(n, self.chunk)
        self.block(at, n)
        at += n
        if at < self.count:
            self.at = at
            return False
        self.at = 0
        return True

    # Gives up an inference under way. State of a net is its own persistent memory, not in here.
    def reset(self):
        self.at = 0


# A word of parameters, which hold integers of 30 bits and sign.
def word(params, i):
    i *= 4
    v = params[i] | params[i + 1] << 8 | params[i + 2] << 16 | (params[i + 3] & 0x3F) << 24
    return (v ^ _S) - _S
