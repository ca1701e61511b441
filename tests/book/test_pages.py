"""Every page of the built book, as readers meet it: offline, light, dark, on a phone, on paper, without scripts."""

import json
import re
import sys
from pathlib import Path

import pytest
import yaml
from axe_playwright_python.base import AXE_SCRIPT
from conftest import HTML, built_pages, picture
from playwright.sync_api import Page

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "book" / "_ext"))

from fonts import ICONS  # noqa: E402

COLOURS = ["color-contrast", "link-in-text-block"]  # axe's rules that may turn out otherwise in the dark
HEAVIEST = 1_200_000  # bytes of a page with all it asks for, but for the simulators' data and the models that they run
MODELS = 400_000  # bytes of those models
FAINT = """() => {
    const context = Object.assign(document.createElement("canvas"), {width: 1, height: 1}).getContext("2d");
    const light = (color, below = 1) => {
        context.fillStyle = color;
        context.fillRect(0, 0, 1, 1);
        const [r, g, b] = [...context.getImageData(0, 0, 1, 1).data].map(part => part / 255)
            .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const words = [...document.querySelectorAll(`article :is(p, li, dd, dt, h1, h2, h3, th, td, math),
        article a:not(.headerlink), .cell_input pre span, .cell_output pre, .explorable text`)];
    return words.filter(each => each.textContent.trim() && each.checkVisibility()).map(each => {
        const style = getComputedStyle(each);
        return [1.05 / (light(each.closest("svg") ? style.fill : style.color) + 0.05), each.textContent.slice(0, 60)];
    }).filter(([contrast]) => contrast < 4.5);
}"""


def turn(page: Page, scheme: str) -> None:
    """Light or dark, as the reader's system now is; not before the colours have changed."""
    page.emulate_media(color_scheme=scheme)
    page.wait_for_function("scheme => document.documentElement.dataset.theme === scheme", arg=scheme)
    page.wait_for_function("document.getAnimations().every(each => each.playState !== 'running')")


def name_of(path: str) -> str:
    return path.removesuffix(".html").replace("/", "-")


def contents() -> list[str]:
    """The pages that _toc.yml names."""
    found, waiting = [], [yaml.safe_load((ROOT / "_toc.yml").read_text())]
    while waiting:
        entry = waiting.pop(0)
        found += [entry[key] + ".html" for key in ("root", "file") if key in entry]
        for key in ("parts", "chapters", "sections"):
            waiting += entry.get(key, [])
    return found


def test_every_page_of_the_contents_was_built(book_address):
    assert set(contents()) <= set(built_pages())


def test_the_root_of_the_book_leads_to_its_first_page(visitor):
    visitor.page.goto(visitor.address)
    visitor.page.wait_for_url(f"{visitor.address}/{contents()[0]}")
    assert visitor.external == []


def test_page_asks_the_net_for_nothing_and_reports_no_error(seen):
    assert seen.files, "the page was not asked for at all"
    assert seen.external == []
    assert seen.troubles == []


def test_page_names_no_script_style_or_picture_elsewhere(seen):
    """Also those that load later, on a click."""
    loaded = seen.page.evaluate("""() =>
        [...document.querySelectorAll("script[src], link[href], img[src], iframe[src]")]
        .filter(each => !["canonical", "author", "license"].includes(each.rel))
        .map(each => each.src || each.href)""")
    assert loaded
    assert [url for url in loaded if not url.startswith((seen.address, "data:"))] == []


def test_page_is_light(seen):
    sizes = {path.name: path.stat().st_size for path in seen.files if path.suffix != ".json" and path.is_file()}
    models = [sizes.pop(name) for name in list(sizes) if name.endswith(".safetensors")]
    assert sum(models) <= MODELS
    assert sum(sizes.values()) <= HEAVIEST, sorted(sizes.items(), key=lambda each: -each[1])[:6]


def test_every_icon_of_a_page_is_in_the_font_that_ships(seen):
    """The font is cut to listed code points: another icon would be an empty box."""
    points = """() => [...document.querySelectorAll(".fa-solid, .fas")].map((icon) =>
        getComputedStyle(icon, "::before").content.replaceAll('"', "").codePointAt(0).toString(16))"""
    assert set(seen.page.evaluate(points)) <= set(ICONS.split(","))


def test_all_maths_is_set_and_no_source_of_it_is_left(seen):
    assert seen.page.locator(".math > math").count() == seen.page.locator(".math").count()
    prose = """() => {
        const page = document.body.cloneNode(true);
        page.querySelectorAll("code, pre, script, style").forEach((each) => each.remove());
        return page.textContent;
    }"""
    assert re.search(r"\\\(|\\\[|\$\$|\\frac|\\text", seen.page.evaluate(prose)) is None


def test_the_book_has_maths(visitor):
    """Or the test above would hold for pages that lost it."""
    assert any("<math" in (HTML / page).read_text(encoding="utf-8") for page in built_pages())


@pytest.mark.parametrize(("scheme", "rules"), [("light", {}), ("dark", {"runOnly": COLOURS})], ids=["light", "dark"])
def test_axe_finds_nothing_wrong_with_the_page(seen, scheme, rules):
    """axe-core's rules, the page as light or dark as the reader's system; in the dark the rules on colours again."""
    page = seen.page
    turn(page, scheme)
    picture(page, f"{name_of(seen.path)}-{scheme}")
    page.evaluate(AXE_SCRIPT)
    found = page.evaluate("options => axe.run(options)", {"resultTypes": ["violations"], "preload": False, **rules})
    turn(page, "light")
    assert found["passes"], "axe looked at nothing"
    wrong = [(each["id"], each["help"], [node["html"][:160] for node in each["nodes"]]) for each in found["violations"]]
    assert not wrong, json.dumps(wrong, indent=1)


