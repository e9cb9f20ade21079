# SPDX-License-Identifier: Apache-2.0
import pytest

from hocket_host.board.board import BoardError, load


def constants(**changes):
    values = {
        "CPU_HZ": 32_000_000, "NPU_BASE": 0x48102000, "NPU_IRQ": 56,
        "FLASH_BASE": 0x70000000, "FLASH_SIZE": 0x100000,
        "SRAM_BASE": 0x21000000, "SRAM_SIZE": 0x100000,
        "ARENA_BASE": 0x21080000, "ARENA_SIZE": 0x80000,
        "UART0_BASE": 0x49303000, "DISPATCH_CPU_CYCLES": 600, "RESUME_CPU_CYCLES": 2000,
    }  # fmt: skip
    values.update(changes)
    return "\n".join(f"{k} = {v!r}" for k, v in values.items() if v is not None)


@pytest.fixture
def board(tmp_path):
    def write(text):
        path = tmp_path / "mine" / "board.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    return write


def test_the_board_that_comes_with_hocket_loads_by_name():
    board = load("corstone300")
    assert (board.npu_base, board.npu_irq, board.npu_secure_base) == (0x48102000, 56, 0x58102000)


def test_a_users_board_loads_by_file_and_by_folder(board):
    path = board(constants())
    assert load(path) == load(path.parent)
    assert load(path).name == "mine"


def test_every_missing_constant_is_listed(board):
    path = board(constants(NPU_IRQ=None, SRAM_SIZE=None))
    with pytest.raises(BoardError, match="NPU_IRQ, SRAM_SIZE"):
        load(path)


def test_a_constant_of_the_wrong_type_is_named(board):
    with pytest.raises(BoardError, match="CPU_HZ is no whole number"):
        load(board(constants(CPU_HZ="32 MHz")))


def test_an_arena_outside_the_sram_is_refused(board):
    with pytest.raises(BoardError, match="not inside the SRAM"):
        load(board(constants(ARENA_SIZE=0x80001)))


def test_an_unaligned_arena_is_refused(board):
    with pytest.raises(BoardError, match="not aligned"):
        load(board(constants(ARENA_BASE=0x21080008, ARENA_SIZE=16)))


def test_a_description_that_does_not_run_is_told_with_its_place(board):
    path = board("import no_such_module")
    with pytest.raises(BoardError, match="no_such_module") as caught:
        load(path)
    assert str(path) in str(caught.value)


def test_an_unknown_board_lists_those_that_exist():
    with pytest.raises(BoardError, match="corstone300"):
        load("no-such-board")
