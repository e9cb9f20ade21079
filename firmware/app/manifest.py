# SPDX-License-Identifier: Apache-2.0
# What an image for Corstone-300 freezes: the device package, the constants of the board and the
# default application. Another board's manifest differs in its board.py.
# ruff: noqa: F821 - package() and module() come from the build
import json

# The files are those that mip installs: what only tests need is in neither.
with open("../package.json") as _list:
    _FILES = tuple([url[0].partition("/")[2] for url in json.load(_list)["urls"]])

package("hocket", files=_FILES, base_path="..", opt=3)
module("board.py", base_path="../boards/corstone300", opt=3)
module("main.py", base_path=".", opt=3)
