# SPDX-License-Identifier: Apache-2.0
# The default application: every task of the container in flash, each at its own rate, and what
# became of them as a table on the console. A body for a task goes between load() and run().
import hocket
from hocket.sync import pause, sleep_us

REPORT_US = 5_000_000


# Runs a container, given by its address or path, for so many reports; for ever without.
def main(source=None, reports=None, port=None):
    if port is None:
        port = hocket.Port()
    if source is None:
        source = port.board.CONTAINER_BASE
    kernel = hocket.Kernel(hocket.load(source), port=port)
    kernel.on_miss = missed
    kernel.on_error = failed
    kernel.cells()  # what it imports is to be there before the first job
    if reports != 1:
        kernel.spawn(tell(kernel))
    kernel.run(None if reports is None else REPORT_US * reports)
    print(kernel.report())
    kernel.close()


# The table again and again, a cell at a time: as a whole it would hold up every task for longer
# than the jobs of some take.
async def tell(kernel):
    while True:
        await sleep_us(REPORT_US)
        for cell in kernel.cells():
            print(cell, end="")
            await pause()
        print()


def missed(name, late_us):
    print("deadline missed:", name, "by", late_us, "us")


def failed(name, error):
    print("failed:", name, error)


if __name__ == "__main__":
    main()
