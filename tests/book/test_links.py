"""Links of the built book: every page, file and place in a page that one leads to is there."""

import re
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup
from conftest import HTML, built_pages, lacking

PAGES = built_pages()
every_page = pytest.mark.parametrize("page", PAGES)


@pytest.fixture(autouse=True)
def book():
    if not PAGES:
        lacking("no book in _build/html: make book")


@cache
def soup(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


@cache
def places(path: Path) -> set[str]:
    """The names that a link may have after its #."""
    return {each[key] for key in ("id", "name") for each in soup(path).find_all(attrs={key: True})} | {""}


def leads_nowhere(page: str, link: str) -> bool:
    to = urlsplit(link)
    if to.scheme or to.netloc:
        return False
    path = (HTML / page).parent / unquote(to.path) if to.path else HTML / page
    if not path.resolve().is_relative_to(HTML.resolve()) or not path.is_file():
        return True
    return path.suffix == ".html" and unquote(to.fragment) not in places(path.resolve())


def links(page: str) -> list[str]:
    return [each["href"] for each in soup((HTML / page).resolve()).find_all(["a", "link"], href=True)]


@every_page
def test_every_link_inside_the_book_leads_somewhere(page):
    assert [link for link in links(page) if leads_nowhere(page, link)] == []


@every_page
def test_every_picture_and_script_is_there(page):
    named = [each["src"] for each in soup((HTML / page).resolve()).find_all(src=True)]
    assert [link for link in named if not link.startswith("data:") and leads_nowhere(page, link)] == []


@every_page
def test_links_out_of_the_book_are_addresses_that_can_be_opened(page):
    """Of the web, encrypted, and of no machine or example."""
    out = [link for link in links(page) if urlsplit(link).scheme or urlsplit(link).netloc]
    own = re.compile(r"localhost|127\.0\.0\.1|0\.0\.0\.0|\bexample\.|\.(local|test|invalid)$")
    assert [link for link in out if urlsplit(link).scheme != "https" or own.search(urlsplit(link).netloc)] == []


def test_no_two_places_of_a_page_have_one_name():
    for page in PAGES:
        names = [each["id"] for each in soup((HTML / page).resolve()).find_all(id=True) if not each.find_parent("svg")]
        assert sorted({name for name in names if names.count(name) > 1}) == [], page


@pytest.mark.parametrize(
    ("link", "nowhere"),
    [
        ("glossary.html", False),
        ("glossary.html#term-step", False),
        ("#", False),
        ("", False),
        ("glossary.html#no-such-term", True),
        ("no-such-page.html", True),
        ("../../outside.html", True),
        ("https://arxiv.org/abs/2408.03314", False),
    ],
)
def test_the_guard_sees_what_leads_nowhere(link, nowhere):
    assert leads_nowhere("book/index.html", link) == nowhere
