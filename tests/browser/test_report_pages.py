"""The report pages in a real browser: on a phone and a desk, in light and in dark."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest
from report_pages import HOSTILE_PAGES, PAGES

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

PHONE, DESK = 390, 1280
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")

CONTRAST = """() => {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 1;
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  const known = new Map();
  const channels = (text) => {
    if (!known.has(text)) {
      pen.clearRect(0, 0, 1, 1);
      pen.fillStyle = text;
      pen.fillRect(0, 0, 1, 1);
      known.set(text, [...pen.getImageData(0, 0, 1, 1).data]);
    }
    return known.get(text);
  };
  const luminance = (colour) => colour.slice(0, 3)
    .map((value) => value / 255)
    .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
    .reduce((sum, value, index) => sum + value * [0.2126, 0.7152, 0.0722][index], 0);
  const behind = (element) => {
    for (let node = element; node; node = node.parentElement) {
      const colour = channels(getComputedStyle(node).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return [255, 255, 255, 255];
  };
  const found = [];
  for (const element of document.querySelectorAll("body *")) {
    const text = [...element.childNodes].filter((node) => node.nodeType === 3 && node.textContent.trim());
    if (!text.length || !element.getClientRects().length || element.closest("title, .skip")) continue;
    const style = getComputedStyle(element);
    const front = luminance(channels(element instanceof SVGElement ? style.fill : style.color));
    const back = luminance(behind(element));
    const ratio = (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
    const name = `${element.tagName}.${element.getAttribute("class") || ""}`;
    found.push([ratio, `${name}: ${text[0].textContent.trim()}`]);
  }
  return found.sort((one, other) => one[0] - other[0]);
}"""

WIDER_THAN_THE_SCREEN = """() => [...document.querySelectorAll("body *")]
  .filter((element) => !element.closest(".scroll, .skip, svg"))
  .filter((element) => element.getBoundingClientRect().right > innerWidth + 1)
  .map((element) => element.tagName + "." + element.className)"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("pages")
    for name, write in PAGES.items():
        (made / f"{name}.html").write_text(write(), encoding="utf-8")
    for name, write in HOSTILE_PAGES.items():
        (made / f"hostile_{name}.html").write_text(write(), encoding="utf-8")
    return made


@contextmanager
def opened(
    chromium: "Browser", path: Path, *, width: int, scheme: Literal["light", "dark"] = "light", scripts: bool = True
) -> Iterator[tuple["Page", list[str]]]:
    """The page, and all it complained of or asked for while it was open."""
    context = chromium.new_context(
        viewport={"width": width, "height": 844}, color_scheme=scheme, java_script_enabled=scripts
    )
    page = context.new_page()
    events: list[str] = []
    page.on("console", lambda message: events.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: events.append(f"error: {error}"))
    page.on("dialog", lambda dialog: (events.append("dialog"), dialog.dismiss()))
    page.on("request", lambda request: events.append(f"request: {request.url[:80]}"))
    page.goto(path.as_uri())
    try:
        own = ("request: data:", f"request: {path.as_uri()}"[:80])
        yield page, [event for event in events if not event.startswith(own)]
    finally:
        context.close()


@pytest.mark.parametrize("name", PAGES)
def test_a_phone_shows_the_page_without_scrolling_sideways(chromium: "Browser", folder: Path, name: str) -> None:
    with opened(chromium, folder / f"{name}.html", width=PHONE) as (page, _):
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE
        assert page.evaluate(WIDER_THAN_THE_SCREEN) == []


@pytest.mark.parametrize("name", PAGES)
def test_text_on_a_phone_is_large_enough_to_read(chromium: "Browser", folder: Path, name: str) -> None:
    smallest = """() => Math.min(...[...document.querySelectorAll("main *")]
      .filter((element) => element.textContent.trim() && element.getClientRects().length && !element.closest("title"))
      .map((element) => {
        const svg = element.closest("svg.chart");
        const scale = svg ? svg.getBoundingClientRect().width / svg.viewBox.baseVal.width : 1;
        return parseFloat(getComputedStyle(element).fontSize) * scale;
      }))"""
    with opened(chromium, folder / f"{name}.html", width=PHONE) as (page, _):
        assert page.evaluate(smallest) >= 11


@pytest.mark.parametrize("width", [PHONE, DESK])
@pytest.mark.parametrize("name", PAGES)
def test_the_page_asks_for_nothing_and_complains_of_nothing(
    chromium: "Browser", folder: Path, name: str, width: int
) -> None:
    with opened(chromium, folder / f"{name}.html", width=width) as (_, events):
        assert events == []


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", PAGES)
def test_text_stands_out_from_its_ground(
    chromium: "Browser", folder: Path, name: str, scheme: Literal["light", "dark"]
) -> None:
    with opened(chromium, folder / f"{name}.html", width=DESK, scheme=scheme) as (page, _):
        measured = page.evaluate(CONTRAST)
    assert len(measured) > 30
    assert [entry for entry in measured if entry[0] < 4.5] == []  # WCAG 2.2, 1.4.3, level AA


@pytest.mark.parametrize("scheme", SCHEMES)
def test_light_is_light_and_dark_is_dark(chromium: "Browser", folder: Path, scheme: Literal["light", "dark"]) -> None:
    with opened(chromium, folder / "evidence.html", width=DESK, scheme=scheme) as (page, _):
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    red = int(ground.split("(")[1].split(",")[0])
    assert red > 200 if scheme == "light" else red < 40


@pytest.mark.parametrize("name", PAGES)
def test_all_pictures_are_shown(chromium: "Browser", folder: Path, name: str) -> None:
    broken = "[...document.images].filter((image) => !image.complete || !image.naturalWidth).length"
    with opened(chromium, folder / f"{name}.html", width=DESK) as (page, _):
        page.wait_for_function(f"{broken} === 0", timeout=5000)


@pytest.mark.parametrize("name", HOSTILE_PAGES)
def test_hostile_names_run_nothing(chromium: "Browser", folder: Path, name: str) -> None:
    with opened(chromium, folder / f"hostile_{name}.html", width=PHONE) as (page, events):
        assert events == []
        assert page.evaluate("document.scripts.length") == 0
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE


def test_the_page_works_without_scripts(chromium: "Browser", folder: Path) -> None:
    with opened(chromium, folder / "reading.html", width=PHONE, scripts=False) as (page, _):
        page.get_by_role("link", name="P_0044_LEFT_MLO.dcm").click()
        assert page.url.endswith("#study-3")


def test_the_keyboard_reaches_the_report_and_the_tables_that_scroll(chromium: "Browser", folder: Path) -> None:
    with opened(chromium, folder / "reading.html", width=PHONE) as (page, _):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the report"
        reached = set()
        for _ in range(40):
            page.keyboard.press("Tab")
            reached.add(page.evaluate("document.activeElement.getAttribute('aria-label')"))
        assert "All studies" in reached


def test_on_paper_the_page_is_light_and_has_no_navigation(chromium: "Browser", folder: Path) -> None:
    with opened(chromium, folder / "evidence.html", width=DESK, scheme="dark") as (page, _):
        page.emulate_media(media="print", color_scheme="dark")
        assert page.evaluate("getComputedStyle(document.querySelector('.contents')).display") == "none"
        assert page.evaluate("getComputedStyle(document.body).color") == "rgb(19, 32, 43)"
