"""The pages in a real Chromium, opened from disk: sorting, filtering, no errors, no network, every width."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from leaving_runs import leave

from lit_tricks.report.comparable import compare_runs
from lit_tricks.report.comparison_page import comparison_page
from lit_tricks.report.run_page import write_run_report
from lit_tricks.report.runs import find_runs

GROUPS = {"baseline": [0.90, 0.91, 0.92], "dropout": [0.93, 0.94, 0.96], "swa": [0.85, 0.87, 0.86]}
Browser = Any


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("no Chromium with its driver: apt-get install chromium chromium-driver")
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    opened = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield opened
    opened.quit()


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sweep")
    for word, accuracies in GROUPS.items():
        for seed, accuracy in enumerate(accuracies):
            given = [f"+experiment=[{word}]", f"seed={seed}", "x=<img src=x onerror=document.title='broken'>"]
            leave(folder / f"{word}{seed}", [*given, f"y=<b>{word}</b>"], accuracy)
    runs = find_runs([folder])
    file = folder / "comparison.html"
    file.write_text(comparison_page(compare_runs(runs), runs), encoding="utf-8")
    return file


@pytest.fixture
def opened(browser: Browser, page: Path) -> Browser:
    return show(browser, page)


def show(browser: Browser, file: Path, width: int = 1200, scheme: str = "light", media: str = "") -> Browser:
    emulated = {"media": media, "features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", emulated)
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    browser.get(file.as_uri())
    return browser


def column(browser: Browser, place: int, table: str = "runs") -> list[str]:
    return browser.execute_script(
        """return [...document.querySelectorAll(`#${arguments[0]} tbody tr`)].map(
            row => row.cells[arguments[1]].textContent)""",
        table,
        place,
    )


def choose(browser: Browser, kind: str, text: str) -> None:
    from selenium.webdriver.support.ui import Select

    def shown() -> bool:
        options = browser.find_elements("css selector", f"select.dtsb-{kind} option")
        return any(option.text == text for option in options)

    until(shown, browser)
    Select(browser.find_element("css selector", f"select.dtsb-{kind}")).select_by_visible_text(text)


def until(condition: Callable[[], bool], browser: Browser) -> None:
    from selenium.webdriver.support.ui import WebDriverWait

    WebDriverWait(browser, 60).until(lambda _: condition())


def test_no_error_no_network_and_data_stay_text(opened: Browser) -> None:
    assert opened.get_log("browser") == []
    messages = [entry["message"] for entry in opened.get_log("performance")]
    asked = [message for message in messages if "Network.requestWillBeSent" in message]
    assert asked
    assert not [message for message in asked if '"url":"http' in message]
    assert opened.title.startswith("Against ")
    assert "<b>swa</b>" in opened.find_element("id", "groups-0").text


def test_a_click_sorts_by_the_numbers(opened: Browser) -> None:
    heads = opened.find_elements("css selector", "#runs thead th")
    place = next(index for index, head in enumerate(heads) if head.text == "test accuracy")
    rising = sorted(f"{accuracy:.4f}" for accuracies in GROUPS.values() for accuracy in accuracies)
    heads[place].click()
    until(lambda: column(opened, place) == rising, opened)
    heads[place].click()
    until(lambda: column(opened, place) == rising[::-1], opened)


def test_the_search_box_filters(opened: Browser) -> None:
    box = opened.find_element("css selector", "#runs_wrapper input[type=search]")
    box.send_keys("swa2")
    until(lambda: column(opened, 0) == ["swa2"], opened)
    box.clear()
    box.send_keys("nothing has this")
    until(lambda: "No matching records" in column(opened, 0)[0], opened)


def test_conditions_filter(opened: Browser) -> None:
    opened.find_element("css selector", "#runs_wrapper .dtsb-add").click()
    until(lambda: len(opened.find_elements("css selector", ".dtsb-criteria")) == 1, opened)
    choose(opened, "data", "test accuracy")
    choose(opened, "condition", "Greater Than")
    until(lambda: bool(opened.find_elements("css selector", "input.dtsb-value")), opened)
    opened.find_element("css selector", "input.dtsb-value").send_keys("0.935")
    until(lambda: column(opened, 0) == ["dropout1", "dropout2"], opened)


@pytest.mark.parametrize("width", [390, 1200])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_and_is_readable_in_light_and_dark(browser: Browser, page: Path, width: int, scheme: str) -> None:
    show(browser, page, width, scheme)
    widest = browser.execute_script("return document.documentElement.scrollWidth")
    assert widest <= width, "only tables and pictures may scroll sideways, each for itself"
    for element in ("h1", "#runs tbody td", "#runs thead th", "#runs_wrapper input[type=search]"):
        ink, paper = browser.execute_script(
            """const node = document.querySelector(arguments[0]); let below = node, paper = '';
            while (below && (!paper || paper.endsWith(', 0)'))) {
                paper = getComputedStyle(below).backgroundColor; below = below.parentElement; }
            return [getComputedStyle(node).color, paper];""",
            element,
        )
        assert contrast(ink, paper) > 4.5, (element, ink, paper)


def test_the_printed_page_has_no_controls(browser: Browser, page: Path) -> None:
    show(browser, page, media="print")
    assert not browser.find_element("css selector", "#runs_wrapper input[type=search]").is_displayed()
    assert browser.find_element("css selector", "#runs").is_displayed()


def test_the_page_of_a_run_needs_no_script(browser: Browser, page: Path) -> None:
    browser.get_log("browser")
    show(browser, write_run_report(page.parent / "dropout1"))
    assert browser.get_log("browser") == []
    assert "94.00% of 100 test examples right" in browser.find_element("tag name", "h1").text
    assert not browser.find_elements("tag name", "script")


def contrast(ink: str, paper: str) -> float:
    """The contrast ratio of the Web Content Accessibility Guidelines 2.1."""

    def luminance(colour: str) -> float:
        channels = [float(each) / 255 for each in colour[colour.index("(") + 1 : -1].split(",")[:3]]
        red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    light, dark = sorted((luminance(ink), luminance(paper)), reverse=True)
    return (light + 0.05) / (dark + 0.05)
