# SPDX-License-Identifier: Apache-2.0
"""The report as a reader uses it, in headless Chromium."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from _browser import browser

from hocket_tools.pack.packed import Packed
from hocket_tools.report import build, render
from hocket_tools.run import run as running
from hocket_tools.run.run import Outcome

pytestmark = pytest.mark.needs("browser")

WIDTHS = (1280, 390)


@pytest.fixture(scope="module")
def told(packed: Packed, outcome: Outcome) -> dict[str, Any]:
    return build(packed, outcome)


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture(scope="module")
def page(told: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("html") / "report.html"
    path.write_text(render(told), encoding="utf-8")
    return path.as_uri()


def _media(driver: Any, scheme: str, width: int = 1280) -> None:
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False},
    )


@pytest.fixture
def opened(driver: Any, page: str) -> Any:
    _media(driver, "light")
    driver.get(page)
    _frames(driver)
    return driver


def _frames(driver: Any) -> None:
    """Wait until observers of sizes have had their turn."""
    driver.execute_async_script(
        "const done = arguments[0];"
        "requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 0)))"
    )


def _press(driver: Any, *keys: str) -> None:
    canvas = driver.find_element("css selector", "canvas.lanes")
    driver.execute_script("arguments[0].focus()", canvas)
    for key in keys:
        canvas.send_keys(key)


def _window(driver: Any) -> tuple[float, float]:
    start, end = driver.execute_script("return [view.model.from, view.model.to]")
    return start, end


def _background(driver: Any) -> str:
    return str(driver.execute_script("return getComputedStyle(document.body).backgroundColor"))


def test_the_console_stays_silent_on_every_network(opened: Any) -> None:
    for tab in opened.find_elements("css selector", "[role=tab]"):
        tab.click()
        _frames(opened)
        assert opened.find_elements("css selector", "#network svg")
    assert opened.get_log("browser") == []


def test_a_run_too_short_for_any_job_is_drawn(driver: Any, packed: Packed, tmp_path: Path) -> None:
    short = build(packed, running.execute(packed, 1000))
    path = tmp_path / "short.html"
    path.write_text(render(short), encoding="utf-8")
    driver.get(path.as_uri())
    _frames(driver)
    assert driver.get_log("browser") == []
    assert "No job was completed in this run." in driver.find_element("id", "responses").text


def test_misses_are_told_first_and_found_by_key(
    driver: Any, told: dict[str, Any], tmp_path: Path
) -> None:
    late = copy.deepcopy(told)
    job = late["run"]["tasks"][0]["jobs"][3]
    job["outcome"], job["end_ns"] = "late", job["deadline_ns"] + 1_000_000
    late["run"]["tasks"][0]["misses"] = 1
    path = tmp_path / "late.html"
    path.write_text(render(late), encoding="utf-8")
    driver.get(path.as_uri())
    _frames(driver)
    assert driver.find_element("id", "verdict").text.startswith("✗ 1 of")
    _press(driver, "0", "+", "+", "+", "m")
    start, end = _window(driver)
    assert (start + end) / 2 == pytest.approx(job["deadline_ns"], abs=2) or start == 0


@pytest.mark.parametrize(
    ("bound_share", "kind", "said"),
    [
        (None, "good", "not bounded by analysis"),
        (100, "good", "Every bound on a response time is within its deadline."),
        (101, "unsure", "A bound on a response time is beyond its deadline."),
        (0, "bad", "✗ A response was longer than its bound"),
    ],
)
def test_the_verdict_is_as_good_as_the_bounds(
    driver: Any,
    told: dict[str, Any],
    tmp_path: Path,
    bound_share: int | None,
    kind: str,
    said: str,
) -> None:
    bounded = copy.deepcopy(told)
    for task in bounded["run"]["tasks"]:
        share = None if bound_share is None else task["deadline_ns"] * bound_share // 100
        task["bound_ns"] = share
    path = tmp_path / "bounded.html"
    path.write_text(render(bounded), encoding="utf-8")
    driver.get(path.as_uri())
    verdict = driver.find_element("id", "verdict")
    assert said in verdict.text
    assert kind in verdict.get_attribute("class").split()


def test_nothing_is_requested_but_the_file_itself(opened: Any, page: str) -> None:
    _frames(opened)
    messages = [json.loads(m["message"])["message"] for m in opened.get_log("performance")]
    asked = [m["params"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    # The page that a new tab shows is the browser's own affair.
    ours = {a["request"]["url"] for a in asked if a["documentURL"] == page}
    assert {url for url in ours if not url.startswith("data:")} == {page}


def test_names_from_models_are_text_not_markup(opened: Any) -> None:
    assert opened.find_elements("css selector", "main b") == []
    assert "<b>&person</b>" in opened.find_element("id", "tasks").text


@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_never_scrolls_sideways(driver: Any, page: str, width: int) -> None:
    _media(driver, "light", width)
    driver.get(page)
    _frames(driver)
    sizes = driver.execute_script(
        "const d = document.documentElement; return [d.scrollWidth, d.clientWidth]"
    )
    assert sizes[0] <= sizes[1]


@pytest.mark.parametrize("width", WIDTHS)
def test_labels_of_a_chart_neither_overlap_nor_leave_it(driver: Any, page: str, width: int) -> None:
    _media(driver, "light", width)
    driver.get(page)
    _frames(driver)
    faults = driver.execute_script(
        """
        const found = [];
        for (const svg of document.querySelectorAll("svg")) {
          const frame = svg.getBoundingClientRect();
          const texts = [...svg.querySelectorAll("text")];
          const boxes = texts.map((t) => [t.textContent, t.getBoundingClientRect()]);
          boxes.forEach(([text, a], i) => {
            if (a.left < frame.left - 1 || a.right > frame.right + 1) found.push(`${text} leaves`);
            for (const [other, b] of boxes.slice(i + 1)) {
              const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
              const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
              if (across > 1 && down > 4) found.push(`${text} | ${other}`);
            }
          });
        }
        return found;
        """
    )
    assert faults == []


@pytest.mark.parametrize(("scheme", "light"), [("light", True), ("dark", False)])
def test_the_systems_colour_scheme_is_followed(
    driver: Any, page: str, scheme: str, light: bool
) -> None:
    _media(driver, scheme)
    driver.get(page)
    assert (_background(driver) == "rgb(255, 255, 255)") == light


def test_the_reader_may_choose_the_other_scheme(opened: Any) -> None:
    before = _background(opened)
    button = opened.find_element("id", "theme")
    assert button.text == "Dark theme"
    button.click()
    assert button.text == "Light theme"
    assert _background(opened) != before


def test_the_keyboard_moves_and_zooms_the_timeline(opened: Any, told: dict[str, Any]) -> None:
    _press(opened, "0")
    whole = _window(opened)
    assert whole[0] == 0
    assert whole[1] >= told["run"]["duration_ns"]
    _press(opened, "+")
    zoomed = _window(opened)
    assert zoomed[1] - zoomed[0] == pytest.approx(0.6 * (whole[1] - whole[0]))
    _press(opened, "\ue014")  # arrow right
    assert _window(opened)[0] > zoomed[0]
    _press(opened, "-", "-", "-")
    assert _window(opened) == whole


def test_the_keyboard_steps_through_segments_and_says_which(
    opened: Any, told: dict[str, Any]
) -> None:
    _press(opened, "0", ".", ".")
    task, job, segment, _, _ = told["run"]["npu"][1]
    about = told["run"]["tasks"][task]
    number = about["jobs"][job]["index"]
    status = opened.find_element("css selector", "#timeline [role=status]").text
    assert status.startswith(f"{about['name']}, job {number}, segment {segment + 1} of")


def test_a_preemption_is_found_by_its_button(opened: Any, told: dict[str, Any]) -> None:
    _press(opened, "0", "+", "+", "+", "+", "+")
    opened.find_element("css selector", "[aria-label='Go to the next preemption']").click()
    start, end = _window(opened)
    instants = [told["run"]["npu"][a][4] for a, _ in told["run"]["preemptions"]]
    assert any(abs((start + end) / 2 - at) < 1 or start == 0 for at in instants)


def test_pointing_at_a_segment_explains_it(opened: Any) -> None:
    x, y = opened.execute_script(
        """
        const s = view.model.npu[0];
        view.model.window(s.start - 100, s.end + 100);
        view.redraw();
        view.canvas.scrollIntoView({ block: "center" });
        const box = view.canvas.getBoundingClientRect();
        const x = view.model.x((s.start + s.end) / 2);
        return [box.left + x, box.top + view.model.lanes[0].top + 15];
        """
    )
    opened.execute_cdp_cmd("Input.dispatchMouseEvent", {"type": "mouseMoved", "x": x, "y": y})
    _frames(opened)
    tip = opened.find_element("id", "tip")
    assert tip.is_displayed()
    assert "segment 1 of" in tip.text
    assert "operators" in tip.text


def test_dragging_moves_the_timeline(opened: Any) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    _press(opened, "0", "+", "+")
    before = _window(opened)
    canvas = opened.find_element("css selector", "canvas.lanes")
    ActionChains(opened).drag_and_drop_by_offset(canvas, -80, 0).perform()
    after = _window(opened)
    assert after[0] > before[0]
    assert after[1] - after[0] == pytest.approx(before[1] - before[0])


def test_every_control_is_reached_by_tab_and_has_a_name(opened: Any) -> None:
    names = opened.execute_script(
        """
        return [...document.querySelectorAll("a, button, select, canvas, [tabindex='0']")]
          .filter((node) => node.tabIndex >= 0)
          .map((node) => node.getAttribute("aria-label") || node.textContent.trim());
        """
    )
    assert len(names) > 10
    assert all(names)


def test_focus_is_visible(opened: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    opened.find_element("tag name", "body").send_keys(Keys.TAB)
    outline = opened.execute_script("return getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none"


def test_a_table_sorts_by_a_click_on_its_heading(opened: Any, told: dict[str, Any]) -> None:
    table = opened.find_element("css selector", "#network table[aria-label^='Segments']")
    heading = next(b for b in table.find_elements("tag name", "button") if b.text == "Cycles")
    heading.click()
    shown = [
        int("".join(c for c in cell.text if c.isdigit()))
        for cell in table.find_elements("css selector", "tbody td:nth-child(4)")
    ]
    cycles = [segment["nominal_cycles"] for segment in told["models"][0]["segments"]]
    assert shown == sorted(cycles, reverse=True)


def test_the_slowest_job_is_shown_from_the_table(opened: Any, told: dict[str, Any]) -> None:
    opened.find_element("css selector", "[aria-label^='Show the slowest job of speech']").click()
    jobs = [job for job in told["run"]["tasks"][0]["jobs"] if job["end_ns"] is not None]
    slowest = max(jobs, key=lambda job: job["end_ns"] - job["release_ns"])
    start, end = _window(opened)
    assert start <= slowest["release_ns"] < slowest["end_ns"] <= end
