# SPDX-License-Identifier: Apache-2.0
"""Print the constants of a Python module as a C header, so that C has no copy of its own.

Arguments: prefix of the C names, and the module. It is read, not run: what its names are given at
its top level, plainly or by ``const()``.
"""

import ast
import sys


def constants(source):
    """Upper-case names of a module and their values, in order."""
    found = {"const": lambda value: value}
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            if not name.isupper():
                continue
            try:
                found[name] = eval(compile(ast.Expression(node.value), name, "eval"), dict(found))
            except NameError:  # made of what is no constant
                continue
    del found["const"]
    return found


def header(prefix, source):
    """Text of the header."""
    lines = ["// Generated from a Python module: change it there."]
    for name, value in constants(source).items():
        if isinstance(value, int):
            text = f"0x{value:X}" if value >= 0 else f"(-0x{-value:X})"
            lines.append(f"#define {prefix}_{name.strip('_')} {text}")
        elif isinstance(value, str):
            lines.append(f'#define {prefix}_{name.strip("_")} "{value}"')
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    with open(sys.argv[2], encoding="utf-8") as file:
        sys.stdout.write(header(sys.argv[1], file.read()))
