# SPDX-License-Identifier: Apache-2.0
"""What IronPython 2.7 and the Monitor must be able to read."""

import ast
import io
import re
import shutil
import subprocess
import tokenize

import pytest

from hocket_host.server import protocol
from rigs.renode import BOARD, RENODE

SCRIPTS = sorted(RENODE.glob("*.py"))
#: Syntax that Python 2.7 does not know.
NEW_SYNTAX = (
    ast.AnnAssign, ast.AsyncFor, ast.AsyncFunctionDef, ast.AsyncWith, ast.Await, ast.JoinedStr,
    ast.MatMult, ast.NamedExpr, ast.Nonlocal, ast.Starred, ast.YieldFrom,
)  # fmt: skip


@pytest.fixture(params=SCRIPTS, ids=lambda path: path.name)
def script(request):
    return request.param.read_text()


def nodes(script, *kinds):
    return [n for n in ast.walk(ast.parse(script)) if isinstance(n, kinds)]


def test_there_are_scripts():
    assert [path.name for path in SCRIPTS] == ["ethos_u55.py", "ethos_u55_alias.py"]


def test_no_syntax_is_newer_than_python_2_7(script):
    assert [ast.dump(node) for node in nodes(script, *NEW_SYNTAX)] == []


def test_functions_have_neither_annotations_nor_keyword_only_arguments(script):
    for function in nodes(script, ast.FunctionDef):
        arguments = function.args
        assert function.returns is None
        assert not arguments.kwonlyargs
        assert not arguments.posonlyargs
        assert all(a.annotation is None for a in arguments.args)


def test_super_is_called_with_its_arguments_or_not_at_all(script):
    assert not re.search(r"\bsuper\(\)", script)


def test_nothing_is_printed_and_no_true_division_is_made(script):
    names = [n.func.id for n in nodes(script, ast.Call) if isinstance(n.func, ast.Name)]
    assert "print" not in names
    assert nodes(script, ast.Div) == []


def test_exceptions_are_raised_without_a_cause(script):
    assert [r for r in nodes(script, ast.Raise) if r.cause is not None] == []


def test_classes_have_neither_keywords_nor_are_they_old_ones(script):
    for each in nodes(script, ast.ClassDef):
        assert each.keywords == []
        assert each.bases


def test_numbers_and_texts_are_written_as_python_2_reads_them(script):
    for token in tokenize.generate_tokens(io.StringIO(script).readline):
        if token.type == tokenize.NUMBER:
            assert "_" not in token.string
            assert not re.fullmatch(r"0[0-9]+|0[oO].*", token.string)
        if token.type == tokenize.STRING:
            assert re.match(r"[\"']", token.string)


def test_the_source_is_ascii(script):
    assert script.isascii()


def test_texts_and_bytes_are_told_apart_by_buffers_only(script):
    attributes = {n.attr for n in nodes(script, ast.Attribute)}
    assert not attributes & {"decode", "encode", "to_bytes", "from_bytes", "format"}


def test_no_exception_leaves_a_script(script):
    last = ast.parse(script).body[-1]
    assert isinstance(last, ast.Try)
    assert [handler.type for handler in last.handlers] == [None]


def test_only_names_of_renodes_pascal_case_interface_are_used(script):
    asked = {
        n.attr
        for n in nodes(script, ast.Attribute)
        if isinstance(n.value, ast.Name) and n.value.id == "request"
    }
    assert asked <= {"IsInit", "IsRead", "IsWrite", "Value", "Offset", "Length", "Type"}


@pytest.mark.needs("python2.7")
def test_python_2_7_compiles_the_scripts(tmp_path):
    python = shutil.which("python2.7")
    for path in SCRIPTS:
        code = f"compile(open({str(path)!r}).read(), 'script', 'exec')"
        subprocess.run([python, "-c", code], check=True)


def test_the_script_and_the_server_agree_on_the_protocol():
    scope = {}
    constants = [
        node
        for node in nodes((RENODE / "ethos_u55.py").read_text(), ast.Assign)
        if isinstance(node.targets[0], (ast.Name, ast.Tuple))
        and re.fullmatch(r"[A-Z_0-9]+", ast.unparse(node.targets[0]).split(",")[0].strip("( "))
    ]
    for node in constants:
        exec(ast.unparse(node), scope)
    assert scope["VERSION"] == protocol.VERSION
    assert scope["MAGIC"].encode() == protocol.MAGIC
    assert scope["DEFAULT_PORT"] == protocol.DEFAULT_PORT
    assert scope["NEVER"] == protocol.NEVER
    assert bytes(scope["NO_DIGEST"]) == protocol.NO_DIGEST
    assert scope["LONGEST_FRAME"] == protocol.MAX_FRAME
    assert scope["MOST_ACTIONS"] <= protocol.MAX_ACTIONS
    for name in protocol.Kind.__members__:
        assert scope[name] == protocol.Kind[name]
    for name in protocol.ActionKind.__members__:
        assert scope[name] == protocol.ActionKind[name]


@pytest.fixture
def resc():
    return (RENODE / "corstone300.resc").read_text()


def placed(resc):
    """Address of each Python peripheral by its file."""
    found = re.findall(r"PyDevFromFile \$ORIGIN/(\S+) (0x\w+) (0x\w+) true \"\w+\"", resc)
    return {name: (int(at, 16), int(size, 16)) for name, at, size in found}


def test_the_peripherals_are_where_the_board_has_its_npu(resc):
    assert placed(resc) == {
        "ethos_u55.py": (BOARD.npu_base, 0x1000),
        "ethos_u55_alias.py": (BOARD.npu_secure_base, 0x1000),
    }


def test_the_container_is_loaded_where_the_firmware_looks_for_it(resc):
    assert f"LoadBinary $app {BOARD.container_base:#x}" in resc


def test_every_file_that_the_monitor_loads_is_there(resc):
    names = re.findall(r"\$ORIGIN/(\w\S*)", resc)
    assert len(names) == 3
    assert all((RENODE / name).is_file() for name in names)


def test_image_and_container_can_be_set_before(resc):
    assert re.findall(r"^\$(\w+)\?=", resc, re.MULTILINE) == ["bin", "app"]


def test_the_monitor_gets_no_commands_in_comments(resc):
    # Backticks are executed.
    assert "`" not in resc
