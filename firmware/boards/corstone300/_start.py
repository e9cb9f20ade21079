# SPDX-License-Identifier: Apache-2.0
# The default application, if there is a container; what ends it ends in the REPL.
import board
import main
import uctypes

from hocket._reader import check_magic


def start():
    try:
        check_magic(bytes(uctypes.bytearray_at(board.CONTAINER_BASE, 8)))
    except ValueError as error:
        print("no application at 0x%08x: %s" % (board.CONTAINER_BASE, error))
        return
    main.main()


start()
