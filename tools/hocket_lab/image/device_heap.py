# SPDX-License-Identifier: Apache-2.0
# mypy: ignore-errors
"""Runs on the device: what the kernel takes of the heap, behind `device_application`.

A line of name and bytes for each part. The modules are counted as well: what they take, no
application can do without. Each is charged with those that it is the first to import; what the
default application has imported before is imported anew.
"""

import sys

from device_application import app, used

for name in list(sys.modules):
    if name.startswith("hocket.") and name not in ("hocket._reader", "hocket._layout"):
        del sys.modules[name]
last = used()


def part(name):
    global last
    now = used()
    print(name, now - last)
    last = now


for name in (
    "port",
    "ethosu",
    "trace",
    "agenda",
    "dispatch",
    "task",
    "tensor",
    "net",
    "policy",
    "periodic",
    "kernel",
):
    __import__("hocket." + name)
    part(name + ".py")
trace = sys.modules["hocket.trace"].Trace()
part("trace's ring")
kernel = sys.modules["hocket.kernel"].Kernel(app, trace=trace)
for task in kernel.tasks:
    task.prepare()
part("kernel with tasks")
