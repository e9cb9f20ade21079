# SPDX-License-Identifier: Apache-2.0
# The default application: every task of the container in flash, each at its own rate, and what
# became of them as a table on the console. A body for a task goes between load() and run().
import hocket

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
    while reports is None or reports > 0:
        kernel.run(REPORT_US)
        print(kernel.report())
        if reports is not None:
            reports -= 1
    kernel.close()


def missed(name, late_us):
    print("deadline missed:", name, "by", late_us, "us")


def failed(name, error):
    print("failed:", name, error)


if __name__ == "__main__":
    main()
