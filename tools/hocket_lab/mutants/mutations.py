# SPDX-License-Identifier: Apache-2.0
"""Ways to break Python: each changes one place of a file's text.

Left alone is what no test should hold: annotations, words (docstrings and what errors say), checks
for the type checker (assert, Protocol), checks that say what is so (zip's strict), imports,
decorators, names with two underscores.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

_COMPARISONS: dict[type[ast.cmpop], tuple[str, str]] = {
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.Is: ("is", "is not"),
    ast.IsNot: (r"is\s+not", "is"),
    ast.In: ("in", "not in"),
    ast.NotIn: (r"not\s+in", "in"),
}
_ARITHMETIC: dict[type[ast.operator], tuple[str, str]] = {
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "//"),
    ast.FloorDiv: ("//", "*"),
    ast.Div: ("/", "*"),
    ast.Mod: ("%", "*"),
    ast.LShift: ("<<", ">>"),
    ast.RShift: (">>", "<<"),
    ast.BitAnd: ("&", "|"),
    ast.BitOr: ("|", "&"),
    ast.BitXor: ("^", "|"),
}
_CALLS = {"min": "max", "max": "min", "any": "all", "all": "any", "sorted": "list"}
#: Comparisons whose opposite is one of the mutants already.
_OPPOSED = (ast.Eq, ast.NotEq, ast.Is, ast.IsNot, ast.In, ast.NotIn)


@dataclass(frozen=True)
class Change:
    """One place of a text and what to put there; offsets count characters."""

    kind: str
    start: int
    end: int
    text: str
    line: int

    def apply(self, source: str) -> str:
        """The text with it."""
        return source[: self.start] + self.text + source[self.end :]


def changes(source: str) -> list[Change]:
    """All ways to break a file, in the order of its text."""
    tree = ast.parse(source)
    found = _Finder(source, _zeros(tree))
    found.visit(tree)
    return sorted(found.changes, key=lambda change: (change.start, change.end, change.text))


class _Finder(ast.NodeVisitor):
    def __init__(self, source: str, zeros: frozenset[str]) -> None:
        self.changes: list[Change] = []
        self._zeros = zeros
        self._source = source
        self._lines = [0]
        for line in source.splitlines(keepends=True):
            self._lines.append(self._lines[-1] + len(line))

    def _at(self, line: int, column: int) -> int:
        start = self._lines[line - 1]
        # The parser counts bytes.
        text = self._source[start : self._lines[line]].encode()
        return start + len(text[:column].decode())

    def _span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return (
            self._at(node.lineno, node.col_offset),
            self._at(node.end_lineno, node.end_col_offset),
        )

    def _text(self, node: ast.expr | ast.stmt) -> str:
        start, end = self._span(node)
        return self._source[start:end]

    def _add(self, kind: str, start: int, end: int, text: str) -> None:
        line = self._source.count("\n", 0, start) + 1
        self.changes.append(Change(kind, start, end, text, line))

    def _replace(self, kind: str, node: ast.expr | ast.stmt, text: str) -> None:
        self._add(kind, *self._span(node), text)

    def _between(
        self, kind: str, left: ast.expr, right: ast.expr, pattern: str, text: str
    ) -> Change | None:
        """Replace the operator between two operands, beside which are only spaces and brackets."""
        start, end = self._span(left)[1], self._span(right)[0]
        found = re.search(pattern, self._source[start:end])
        if found is None:
            return None
        return Change(
            kind,
            start + found.start(),
            start + found.end(),
            text,
            self._source.count("\n", 0, start + found.start()) + 1,
        )

    # Left alone ----------------------------------------------------------------------------------

    def visit_Raise(self, node: ast.Raise) -> None:
        self._replace("deleted", node, "pass")

    def visit_Assert(self, node: ast.Assert) -> None:
        pass

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        pass

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        if not any(isinstance(base, ast.Name) and base.id == "Protocol" for base in node.bases):
            self._all(node.body)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._all(node.args.defaults)
        self._all([default for default in node.args.kw_defaults if default is not None])
        self._all(node.body)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self.visit_FunctionDef(node)

    def visit_If(self, node: ast.If) -> None:
        if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            return
        self._condition(node.test)
        self.generic_visit(node)

    def _all(self, nodes: list[ast.stmt] | list[ast.expr]) -> None:
        for node in nodes:
            self.visit(node)

    # Statements ----------------------------------------------------------------------------------

    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Constant):
            return
        if isinstance(node.value, ast.Call | ast.Await):
            self._replace("deleted", node, "pass")
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        (target, *_) = node.targets
        if isinstance(target, ast.Name) and target.id.startswith("__"):
            return
        if isinstance(target, ast.Attribute | ast.Subscript):
            self._replace("deleted", node, "pass")
        if node.col_offset == 0:
            self._module_constant(node.value)
        self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self._replace("deleted", node, "pass")
        sign, other = _ARITHMETIC[type(node.op)]
        change = self._between(
            "arithmetic", node.target, node.value, re.escape(sign) + "=", other + "="
        )
        if change is not None:
            self.changes.append(change)
        self.generic_visit(node)

    def visit_Return(self, node: ast.Return) -> None:
        value = node.value
        if value is None or (isinstance(value, ast.Constant) and value.value is None):
            return
        if not isinstance(value, ast.Compare | ast.BoolOp | ast.UnaryOp | ast.Constant):
            self._replace("returned", value, "None")
        self.generic_visit(node)

    def visit_Break(self, node: ast.Break) -> None:
        self._replace("flow", node, "continue")

    def visit_Continue(self, node: ast.Continue) -> None:
        self._replace("flow", node, "break")

    def visit_While(self, node: ast.While) -> None:
        self._condition(node.test)
        self.generic_visit(node)

    def visit_IfExp(self, node: ast.IfExp) -> None:
        self._condition(node.test)
        self.generic_visit(node)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        for test in node.ifs:
            self._condition(test)
        self.generic_visit(node)

    def _condition(self, test: ast.expr) -> None:
        """The opposite, unless another mutant says the same."""
        opposed = isinstance(test, ast.Compare) and isinstance(test.ops[0], _OPPOSED)
        negated = isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)
        if not opposed and not negated and not isinstance(test, ast.Constant):
            self._replace("condition", test, f"not ({self._text(test)})")

    def _module_constant(self, value: ast.expr) -> None:
        if isinstance(value, ast.Call) and len(value.args) == 1:  # const(…), frozenset(…)
            value = value.args[0]
        if isinstance(value, ast.Tuple | ast.List | ast.Set) and len(value.elts) > 1:
            opening, closing = self._text(value)[0], self._text(value)[-1]
            kept = ", ".join(self._text(element) for element in value.elts[:-1])
            first = self._text(value.elts[0])
            for elements in {kept, first}:
                self._replace("constant", value, f"{opening}{elements},{closing}")
        if isinstance(value, ast.Constant) and type(value.value) is int and value.value > 2:
            self._replace("constant", value, "0")
            self._replace("constant", value, "1")

    # Expressions ---------------------------------------------------------------------------------

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, bool):
            self._replace("constant", node, str(not node.value))
        elif isinstance(node.value, int):
            self._replace("constant", node, str(node.value + 1))
            if node.value > 0:
                self._replace("constant", node, str(node.value - 1))
        elif isinstance(node.value, float):
            self._replace("constant", node, repr(node.value * 2 + 1))

    def visit_Compare(self, node: ast.Compare) -> None:
        operands = [node.left, *node.comparators]
        for left, right, operator in zip(operands, node.comparators, node.ops, strict=False):
            pattern, other = _COMPARISONS[type(operator)]
            change = self._between("comparison", left, right, pattern, other)
            if change is not None:
                self.changes.append(change)
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        words = any(_is_text(side) for side in (node.left, node.right))
        zero = isinstance(node.right, ast.Name) and node.right.id in self._zeros
        sign, other = _ARITHMETIC.get(type(node.op), ("", ""))
        if sign and not words and not zero:
            change = self._between("arithmetic", node.left, node.right, re.escape(sign), other)
            if change is not None:
                self.changes.append(change)
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        sign, other = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
        for left, right in zip(node.values, node.values[1:], strict=False):
            change = self._between("logic", left, right, rf"\b{sign}\b", other)
            if change is not None:
                self.changes.append(change)
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if not isinstance(node.op, ast.UAdd):
            self._replace("unary", node, f"({self._text(node.operand)})")
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Name) and node.func.id in _CALLS:
            other = _CALLS[node.func.id]
            if other != "list" or not node.keywords:
                self._replace("call", node.func, other)
        if isinstance(node.func, ast.Name) and node.func.id == "reversed":
            self._replace("call", node.func, "list")
        self._all([node.func, *node.args])
        self._all([keyword.value for keyword in node.keywords if keyword.arg != "strict"])


def _zeros(tree: ast.Module) -> frozenset[str]:
    """Constants of a module that are 0: to add one is to subtract it."""
    names = set()
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            value = node.value
            if isinstance(value, ast.Call) and len(value.args) == 1:
                value = value.args[0]
            if isinstance(value, ast.Constant) and value.value == 0:
                names.add(node.targets[0].id)
    return frozenset(names)


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def each(source: str) -> Iterator[tuple[Change, str]]:
    """Each change that leaves a program, with that program."""
    for change in changes(source):
        changed = change.apply(source)
        try:
            compile(changed, "mutant", "exec")
        except (SyntaxError, ValueError):
            continue
        yield change, changed
