"""Every simulator of the book, whatever it shows: by mouse, keyboard and touch, for screen readers, for sharing."""

import json
import re
from pathlib import Path

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from bs4 import BeautifulSoup
from conftest import HTML, built_pages, picture
from looks import faint_words, overlapping_labels
from playwright.sync_api import Browser, Locator, Page

from ttclab.explorables import NAMES, shipped_data

ROOT = Path(__file__).parents[2]
CONTROLS = "input:enabled, button:enabled, select:enabled, summary"
STEPS = 60  # of the Tab key, at most


def shown_on(page: str) -> list[str]:
    html = (HTML / page).read_text(encoding="utf-8")
    if "data-explorable" not in html:
        return []
    return [each["data-explorable"] for each in BeautifulSoup(html, "html.parser").select("[data-explorable]")]


def simulators() -> list[tuple[str, str]]:
    """Each simulator, on the page of the book that has it: on a lab's page it is the same."""
    return [(page, name) for page in built_pages() if page.startswith("book/") for name in shown_on(page)]


every_simulator = pytest.mark.parametrize(("path", "name"), simulators())


class Reader:
    """Somebody with one device in front of one simulator."""

    def __init__(self, page: Page, address: str, name: str) -> None:
        self.page, self.name, self.errors = page, name, []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda message: message.type == "error" and self.errors.append(message.text))
        page.goto(address)
        self.place = page.locator(f"#explorable-{name}")
        self.place.locator(".ttc").wait_for()
        self.place.scroll_into_view_if_needed()

    def says(self) -> str:
        """What a screen reader would read out, once nothing is being computed."""
        self.place.locator(".ttc:not([aria-busy=true])").wait_for()
        return " ".join(self.place.locator("[aria-live]").all_inner_texts()).strip()

    def controls(self) -> list[Locator]:
        return [each for each in self.place.locator(CONTROLS).all() if each.is_visible()]

    def commit(self, press: str = "click") -> None:
        """Answer the question that comes first, if one does."""
        for button in self.place.locator(".ttc-prediction button").all():
            if button.is_visible():
                getattr(button, press)()

    def use(self, control: Locator, press: str) -> None:
        """With a mouse ("click") or a finger ("tap"): a slider near its ends and in its middle, all else once."""
        if control.get_attribute("type") != "range":
            # a radio button is its label to whoever points at it
            label = control.locator("xpath=ancestor::label[1]")
            getattr(label if label.count() else control, press)()
            return
        box = control.bounding_box()
        for share in (0.95, 0.5, 0.05):
            getattr(control, press)(position={"x": box["width"] * share, "y": box["height"] / 2})

    def try_all(self, press: str) -> set[str]:
        """What it says in the course of using every control there is."""
        heard = set()
        for control in self.controls():
            if control.is_visible() and control.is_enabled():
                self.use(control, press)
                heard.add(self.says())
                assert overlapping_labels(self.page) == [], self.says()
        return heard - {""}

    def picture(self, name: str) -> None:
        place = self.place.evaluate("""node => {
            const {x, y, width, height} = node.getBoundingClientRect();
            return {x: x + scrollX, y: y + scrollY, width, height};
        }""")  # cut out of the whole page, or the page's header would lie over it
        picture(self.page, f"simulator-{self.name}-{name}", clip=place)


@pytest.fixture
def sit_down(browser: Browser, book_address: str):
    contexts = []

    def reader(path: str, name: str, **device) -> Reader:
        contexts.append(browser.new_context(reduced_motion="reduce", **device))
        contexts[-1].set_default_timeout(10_000)
        return Reader(contexts[-1].new_page(), f"{book_address}/{path}", name)

    yield reader
    for context in contexts:
        context.close()


def test_every_simulator_has_its_page(book_address):
    assert {name for _, name in simulators()} == set(NAMES)


