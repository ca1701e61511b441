"""Every page of the built book, as a reader meets it: offline, without errors, on a wide screen and on a phone."""

from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
HTML = ROOT / "_build" / "html"


def chapters() -> list[str]:
    """The pages that _toc.yml names."""
    found, waiting = [], [yaml.safe_load((ROOT / "_toc.yml").read_text())]
    while waiting:
        entry = waiting.pop(0)
        found += [entry[key] + ".html" for key in ("root", "file") if key in entry]
        for key in ("parts", "chapters", "sections"):
            waiting += entry.get(key, [])
    return found


CHAPTERS = chapters()
OTHERS = ["search.html?q=budget", "genindex.html"]

every_chapter = pytest.mark.parametrize("path", CHAPTERS)
every_page = pytest.mark.parametrize("path", CHAPTERS + OTHERS)


def test_every_page_of_the_contents_was_built(book_address):
    assert [path for path in CHAPTERS if not (HTML / path).is_file()] == []


def test_the_root_of_the_book_leads_to_its_first_page(visitor):
    visitor.page.goto(visitor.address)
    visitor.page.wait_for_url(f"{visitor.address}/{CHAPTERS[0]}")
    assert visitor.external == []


@every_page
def test_page_asks_the_net_for_nothing_and_reports_no_error(visitor, path):
    visitor.open(path, until="networkidle")
    assert visitor.requests, "the page was not asked for at all"
    assert visitor.external == []
    assert visitor.troubles == []


@every_page
def test_page_names_no_script_style_or_picture_elsewhere(visitor, path):
    """Also those that load later, on a click."""
    page = visitor.open(path)
    loaded = page.evaluate("""() => [...document.querySelectorAll("script[src], link[href], img[src], iframe[src]")]
        .filter(each => !["canonical", "author", "license"].includes(each.rel))
        .map(each => each.src || each.href)""")
    assert loaded
    assert [url for url in loaded if not url.startswith((visitor.address, "data:"))] == []


@every_chapter
def test_all_maths_is_set_and_no_source_of_it_is_left(visitor, path):
    page = visitor.open(path)
    spots = page.locator(".math").count()
    assert page.locator(".math mjx-container").count() == spots
    assert page.locator("mjx-merror").count() == 0
    assert page.evaluate(r"() => document.querySelector('article').innerText.match(/\\\(|\\\[|\$\$/)") is None


def test_the_book_has_maths(visitor):
    """Or the test above would hold for pages that lost it."""
    assert sum(visitor.open(path).locator(".math mjx-container").count() for path in CHAPTERS) > 0


@every_chapter
def test_page_on_a_phone_does_not_scroll_sideways(phone, path):
    page = phone.open(path)
    wide = page.evaluate("""() => [...document.querySelectorAll("main *")]
        .filter(each => each.getBoundingClientRect().right > innerWidth + 1)
        .map(each => each.outerHTML.slice(0, 120))""")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360, "\n".join(wide[:5])


@every_chapter
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(visitor, path, scheme):
    """The theme follows the reader's system, and running text has the contrast that WCAG asks for, 4.5 to 1."""
    visitor.page.emulate_media(color_scheme=scheme)
    page = visitor.open(path)
    assert page.evaluate("document.documentElement.dataset.theme") == scheme
    contrast = page.evaluate("""() => {
        const light = color => {
            const [r, g, b] = color.match(/[\\d.]+/g).slice(0, 3).map(part => part / 255)
                .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        };
        const ground = element => {
            const color = getComputedStyle(element).backgroundColor;
            return !/, 0\\)$|transparent/.test(color) ? color : ground(element.parentElement);
        };
        return [...document.querySelectorAll("article :is(p, li, dd, h1, h2, a, th, td), .cell_output pre")]
            .filter(each => each.innerText?.trim() && each.checkVisibility())
            .map(each => {
                const [a, b] = [light(getComputedStyle(each).color), light(ground(each))].sort((x, y) => y - x);
                return [(a + 0.05) / (b + 0.05), each.innerText.slice(0, 60)];
            });
    }""")
    assert contrast
    assert [each for each in contrast if each[0] < 4.5] == []


@every_chapter
def test_pictures_say_in_words_what_they_show(visitor, path):
    page = visitor.open(path)
    silent = page.evaluate("""() => [...document.querySelectorAll("article img, article svg")]
        .filter(each => !each.closest("[aria-hidden=true], .explorable, mjx-container, button, .sd-icon"))
        .filter(each => !(each.getAttribute("alt") || each.getAttribute("aria-label") || each.querySelector?.("title")))
        .map(each => each.outerHTML.slice(0, 120))""")
    assert silent == []
