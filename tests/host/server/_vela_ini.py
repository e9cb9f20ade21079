# SPDX-License-Identifier: Apache-2.0
"""The system that Vela assumes for an accelerator."""

from importlib.resources import files

from hocket_host.ethosu.timing.system_config import default_names, parse_system_config


def system(npu):
    """Memories and clock, under Vela's default names."""
    text = (files("ethosu") / "config_files" / "Arm" / "vela.ini").read_text(encoding="utf-8")
    system_config, memory_mode = default_names(npu)
    return parse_system_config(text, npu, system_config=system_config, memory_mode=memory_mode)
