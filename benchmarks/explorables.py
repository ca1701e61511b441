"""How soon a simulator of the built book has answered an input, on the screen: `make bench`, after `make book`.

Chromium's own event timing, from the key press to the next paint, in steps of 8 ms. Every control is worked by
keyboard, sliders from end to end; the slowest and the median answer of each simulator are printed, and the longest time
that its own code took: the rest is the browser's layout, its painting and the wait for a frame. `--quick` presses each
key once, on the first page that has a simulator.
"""

import argparse
import shutil
import statistics
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

HTML = Path(__file__).parents[1] / "_build" / "html"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
WATCH = """() => {
    window.answers = [];
    const times = each => [each.duration, each.processingEnd - each.startTime];
    const note = each => each.name === "keydown" && window.answers.push(times(each));
    new PerformanceObserver(list => list.getEntries().forEach(note)).observe({type: "event", durationThreshold: 16});
}"""

STILL = """async () => {
    await new Promise(done => requestAnimationFrame(() => setTimeout(done)));
    await Promise.allSettled(document.getAnimations().map(each => each.finished));
}"""  # painted, and at rest before the next key


class Silent(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:
        pass


def answers(page: Page, name: str, presses: int) -> list[tuple[float, float]]:
    """Milliseconds of each answer, to the paint and to the end of the simulator's own work in it.

    A paint before 16 ms is counted as one at 16, the least that Chromium tells.
    """
    place = page.locator(f"#explorable-{name}")
    place.locator(".ttc").wait_for()
    for button in place.locator(".ttc-prediction button:visible").all():
        button.click()
    page.evaluate(WATCH)
    pressed = 0
    for control in place.locator("input, select").all():
        if not (control.is_visible() and control.is_enabled()):
            continue
        control.focus()
        for key in ["ArrowRight"] * presses + ["ArrowLeft"] * presses:
            page.keyboard.press(key)
            page.evaluate(STILL)
            pressed += 1
    told: list[tuple[float, float]] = page.evaluate("() => window.answers")
    return told + [(16.0, 0.0)] * (pressed - len(told))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.explorables", description="The simulators' answers")
    parser.add_argument("--quick", action="store_true", help="one page and few keys, to see that it works")
    quick = parser.parse_args().quick
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    pages = [page for page in HTML.rglob("*.html") if 'data-explorable="' in page.read_text(encoding="utf-8")]
    if not program or not pages:
        sys.exit("The simulators are timed in a browser, on the built book: Chromium is needed, and make book")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=str(HTML)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for path in sorted(pages)[: 1 if quick else None]:
            page = browser.new_page()
            page.goto(f"http://127.0.0.1:{server.server_port}/{path.relative_to(HTML)}", wait_until="networkidle")
            for place in page.locator("[data-explorable]").all():
                name = place.get_attribute("data-explorable") or ""
                painted, worked = zip(*answers(page, name, 1 if quick else 8), strict=True)
                print(
                    f"{name}: slowest answer {max(painted):.0f} ms, the simulator's own part at most "
                    f"{max(worked):.0f} ms, median {statistics.median(painted):.0f} ms"
                )
            page.close()
        browser.close()
    server.shutdown()


if __name__ == "__main__":
    main()
