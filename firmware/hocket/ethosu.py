# SPDX-License-Identifier: Apache-2.0
# Arm Ethos-U55 and U65, by their registers. What runs once a segment is in dispatch.py.
import micropython
from micropython import const

_ID = const(0x0)
_STATUS = const(0x4)
_CMD = const(0x8)
_RESET = const(0xC)
_QREAD = const(0x18)
_CONFIG = const(0x28)
_PMCR = const(0x180)
_PMCNTENSET = const(0x184)
_PMCCNTR_LO = const(0x1A0)
_PMCCNTR_HI = const(0x1A4)

_STATUS_RUNNING = const(1)
_STATUS_RESETTING = const(8)

# Clock and power are held by these two bits: without them the NPU may power down between two
# segments and come back reset.
_CMD_HOLD = const(0xC)
_CMD_STOP = const(0x10)

_PMCR_ENABLE = const(1)
_PMCR_CLEAR = const(4)
_PMCNT_CYCLES = const(0x80000000)

# Turns of the polling loop: a reset takes some hundred NPU cycles, a turn some hundred of the CPU.
_RESET_TURNS = const(10000)

END_REACHED = const(0x20)
HUNG = const(0x10000)  # no bit of STATUS: set by the watchdog

_REASONS = (
    (0x4, "bus abort"),
    (0x10, "command stream parse error"),
    (0x80, "weight decoder fault"),
    (0x100, "ECC fault"),
    (HUNG, "hang: no progress within the watchdog's time"),
    (0x8, "reset does not end"),
)


# Both take the address as an object and work on 32 bits, so nothing is sign-extended.
@micropython.viper
def peek(base, offset: int) -> uint:  # noqa: F821
    return uint(ptr32(base)[offset >> 2])  # noqa: F821


@micropython.viper
def poke(base, offset: int, value: uint):  # noqa: F821
    r = ptr32(base)  # noqa: F821
    r[offset >> 2] = value


# STATUS of a failed segment as text.
def reason(status):
    found = [text for bit, text in _REASONS if status & bit]
    if not status & END_REACHED and not found:
        found.append("stopped before the end of the command stream")
    return ", ".join(found)


# CONFIG as text, for example "Ethos-U55 with 128 MACs".
def describe(config):
    product = {0: "Ethos-U55", 1: "Ethos-U65"}.get(config >> 28, "unknown Ethos-U")
    return "%s with %d MACs, %d KiB SHRAM, stream version %d (CONFIG 0x%08x)" % (
        product,
        1 << (config & 15),
        config >> 8 & 0xFF,
        config >> 4 & 15,
        config,
    )


class EthosU:
    def __init__(self, base, protection=0):
        self.base = base
        self.protection = protection

    # ValueError if the streams of a container cannot run here.
    def probe(self, config=None, npu_id=None):
        found = peek(self.base, _CONFIG)
        if config is not None and found != config:
            raise ValueError(
                "NPU is %s, the container is for %s" % (describe(found), describe(config))
            )
        found = peek(self.base, _ID)
        # The major version of the architecture must agree; a lesser one lacks commands.
        if npu_id is not None and (found >> 28 != npu_id >> 28 or found >> 16 < npu_id >> 16):
            raise ValueError(
                "NPU has ID 0x%08x (architecture %d.%d.%d), the container is for 0x%08x (%d.%d.%d)"
                % ((found,) + _version(found) + (npu_id,) + _version(npu_id))
            )

    # False if the reset does not end. Leaves clock and power held and the cycle counter running.
    def reset(self):
        base = self.base
        poke(base, _RESET, self.protection)
        turns = _RESET_TURNS
        while peek(base, _STATUS) & _STATUS_RESETTING:
            turns -= 1
            if turns == 0:
                return False
        poke(base, _CMD, _CMD_HOLD)
        poke(base, _PMCR, _PMCR_ENABLE | _PMCR_CLEAR)
        poke(base, _PMCNTENSET, _PMCNT_CYCLES)
        return True

    # Lets go of clock and power.
    def release(self):
        poke(self.base, _CMD, 0)

    # Asks for a stop after the commands under way; False if it does not come.
    def stop(self):
        poke(self.base, _CMD, _CMD_HOLD | _CMD_STOP)
        turns = _RESET_TURNS
        while peek(self.base, _STATUS) & _STATUS_RUNNING:
            turns -= 1
            if turns == 0:
                return False
        return True

    def status(self):
        return peek(self.base, _STATUS)

    # Bytes of the stream that were read.
    def progress(self):
        return peek(self.base, _QREAD)

    # The high word again if the low one wrapped between the two reads.
    def cycles(self):
        while True:
            high = peek(self.base, _PMCCNTR_HI)
            low = peek(self.base, _PMCCNTR_LO)
            if peek(self.base, _PMCCNTR_HI) == high:
                return high << 32 | low


def _version(npu_id):
    return npu_id >> 28, npu_id >> 20 & 0xFF, npu_id >> 16 & 15
