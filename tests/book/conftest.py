"""The built book, served on loopback, and a browser that writes down what every page asks for and complains of."""

import os
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

HTML = Path(__file__).parents[2] / "_build" / "html"
PICTURES = HTML.parent / "screenshots"
ON_CI = os.environ.get("CI") == "true"  # all must be there, and nobody looks at pictures
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
]


def built_pages() -> list[str]:
    """Every page of the built book: no list to keep, so none is forgotten. (The root index only leads to the first.)"""
    found = (path.relative_to(HTML) for path in HTML.rglob("*.html"))
    return sorted(str(path) for path in found if path.parts[0] != "_static" and path != Path("index.html"))


def lacking(what: str) -> None:
    """Skip on a person's machine; where all must be there, fail."""
    if ON_CI:
        pytest.fail(what)
    pytest.skip(what)


def picture(page: Page, name: str, **part: Any) -> None:
    """A page as it looks, or a part of it, to be looked at after a run."""
    if not ON_CI:
        PICTURES.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=PICTURES / f"{name}.jpg", full_page=True, quality=70, **part)


class Silent(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:
        pass


@dataclass
class Visitor:
    """A browser page, with what happened on it since it was made."""

    page: Page
    address: str
    path: str = ""
    requests: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("requestfailed", lambda request: self.troubles.append(f"failed: {request.url}"))
        self.page.on("pageerror", lambda error: self.troubles.append(f"page error: {error}"))
        self.page.on("console", self._console)

    def _console(self, message: object) -> None:
        if message.type == "error":
            self.troubles.append(f"console: {message.text} ({message.location.get('url')})")

    @property
    def external(self) -> list[str]:
        return [url for url in self.requests if not url.startswith((self.address, "data:", "blob:"))]

    @property
    def files(self) -> set[Path]:
        """What the page asked for, as it lies in the built book."""
        ours = (url for url in self.requests if url.startswith(self.address))
        return {HTML / unquote(urlsplit(url).path).lstrip("/") for url in ours}

    def open(self, path: str, until: Literal["load", "networkidle"] = "load") -> Page:
        """Go to a page of the book; "networkidle": and wait until it asks for no more."""
        self.page.goto(f"{self.address}/{path}", wait_until=until)
        return self.page


@pytest.fixture(scope="session")
def book_address() -> Iterator[str]:
    if not (HTML / "index.html").is_file():
        lacking("no book in _build/html: make book")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=str(HTML)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if not program:
        lacking("no Chromium or Chrome on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def visitor(browser: Browser, book_address: str) -> Iterator[Visitor]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield Visitor(context.new_page(), book_address)
    context.close()


@pytest.fixture(scope="module", params=built_pages())
def seen(request: pytest.FixtureRequest, browser: Browser, book_address: str) -> Iterator[Visitor]:
    """A page of the book, opened once for all tests of a module. They leave it as they found it: wide and light."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light")
    visitor = Visitor(context.new_page(), book_address)
    visitor.path = request.param
    visitor.open(request.param, until="networkidle")
    yield visitor
    context.close()


@pytest.fixture
def phone(browser: Browser, book_address: str) -> Iterator[Visitor]:
    context = browser.new_context(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    yield Visitor(context.new_page(), book_address)
    context.close()
