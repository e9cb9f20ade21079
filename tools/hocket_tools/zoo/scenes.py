# SPDX-License-Identifier: Apache-2.0
"""Synthetic scenes: five kinds of shape among clutter, with their boxes.

The detector trains on them, and its stream shows them moving.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

SHAPES = ("disc", "square", "triangle", "cross", "ring")
SIDE = 128

# Drawn this many times larger and averaged down: smooth edges.
_OVERSAMPLING = 2

Point = tuple[float, float]


@dataclass(frozen=True)
class Thing:
    """One shape: kind, centre, radius and velocity in pixels, angle in radians, grey level."""

    kind: str
    x: float
    y: float
    radius: float
    angle: float
    grey: int
    dx: float = 0.0
    dy: float = 0.0


@dataclass(frozen=True)
class Box:
    """Where a shape is: kind, and edges in pixels (right and bottom exclusive)."""

    kind: str
    left: float
    top: float
    right: float
    bottom: float
    score: float = 1.0

    def overlap(self, other: Box) -> float:
        """Return the intersection over union with another box."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        both = max(0.0, width) * max(0.0, height)
        mine = (self.right - self.left) * (self.bottom - self.top)
        yours = (other.right - other.left) * (other.bottom - other.top)
        return both / (mine + yours - both)


def _outline(thing: Thing) -> list[Point]:
    if thing.kind == "square":
        polar = [(math.pi * (0.25 + 0.5 * k), 1.0) for k in range(4)]
    elif thing.kind == "triangle":
        polar = [(math.tau * k / 3, 1.0) for k in range(3)]
    else:  # a cross of arms half as wide as long
        arm, inner = math.atan2(0.3, 1.0), 0.3 * math.sqrt(2.0)
        polar = []
        for k in range(4):
            turn = k * math.pi / 2
            polar += [(turn - arm, 1.0), (turn + arm, 1.0), (turn + math.pi / 4, inner)]
    return [
        (
            thing.x + thing.radius * reach * math.cos(thing.angle + turn),
            thing.y + thing.radius * reach * math.sin(thing.angle + turn),
        )
        for turn, reach in polar
    ]


def bounds(thing: Thing) -> Box:
    """Return the box of a shape."""
    if thing.kind in ("disc", "ring"):
        r = thing.radius
        return Box(thing.kind, thing.x - r, thing.y - r, thing.x + r, thing.y + r)
    xs, ys = zip(*_outline(thing), strict=True)
    return Box(thing.kind, min(xs), min(ys), max(xs), max(ys))


def _draw(canvas: ImageDraw.ImageDraw, thing: Thing, scale: int) -> None:
    if thing.kind in ("disc", "ring"):
        reach = thing.radius * scale
        box = [thing.x * scale - reach, thing.y * scale - reach]
        box += [thing.x * scale + reach, thing.y * scale + reach]
        if thing.kind == "disc":
            canvas.ellipse(box, fill=thing.grey)
        else:
            canvas.ellipse(box, outline=thing.grey, width=max(2, round(0.3 * reach)))
    else:
        canvas.polygon([(x * scale, y * scale) for x, y in _outline(thing)], fill=thing.grey)


def _smooth_field(rng: np.random.Generator, side: int, cells: int) -> npt.NDArray[np.float64]:
    grid = (rng.uniform(size=(cells, cells)) * 255).astype(np.uint8)
    image = Image.fromarray(grid).resize((side, side), Image.Resampling.BICUBIC)
    return np.asarray(image, dtype=np.float64) / 255.0 - 0.5


