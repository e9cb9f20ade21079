# SPDX-License-Identifier: Apache-2.0
"""QEMU as a child process: its console, and the bell by which the guest and the host take turns."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from hocket_host.missing import Missing

from . import shim
from .counter import Counter
from .errors import QemuError

QEMU = "qemu-system-arm"
MACHINE = "mps3-an547"
#: Instructions take 2**5 ns each, as near as icount comes to the 32 MHz of the machine.
ICOUNT_SHIFT = 5
#: Console output that QEMU may be ahead of us without waiting, which would change its timing.
_PIPE_BYTES = 1 << 20


def missing() -> Missing | None:
    """What QEMU's back end lacks on this machine; None if nothing."""
    lacking = [p for p in (QEMU, shim.COMPILER) if shutil.which(p) is None]
    if not lacking:
        return None
    what = f"no {' and no '.join(lacking)} on the path"
    return Missing(what, "apt-get install qemu-system-arm gcc-arm-none-eabi")


def _command(firmware: Path, memory: int, memory_bytes: int) -> list[str]:
    return [
        QEMU, "-machine", f"{MACHINE},memory-backend=ddr",
        "-object",
        f"memory-backend-file,id=ddr,size={memory_bytes},"
        f"mem-path=/proc/self/fd/{memory},share=on",
        "-icount", f"shift={ICOUNT_SHIFT},sleep=off",
        "-semihosting-config", "enable=on,target=native",
        "-display", "none", "-monitor", "none", "-nic", "none",
        "-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console",
        "-kernel", str(firmware),
    ]  # fmt: skip


class QemuProcess:
    """A started QEMU whose machine has not run yet.

    Parameters
    ----------
    firmware
        The executable that it loads.
    memory
        Descriptor of the file that backs its DDR.
    memory_bytes
        Size of that file.
    paths
        Called with the paths of the bells (to the host, from the host) and of the memory, as the
        guest must open them, before the machine can run.
    output
        Called with what the console sends.
    gdb
        A device for QEMU's ``-gdb``, at which the machine waits for a debugger; None for none.
    """

    def __init__(
        self,
        firmware: bytes,
        memory: int,
        memory_bytes: int,
        paths: Callable[[tuple[str, str, str]], None],
        output: Callable[[bytes], None],
        *,
        gdb: str | None,
    ) -> None:
        program = shutil.which(QEMU)
        if program is None:
            lacking = Missing(f"no {QEMU} on the path", "apt-get install qemu-system-arm")
            lacking.raise_as(QemuError, "QEMU", "use the bundled emulator")
        self._output = output
        self._folder = tempfile.TemporaryDirectory(prefix="hocket-qemu-")
        folder = Path(self._folder.name)
        (folder / "firmware.elf").write_bytes(firmware)
        self._errors = (folder / "errors").open("w+b")
        out_read, out_write = os.pipe()
        in_read, in_write = os.pipe()
        paths(tuple(f"/proc/self/fd/{fd}" for fd in (out_write, in_read, memory)))  # type: ignore[arg-type]
        counter = self._counter = Counter.open(program)
        # QEMU ends when the other end of this pipe goes, in whatever way we end.
        lifeline, self._lifeline = os.pipe()
        fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)
        fcntl.fcntl(lifeline, fcntl.F_SETSIG, signal.SIGKILL)
        self._child = subprocess.Popen(
            [
                *_command(folder / "firmware.elf", memory, memory_bytes),
                *(() if counter is None else counter.options),
                *(("-gdb", gdb, "-S") if gdb else ()),
            ],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._errors,
            pass_fds=(
                out_write, in_read, memory, lifeline,
                *(() if counter is None else (counter.descriptor,)),
            ),
            bufsize=0,
        )  # fmt: skip
        if counter is not None:
            counter.handed_on()
        fcntl.fcntl(lifeline, fcntl.F_SETOWN, self._child.pid)
        for descriptor in (out_write, in_read, lifeline):
            os.close(descriptor)
        self._bell, self._answer = out_read, in_write
        assert self._child.stdout is not None
        self._screen = self._child.stdout.fileno()
        os.set_blocking(self._screen, False)
        with contextlib.suppress(OSError):
            fcntl.fcntl(self._screen, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        self.exit_code: int | None = None
        """What QEMU ended with; None while it runs."""

    @property
    def instructions(self) -> int | None:
        """Instructions executed; None where nothing counts them."""
        return None if self._counter is None else self._counter.value

    def release(self) -> None:
        """Let the guest that rang go on."""
        with contextlib.suppress(BrokenPipeError):
            os.write(self._answer, b"\0")

    def wait(self, limit_s: float | None) -> bool:
        """Until the guest rings; False when QEMU ends instead.

        Raises
        ------
        QemuError
            Neither happens within ``limit_s`` of the host's time.
        """
        limit = None if limit_s is None else time.monotonic() + limit_s
        watched = [self._bell, self._screen]
        while True:
            left = None if limit is None else max(limit - time.monotonic(), 0)
            ready, _, _ = select.select(watched, (), (), left)
            # What was printed before the bell is reported before it.
            if not self._drain() and self._screen in watched:
                watched.remove(self._screen)
            if self._bell in ready:
                if os.read(self._bell, 1):
                    return True
                self._ended()
                return False
            if not ready:
                self.close()
                raise QemuError(
                    "the guest hangs", found=f"{limit_s} s without a sign",
                    expected="an access to the NPU, the end of the run, or the end asked for",
                    try_="look for a lock-up in the image (gdb=), or raise wall_limit_s",
                )  # fmt: skip

    def _drain(self) -> bool:
        """Report what the console has sent; False at its end."""
        while True:
            try:
                data = os.read(self._screen, 1 << 16)
            except BlockingIOError:
                return True
            if not data:
                return False
            self._output(data)

    def _ended(self) -> None:
        self.exit_code = self._child.wait()
        self._drain()

    def complaint(self) -> str:
        """What QEMU wrote to its standard error."""
        self._errors.seek(0)
        lines = self._errors.read().decode("utf-8", "replace").strip().splitlines()
        return "\n".join(line for line in lines if not line.endswith("has no peer"))

    def died(self) -> bool:
        """Whether QEMU was ended by a signal, as it does itself when the guest locks up."""
        return self.exit_code is not None and self.exit_code < 0

    def close(self) -> None:
        """End QEMU if it still runs, and remove its files."""
        if self._child.poll() is None:
            self._child.send_signal(signal.SIGKILL)
        self.exit_code = self._child.wait() if self.exit_code is None else self.exit_code
        for stream in (self._child.stdout, self._errors):
            if stream is not None:
                stream.close()
        for descriptor in (self._bell, self._answer, self._lifeline):
            if descriptor >= 0:
                os.close(descriptor)
        self._bell = self._answer = self._lifeline = -1
        self._folder.cleanup()
