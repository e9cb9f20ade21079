# SPDX-License-Identifier: Apache-2.0
"""A headless Chromium, where there is one."""

import importlib.util
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--force-device-scale-factor=1",
)


def missing() -> str | None:
    """Why there is no browser to test in; None if there is one."""
    if importlib.util.find_spec("selenium") is None:
        return "selenium is not installed"
    if CHROMIUM is None or DRIVER is None:
        return "chromium and chromedriver are not installed"
    return None


@contextmanager
def browser(profile: Path) -> Iterator[Any]:
    """A browser with a profile of its own that keeps its console's messages."""
    from selenium import webdriver
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service

    options = Options()
    options.binary_location = str(CHROMIUM)
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(str(DRIVER)))
    try:
        yield driver
    finally:
        driver.quit()