def background(rng: np.random.Generator, side: int = SIDE, *, unseen: bool = False) -> Image.Image:
    """Draw a cluttered background, an 8-bit grey image of `side` × `side` pixels.

    Parameters
    ----------
    rng
        Source of every choice.
    side
        Edge, in pixels.
    unseen
        Add stripes or checks: kinds of clutter that training never shows.
    """
    field = rng.uniform(30, 225) + rng.uniform(10, 70) * _smooth_field(rng, side, 3)
    field = field + rng.uniform(0, 50) * _smooth_field(rng, side, int(rng.integers(5, 17)))
    if unseen:
        y, x = np.mgrid[:side, :side] / rng.uniform(4.0, 14.0)
        turn = rng.uniform(0, math.pi)
        wave = np.sin(x * math.cos(turn) + y * math.sin(turn))
        if rng.uniform() < 0.5:
            wave = wave * np.sin(y * math.cos(turn) - x * math.sin(turn))
        field = field + rng.uniform(5, 25) * np.sign(wave)
    scale = _OVERSAMPLING
    image = Image.fromarray(np.clip(field, 0, 255).astype(np.uint8))
    image = image.resize((side * scale, side * scale), Image.Resampling.BILINEAR)
    canvas = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(0, 3 + side // 12))):
        x, y = rng.uniform(0, side * scale, size=2)
        reach = rng.uniform(3, 35) * scale
        turn = rng.uniform(0, math.tau)
        grey = int(rng.integers(0, 256))
        width = int(rng.integers(1, 5))
        end = (x + reach * math.cos(turn), y + reach * math.sin(turn))
        if rng.uniform() < 0.6:
            canvas.line([(x, y), end], fill=grey, width=width)
        elif rng.uniform() < 0.6:
            sweep = int(rng.integers(30, 150))
            box = [x - reach, y - reach, x + reach, y + reach]
            canvas.arc(box, math.degrees(turn), math.degrees(turn) + sweep, grey, width)
        else:
            dot = rng.uniform(0.5, 3.0) * scale
            canvas.ellipse([x - dot, y - dot, x + dot, y + dot], fill=grey)
    return image


def things(rng: np.random.Generator, count: int, side: int = SIDE) -> list[Thing]:
    """Draw up to `count` shapes that overlap at most a little."""
    chosen: list[Thing] = []
    for _ in range(count * 8):
        if len(chosen) == count:
            break
        radius = rng.uniform(7.0, 24.0)
        x, y = rng.uniform(0.75 * radius, side - 0.75 * radius, size=2)
        thing = Thing(
            kind=str(rng.choice(SHAPES)),
            x=float(x),
            y=float(y),
            radius=float(radius),
            angle=float(rng.uniform(0, math.tau)),
            grey=0,
            dx=float(rng.uniform(-6, 6)),
            dy=float(rng.uniform(-6, 6)),
        )
        if all(math.hypot(x - o.x, y - o.y) > 0.9 * (radius + o.radius) for o in chosen):
            chosen.append(thing)
    return chosen


def render(
    behind: Image.Image, shapes: Sequence[Thing], rng: np.random.Generator
) -> npt.NDArray[np.uint8]:
    """Draw shapes over a background and add blur and sensor noise.

    Returns
    -------
    uint8[side, side]
    """
    scale = _OVERSAMPLING
    image = behind.copy()
    canvas = ImageDraw.Draw(image)
    for thing in shapes:
        _draw(canvas, thing, scale)
    side = image.width // scale
    image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.0, 1.5)))
    pixels = np.asarray(image.resize((side, side), Image.Resampling.BOX), dtype=np.float64)
    pixels = pixels + rng.normal(scale=rng.uniform(1.0, 9.0), size=pixels.shape)
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)


def contrast(behind: Image.Image, shapes: Sequence[Thing], rng: np.random.Generator) -> list[Thing]:
    """Give each shape a grey level that differs from what lies behind it by at least 45."""
    pixels = np.asarray(behind, dtype=np.float64)
    out = []
    for thing in shapes:
        column = min(max(int(thing.x * _OVERSAMPLING), 0), pixels.shape[1] - 1)
        row = min(max(int(thing.y * _OVERSAMPLING), 0), pixels.shape[0] - 1)
        local = float(np.mean(pixels[max(0, row - 8) : row + 8, max(0, column - 8) : column + 8]))
        levels = [grey for grey in range(256) if abs(grey - local) >= 45]
        out.append(replace(thing, grey=int(rng.choice(levels))))
    return out


def scene(
    rng: np.random.Generator, side: int = SIDE, *, unseen: bool = False
) -> tuple[npt.NDArray[np.uint8], list[Box]]:
    """Return one scene, uint8[side, side], and the boxes of its shapes."""
    behind = background(rng, side, unseen=unseen)
    most = max(2, 6 * side * side // (SIDE * SIDE))
    shapes = contrast(behind, things(rng, int(rng.integers(0, most + 1)), side), rng)
    return render(behind, shapes, rng), [bounds(thing) for thing in shapes]


def moving(seed: int) -> Iterator[tuple[npt.NDArray[np.uint8], list[Box]]]:
    """Yield without end the frames of one scene whose shapes drift and bounce off the edges."""
    rng = np.random.default_rng(seed)
    behind = background(rng)
    shapes = contrast(behind, things(rng, 4), rng)
    while True:
        yield render(behind, shapes, rng), [bounds(thing) for thing in shapes]
        shapes = [_step(thing) for thing in shapes]


def _step(thing: Thing) -> Thing:
    x, dx = _bounce(thing.x, thing.dx, thing.radius)
    y, dy = _bounce(thing.y, thing.dy, thing.radius)
    return replace(thing, x=x, y=y, dx=dx, dy=dy, angle=thing.angle + 0.05)


def _bounce(at: float, step: float, radius: float) -> tuple[float, float]:
    if not radius <= at + step <= SIDE - radius:
        step = -step
    return at + step, step
