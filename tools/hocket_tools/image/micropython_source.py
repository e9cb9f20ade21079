# SPDX-License-Identifier: Apache-2.0
"""MicroPython's source: the user's own tree, or Debian's source package, pinned and cached.

The package is fetched by apt's own client from the archive that this machine is set up with, in
a private configuration: a release that the machine does not use itself stays invisible to it.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from .errors import FirmwareError

PACKAGE = "micropython"
RELEASE = "trixie"
VERSION = "1.25.0+ds-1"
ARCHIVE = "micropython_1.25.0+ds.orig.tar.xz"
SHA256 = "7b25be99a502f070b2de81dafc08da7051d992325d6e67daa9045a918fffdbea"

OLDEST = (1, 25)

_OWN_TREE = "set MICROPYTHON_DIR to a checkout of MicroPython 1.25 or later"


def cache_dir() -> Path:
    """Directory for what was fetched, outside of any working tree."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "hocket"


def is_here() -> bool:
    """Whether the pinned source was fetched."""
    return (cache_dir() / ARCHIVE).is_file()


def version_of(tree: Path) -> tuple[int, int]:
    """Version of a MicroPython source tree.

    Raises
    ------
    FirmwareError
        If it is no such tree.
    """
    file = tree / "py" / "mpconfig.h"
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    numbers = [
        re.search(rf"^#define MICROPY_VERSION_{part} (\d+)", text, re.MULTILINE)
        for part in ("MAJOR", "MINOR")
    ]
    if numbers[0] is None or numbers[1] is None:
        raise FirmwareError(
            "no MicroPython source tree",
            where=tree,
            found="no version in py/mpconfig.h",
            expected="the top folder of MicroPython's source",
            try_=_OWN_TREE,
        )
    return int(numbers[0].group(1)), int(numbers[1].group(1))


def locate() -> Path:
    """Return MicroPython's source tree, fetching it if this is the first time.

    Raises
    ------
    FirmwareError
        If ``MICROPYTHON_DIR`` is not what it should be, or the source cannot be fetched, or is
        not what was pinned.
    """
    own = os.environ.get("MICROPYTHON_DIR")
    if own:
        tree = Path(own).expanduser().resolve()
        version = version_of(tree)
        if version < OLDEST:
            raise FirmwareError(
                "MicroPython is too old",
                where=tree,
                found="{}.{}".format(*version),
                expected="{}.{} or later".format(*OLDEST),
                try_="unset MICROPYTHON_DIR to have the pinned version fetched",
            )
        return tree
    tree = cache_dir() / f"micropython-{SHA256[:12]}"
    if not tree.is_dir():
        _unpack(_archive(), tree)
    return tree


def check(archive: Path) -> None:
    """Hold an archive against its pinned hash; remove it if it is another.

    Raises
    ------
    FirmwareError
        If the hash differs.
    """
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != SHA256:
        archive.unlink()
        raise FirmwareError(
            "MicroPython's source is not what it should be, and was removed",
            where=archive,
            found=f"sha256 {found}",
            expected=f"sha256 {SHA256}",
            try_=f"run it again; if it stays so, {_OWN_TREE}",
        )


def _archive() -> Path:
    archive = cache_dir() / ARCHIVE
    if not archive.is_file():
        _fetch(archive)
    check(archive)
    return archive


def _unpack(archive: Path, tree: Path) -> None:
    # Renamed into place at the end, so that a tree that is there is whole.
    with tempfile.TemporaryDirectory(dir=tree.parent) as folder:
        with tarfile.open(archive) as tar:
            if hasattr(tarfile, "data_filter"):
                tar.extractall(folder, filter="data")
            else:
                tar.extractall(folder)
        (top,) = Path(folder).iterdir()
        version_of(top)
        if not tree.is_dir():
            top.rename(tree)


def _mirror() -> str:
    """Archive of Debian that this machine is set up with."""
    if shutil.which("apt-get") is None:
        raise FirmwareError(
            "MicroPython's source comes from Debian's archive, and there is no apt here",
            expected="apt-get, or a source tree of your own",
            try_=_OWN_TREE,
        )
    listed = subprocess.run(
        [
            "apt-get",
            "indextargets",
            "--format",
            "$(REPO_URI) $(RELEASE) $(ORIGIN)",
            "Created-By: Packages",
        ],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    for line in listed.splitlines():
        uri, release, origin = [*line.split(maxsplit=2), "", ""][:3]
        # Without its lists apt does not know the origin, and prints the name of the field.
        if origin in {"Debian", "", "$(ORIGIN)"} and release.isalpha():
            return uri
    raise FirmwareError(
        "apt knows no archive of Debian here",
        found=listed.strip() or "no archive at all",
        expected="a source entry for Debian",
        try_=f"apt-get update; or {_OWN_TREE}",
    )


def _fetch(archive: Path) -> None:
    archive.parent.mkdir(parents=True, exist_ok=True)
    keyring = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
    signed = f" [signed-by={keyring}]" if keyring.is_file() else ""
    mirror = _mirror()
    with tempfile.TemporaryDirectory(dir=archive.parent) as folder:
        home = Path(folder)
        for name in ("lists/partial", "cache/archives/partial"):
            (home / name).mkdir(parents=True)
        (home / "sources.list").write_text(f"deb-src{signed} {mirror} {RELEASE} main\n")
        options = {
            "Dir::Etc::SourceList": home / "sources.list",
            "Dir::Etc::SourceParts": "/dev/null",
            "Dir::State::Lists": home / "lists",
            "Dir::Cache": home / "cache",
            "APT::Sandbox::User": "",
        }
        apt = ["apt-get", "-qq"]
        for key, value in options.items():
            apt += ["-o", f"{key}={value}"]
        for command in (
            ["update"],
            ["source", "--download-only", "--tar-only", f"{PACKAGE}={VERSION}"],
        ):
            run = subprocess.run(
                [*apt, *command], cwd=home, capture_output=True, text=True, check=False
            )
            if run.returncode or run.stderr.startswith("E:"):
                raise FirmwareError(
                    "apt could not fetch MicroPython's source",
                    found=run.stderr.strip() or f"exit status {run.returncode}",
                    expected=f"{PACKAGE} {VERSION} from {RELEASE}",
                    try_=f"apt-get install debian-archive-keyring; or {_OWN_TREE}",
                )
        fetched = home / ARCHIVE
        if not fetched.is_file():
            raise FirmwareError(
                "apt fetched another file",
                found=", ".join(sorted(p.name for p in home.glob("*.tar.*"))) or "none",
                expected=ARCHIVE,
                try_=_OWN_TREE,
            )
        fetched.rename(archive)
