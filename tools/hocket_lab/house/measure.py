# SPDX-License-Identifier: Apache-2.0
"""All figures of the layout."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from . import imports, sources

PACKAGES = ("hocket", "hocket_host", "hocket_tools", "hocket_lab")


def measure(root: Path) -> dict[str, Any]:
    """Figures of a checkout, and the names of what is too long or runs the wrong way.

    Parameters
    ----------
    root
        Of the repository.
    """
    product, lab, tests = (
        sources.files(root, folders) for folders in (sources.PRODUCT, sources.LAB, sources.TESTS)
    )
    code = [*product, *lab]
    graph = imports.graph_of(PACKAGES)
    circles = imports.circles(graph, PACKAGES)
    upward = imports.upward(graph, root / "pyproject.toml")
    long_files = {str(path.relative_to(root)): n for path, n in sources.long_files(code)}
    long_functions = {
        f"{path.relative_to(root)}:{name}": n for path, name, n in sources.long_functions(code)
    }
    return {
        "product_lines": sum(map(sources.lines, product)),
        "lab_lines": sum(map(sources.lines, lab)),
        "test_lines": sum(map(sources.lines, tests)),
        "import_circles": len(circles),
        "upward_imports": len(upward),
        "files_over_400": len(long_files),
        "functions_over_60_lines": len(long_functions),
        "circles": [" <-> ".join(circle) for circle in circles],
        "upward": [f"{importer} -> {imported}" for importer, imported in upward],
        "long_files": long_files,
        "long_functions": long_functions,
    }
