# SPDX-License-Identifier: Apache-2.0
"""The experiment as a picture."""

from __future__ import annotations

import io
from collections.abc import Sequence

from .points import Point

#: Method, label, colour (of Okabe and Ito, told apart by the colour-blind too), line.
_LINES = (
    ("ideal_edf", "ideal preemptive EDF", "#999999", ":"),
    ("ideal_fp", "ideal preemptive, fixed priority", "#000000", ":"),
    ("hocket_edf", "Hocket, EDF", "#56B4E9", "-"),
    ("hocket_fp", "Hocket, fixed priority", "#0072B2", "-"),
    ("np_edf", "run to completion, EDF", "#E69F00", "--"),
    ("np_fp", "run to completion, fixed priority", "#D55E00", "--"),
)


def draw(points: Sequence[Point]) -> str:
    """Acceptance over utilisation as SVG text, the same for the same points."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context({"svg.hashsalt": "hocket", "svg.fonttype": "none"}):
        figure = Figure(figsize=(7.2, 4.2), layout="constrained")
        axes = figure.subplots()
        for method, label, colour, line in _LINES:
            axes.plot(
                [100 * point.utilisation for point in points],
                [100 * point.ratio(method) for point in points],  # type: ignore[arg-type]
                line,
                color=colour,
                label=label,
                linewidth=1.8,
            )
        axes.set_xlabel("utilisation of the NPU by whole networks, %")
        axes.set_ylabel("task sets that keep every deadline, %")
        axes.set_xlim(5, 100)
        axes.set_ylim(0, 101)
        axes.grid(alpha=0.25)
        axes.legend(frameon=False, loc="lower left")
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()
