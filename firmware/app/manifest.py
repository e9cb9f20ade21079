# SPDX-License-Identifier: Apache-2.0
# What an image for Corstone-300 freezes: the device package, the constants of the board and the
# default application. Another board's manifest differs in its board.py.
# ruff: noqa: F821 - package() and module() come from the build
package(
    "hocket",
    files=(
        "__init__.py",
        "_layout.py",
        "_reader.py",
        "agenda.py",
        "container.py",
        "dispatch.py",
        "ethosu.py",
        "kernel.py",
        "net.py",
        "periodic.py",
        "policy.py",
        "port.py",
        "stats.py",
        "sync.py",
        "task.py",
        "tensor.py",
        "trace.py",
    ),
    base_path="..",
    opt=3,
)
module("board.py", base_path="../boards/corstone300", opt=3)
module("main.py", base_path=".", opt=3)
