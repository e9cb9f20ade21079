# SPDX-License-Identifier: Apache-2.0
"""Print the constants of a ``board.py`` as a C header, which the linker script reads too."""

import runpy
import sys


def header(path):
    lines = ["// Generated from board.py: change it there."]
    for name, value in runpy.run_path(path).items():
        if not name.isupper():
            continue
        if isinstance(value, int):
            lines.append(f"#define BOARD_{name} 0x{value:X}")
        elif isinstance(value, str):
            lines.append(f'#define BOARD_{name} "{value}"')
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(header(sys.argv[1]))