def test_what_cells_print_is_readable_in_the_dark(seen):
    """Also where a table has no background of its own: the theme puts a light sheet behind some outputs."""
    turn(seen.page, "dark")
    faint = seen.page.evaluate("""() => {
        const context = Object.assign(document.createElement("canvas"), {width: 1, height: 1}).getContext("2d");
        const light = colors => {  // of colors that lie on one another, the lowest first
            colors.forEach(color => {
                context.fillStyle = color;
                context.fillRect(0, 0, 1, 1);
            });
            const [x, y, z] = [...context.getImageData(0, 0, 1, 1).data].map(part => part / 255)
                .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
            return 0.2126 * x + 0.7152 * y + 0.0722 * z;
        };
        const behind = each =>
            each ? [...behind(each.parentElement), getComputedStyle(each).backgroundColor] : ["white"];
        return [...document.querySelectorAll(".cell_output :is(p, pre, caption, th, td)")]
            .filter(each => each.textContent.trim() && each.checkVisibility() && !each.closest(".explorable"))
            .map(each => {
                const [a, b] = [light([getComputedStyle(each).color]), light(behind(each))].sort((x, y) => y - x);
                return [(a + 0.05) / (b + 0.05), each.textContent.trim().slice(0, 60)];
            }).filter(([contrast]) => contrast < 4.5);
    }""")
    turn(seen.page, "light")
    assert faint == []


def test_pictures_say_in_words_what_they_show(seen):
    figures = seen.page.evaluate("""() => [...document.querySelectorAll("article :is(img, svg, canvas, video)")]
        .filter(each => !each.closest("[aria-hidden=true], .explorable, button, .sd-icon"))
        .map(each => each.getAttribute("alt") || each.getAttribute("aria-label") || "")""")
    assert [words for words in figures if len(words) < 20] == [], "the finding, and the two numbers that show it"


def test_page_on_a_phone_does_not_scroll_sideways(seen):
    page = seen.page
    page.set_viewport_size({"width": 360, "height": 740})
    wide = page.evaluate("""() => [...document.querySelectorAll("main *")]
        .filter(each => each.getBoundingClientRect().right > innerWidth + 1)
        .map(each => each.outerHTML.slice(0, 120))""")
    width = page.evaluate("document.documentElement.scrollWidth")
    picture(page, f"{name_of(seen.path)}-phone")
    page.set_viewport_size({"width": 1280, "height": 900})
    assert width <= 360, "\n".join(wide[:5])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_on_paper_is_dark_on_white_and_nothing_but_the_text(seen, scheme):
    """Also for readers of dark pages: a browser prints no backgrounds unless told to."""
    page = seen.page
    turn(page, scheme)
    page.emulate_media(media="print")
    page.wait_for_function("document.documentElement.dataset.theme === 'light'")
    faint = page.evaluate(FAINT)
    around = page.locator(".bd-sidebar-primary, .bd-sidebar-secondary, .bd-header-article, .prev-next-footer")
    shown = [each for each in around.all() if each.is_visible()]
    page.emulate_media(media="screen")
    turn(page, "light")
    assert faint == []
    assert shown == []


def test_page_without_scripts_still_reads(seen, browser, book_address):
    """The same words, tables and figures as with scripts, in a colour that can be read."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{book_address}/{seen.path}")
    words = set(seen.page.locator("article :is(p, li, dd, h1, h2, td):not(.explorable *)").all_inner_texts())
    there = set(page.locator("article :is(p, li, dd, h1, h2, td):not(.explorable *)").all_inner_texts())
    figures = page.locator("article :is(svg[role=img], img):not(details *)")  # a fold opens without scripts
    hidden = [each.get_attribute("aria-label") for each in figures.all() if not each.is_visible()]
    tables = page.locator(".explorable").filter(has=page.locator("table")).count()
    simulators = page.locator(".explorable").count()
    faint = page.evaluate(FAINT)
    context.close()
    assert words - there == set()
    assert hidden == []
    assert faint == []
    assert tables == simulators, "where a simulator stands with scripts, its numbers stand without"


def test_search_leads_from_a_word_to_pages_that_have_it(visitor):
    page = visitor.open("search.html?q=coverage")
    page.locator("#search-results li a").first.wait_for()
    page.get_by_text("Search finished").wait_for()
    found = {
        url.partition("#")[0].partition("?")[0]
        for url in page.locator("#search-results li > a").evaluate_all("all => all.map(each => each.href)")
    }
    assert f"{visitor.address}/book/02-sampling.html" in found
    assert all((HTML / url.removeprefix(f"{visitor.address}/")).is_file() for url in found)
    assert visitor.external == []


def test_search_knows_every_page_of_the_contents(visitor):
    page = visitor.open("search.html", until="networkidle")
    assert set(contents()) <= {f"{name}.html" for name in page.evaluate("Search._index.docnames")}


def test_search_opens_by_keyboard_on_any_page(visitor):
    page = visitor.open("book/01-question.html", until="networkidle")
    page.keyboard.press("Control+k")
    page.keyboard.type("majority")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=majority*")
    page.locator("#search-results li a").first.wait_for()


def test_search_says_when_there_is_nothing(visitor):
    page = visitor.open("search.html?q=zyzzyva")
    page.get_by_text("did not match any documents").wait_for()
