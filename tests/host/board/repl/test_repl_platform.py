# SPDX-License-Identifier: Apache-2.0

import pytest

from hocket_host.board.board import load as load_board
from hocket_host.board.repl import ReplError, load
from hocket_host.board.repl.platform import loads
from paths import PLATFORM

CORE = """
cpu: CPU.CortexM @ sysbus
    cpuType: "cortex-m55"
    nvic: nvic
nvic: IRQControllers.NVIC @ sysbus 0xE000E000
    systickFrequency: 1_000_000
    -> cpu@0
"""


def test_the_board_description_agrees_with_the_platform():
    platform, board = load(PLATFORM), load_board("corstone300")
    assert platform.npu is not None
    assert (platform.npu.base, platform.npu.irq) == (board.npu_base, board.npu_irq)
    assert platform.npu.aliases == (board.npu_secure_base,)
    assert platform.cpu_hz == board.cpu_hz
    assert platform.cpu.mips == board.cpu_hz // 1_000_000
    memories = {m.name: (m.base, m.size) for m in platform.memories}
    assert memories["flash"] == (board.flash_base, board.flash_size)
    assert memories["sram"] == (board.sram_base, board.sram_size)
    (uart,) = platform.uarts
    assert (uart.base, uart.tx_irq, uart.rx_irq) == (
        board.uart0_base, board.uart0_tx_irq, board.uart0_rx_irq,
    )  # fmt: skip


def test_the_processor_is_as_wide_as_a_cortex_m55s_three_bits_of_priority():
    platform = load(PLATFORM)
    assert platform.cpu.type == "cortex-m55"
    assert platform.nvic.priority_mask == 0xE0


def test_a_platform_may_do_without_npu_and_with_a_timer():
    platform = loads(
        CORE + "t: Timers.Arm_CMSDK_Timer @ sysbus 0x48000000\n    frequency: 5\n    -> nvic@3\n"
    )
    assert platform.npu is None
    assert [(t.base, t.hz, t.irq) for t in platform.timers] == [(0x4800_0000, 5, 3)]


MEMORY = "m: Memory.MappedMemory @ sysbus 0x0\n    size: 0x1000\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (CORE + "x: GPIOPort.Thing @ sysbus 0x1000\n", "unknown type of peripheral"),
        (CORE + "x: { size: 1 }\n", "x has no type"),
        (CORE + MEMORY + "    colour: 1\n", "no such attribute"),
        (CORE + "m: Memory.MappedMemory @ sysbus 0x0\n", "m lacks size"),
        (CORE + 'm: Memory.MappedMemory @ sysbus 0x0\n    size: "1"\n', "wrong kind"),
        (CORE + "m: Memory.MappedMemory\n    size: 0x1000\n", "m has no address"),
        (CORE + "m: Memory.MappedMemory @ sysbus 0x10\n    size: 0x1000\n", "m is not aligned"),
        (CORE + MEMORY.replace("sysbus", "i2c"), "unknown bus"),
        (CORE + MEMORY + MEMORY.replace("m:", "n:"), "overlap"),
        (CORE + MEMORY + "    -> nvic@1\n", "no such interrupt output"),
        (CORE + "u: UART.CMSDK_APB_UART @ sysbus 0x1000\n    -> nvic@1\n", "no such interrupt"),
        (
            CORE + "u: UART.CMSDK_APB_UART @ sysbus 0x1000\n    TxInterrupt -> gic@1\n",
            "goes nowhere",
        ),
        (
            CORE + "u: UART.CMSDK_APB_UART @ sysbus 0x1000\n    TxInterrupt -> nvic@999\n",
            "does not reach",
        ),
        (CORE.replace("nvic: nvic", "nvic: gic"), "names no entry"),
        (CORE.replace("nvic: nvic", "nvic: cpu"), "no interrupt controller"),
        (MEMORY, "has one CPU.CortexM"),
        (CORE + "sysbus:\n    init:\n        ApplySVD @x\n", "Monitor command"),
        (
            CORE + 'sysbus:\n    init:\n        Tag <0x48102000, 0x48102FFF> "ETHOS_U55"\n',
            "the NPU has no interrupt",
        ),
    ],
)
def test_what_cannot_be_emulated_is_refused_with_a_remedy(text, message):
    with pytest.raises(ReplError, match=message) as caught:
        loads(text)
    assert caught.value.found
    assert caught.value.expected
    assert caught.value.try_


def test_a_platform_of_hockets_own_is_found_by_name():
    assert load("corstone300").npu == load(PLATFORM).npu


def test_an_unknown_platform_is_refused_with_those_there_are():
    with pytest.raises(ReplError, match="unknown platform") as caught:
        load("corstone301")
    assert "corstone300" in str(caught.value.expected)