@pytest.mark.parametrize("lab", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda lab: lab.stem)
def test_a_lab_has_the_simulators_that_its_cells_show(book_address, lab):
    shown = re.findall(r"explorables\.show\(\\?\"(\w+)", lab.read_text(encoding="utf-8"))
    assert shown_on(f"notebooks/{lab.stem}.html") == shown


@every_simulator
def test_a_mouse_works_it(sit_down, path, name):
    reader = sit_down(path, name, viewport={"width": 1280, "height": 900})
    reader.commit()
    assert len(reader.try_all("click")) > 1
    assert reader.errors == []


@every_simulator
def test_a_finger_works_it_on_a_phone_and_nothing_scrolls_sideways(sit_down, path, name):
    reader = sit_down(path, name, viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    reader.commit("tap")
    assert len(reader.try_all("tap")) > 1
    assert reader.page.evaluate("document.documentElement.scrollWidth") <= 360
    assert reader.errors == []
    reader.picture("phone")


@every_simulator
def test_the_keyboard_alone_works_it_and_reaches_every_control(sit_down, path, name):
    reader = sit_down(path, name, viewport={"width": 1280, "height": 900})
    keyboard = reader.page.keyboard
    if button := next(
        (each for each in reader.place.locator(".ttc-prediction button").all() if each.is_visible()), None
    ):
        button.focus()
        keyboard.press("Enter")
    reader.controls()[0].focus()
    heard = {reader.says()}
    reader.page.evaluate(
        "window.reached = new Set()"
    )  # of nodes, whose words may change; radio buttons are one by name
    for _ in range(STEPS):
        control = reader.place.locator(":focus")
        if not control.count():
            break
        what = control.evaluate("node => node.type || node.localName")
        control.evaluate("node => { reached.add(node.name || node); }")
        keyboard.press({"range": "ArrowRight", "radio": "ArrowDown", "select-one": "ArrowDown"}.get(what, "Space"))
        heard.add(reader.says())
        keyboard.press("Tab")
    missed = reader.place.locator(CONTROLS).evaluate_all("""all => all.filter(each => each.checkVisibility())
        .filter(each => !reached.has(each.name || each)).map(each => each.outerHTML)""")
    assert missed == []
    assert len(heard - {""}) > 1
    assert reader.errors == []


@every_simulator
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_wrong_with_it_once_it_is_open(sit_down, path, name, scheme):
    reader = sit_down(path, name, viewport={"width": 1280, "height": 900}, color_scheme=scheme)
    reader.commit()
    for summary in reader.place.locator("summary").all():
        summary.click()
    reader.page.evaluate(AXE_SCRIPT)
    found = reader.page.evaluate(
        "([place, options]) => axe.run(place, options)",
        [f"#explorable-{name}", {"resultTypes": ["violations"], "preload": False}],
    )
    wrong = [(each["help"], [node["html"][:160] for node in each["nodes"]]) for each in found["violations"]]
    reader.picture(scheme)
    assert found["passes"] and not wrong, json.dumps(wrong, indent=1)
    assert faint_words(reader.page) == [], "axe does not look at the words in a chart"


@every_simulator
def test_it_has_a_table_of_its_numbers_and_says_where_they_come_from(sit_down, path, name):
    reader = sit_down(path, name)
    reader.commit()
    for summary in reader.place.locator("summary").all():
        summary.click()
    assert reader.place.locator("table:visible").count()
    about = reader.place.locator(".ttc-source").inner_text()
    assert about.startswith("Shown: ")
    assert shipped_data(name)["source"].split(";")[0] in about


@every_simulator
def test_a_view_that_was_chosen_is_in_the_address_and_comes_back_with_it(sit_down, path, name):
    reader = sit_down(path, name, viewport={"width": 1280, "height": 900})
    reader.commit()
    reader.try_all("click")
    shared, said = reader.page.url, reader.says()
    assert f"{name}." in shared
    reader.page.goto("about:blank")
    reader.page.goto(shared)
    reader.place.locator(".ttc").wait_for()
    assert reader.says() == said


@every_simulator
def test_before_a_guess_the_axes_what_is_known_and_a_question_mark_are_shown_and_no_result(sit_down, path, name):
    reader = sit_down(path, name, viewport={"width": 1280, "height": 900})
    if not reader.place.locator(".ttc-prediction").count():
        pytest.skip("it asks for no guess")
    assert reader.says() == ""
    picture = reader.place.get_by_role("img", name="The question: ")
    assert picture.is_visible() and picture.locator(".ttc-axis text").count() > 2
    assert "?" in picture.locator("text").all_text_contents()
    assert reader.place.locator("svg").filter(visible=True).count() == 1
    assert not reader.place.locator("table, .ttc-band").filter(visible=True).count()
    assert faint_words(reader.page) == []
    reader.commit()
    assert not picture.count()


@every_simulator
def test_its_marks_move_for_nobody_who_minds(sit_down, path, name):
    reader = sit_down(path, name, viewport={"width": 1280, "height": 900})
    reader.commit()
    moving = reader.place.evaluate("""node => [...node.querySelectorAll("*")].map(getComputedStyle)
        .filter(style => style.transitionDuration !== "0s" || style.animationName !== "none").length""")
    assert moving == 0


# ---- the same module in a notebook

BLANK = "<!doctype html><title>Cell</title><div id=cell></div>"
CELL = """async data => {
    const values = {data, state: {}}, heard = new Set();
    window.model = {
        get: key => values[key],
        set: (key, value) => { values[key] = value; },
        save_changes: () => heard.forEach(tell => tell()),
        on: (event, tell) => { if (event === "change:state") heard.add(tell); },
        off: (event, tell) => heard.delete(tell),
        heard,
    };
    const module = await import("/_static/explorables/explorables.js");
    window.leave = module.default.render({model, el: document.getElementById("cell")});
}"""  # a model that tells of changes, as a widget has


@pytest.fixture
def cell(browser: Browser, book_address: str):
    context = browser.new_context(reduced_motion="reduce")
    context.set_default_timeout(10_000)
    page = context.new_page()
    page.route("**/cell.html", lambda route: route.fulfill(body=BLANK, content_type="text/html"))
    page.goto(f"{book_address}/cell.html")
    yield page
    context.close()


every_name = pytest.mark.parametrize("name", NAMES)


@every_name
def test_python_sees_what_the_reader_chose_and_a_widget_that_leaves_stops_listening(cell, name):
    cell.evaluate(CELL, shipped_data(name))
    cell.locator(".ttc button:visible").first.click()
    assert cell.evaluate("Object.keys(model.get('state')).length") > 0
    assert "?" not in cell.url, "a notebook's address is not ours"
    assert cell.evaluate("model.heard.size") == 1
    assert cell.evaluate("(leave(), model.heard.size)") == 0


@every_name
def test_jupyterlab_is_told_to_leave_the_keys_to_the_widget(cell, name):
    """Or its shortcuts would take the arrow keys from the slider of a cell in command mode."""
    cell.evaluate(CELL, shipped_data(name))
    controls = cell.locator(".ttc").locator("input, select, button, summary, [tabindex]")
    told = controls.evaluate_all("nodes => nodes.map(node => node.getAttribute('data-lm-suppress-shortcuts'))")
    assert told and set(told) == {"true"}


@every_name
def test_strings_of_the_data_are_text_and_never_markup(cell, name):
    def spoiled(data):
        """With markup in every string of several words; the others may be keys."""
        if isinstance(data, dict):
            return {key: spoiled(value) for key, value in data.items()}
        if isinstance(data, list):
            return [spoiled(each) for each in data]
        words = isinstance(data, str) and " " in data
        return f"{data}<img src=x onerror='window.struck = true'>" if words else data

    cell.evaluate(CELL, spoiled(shipped_data(name)))
    cell.locator(".ttc button:visible").first.click()
    assert "<img" in cell.locator(".ttc").inner_text()
    assert cell.locator(".ttc img").count() == 0
    assert cell.evaluate("window.struck") is None
