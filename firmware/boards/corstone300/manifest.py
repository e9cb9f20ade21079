# SPDX-License-Identifier: Apache-2.0
# What this image freezes: Hocket with its default application, and how it starts here.
# ruff: noqa: F821 - include() and module() come from the build
include("../../app/manifest.py")
module("_boot.py", base_path=".", opt=3)
module("_start.py", base_path=".", opt=3)
