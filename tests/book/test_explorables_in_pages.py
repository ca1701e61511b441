"""The simulators as a reader meets them, on a small site made with the book's own directive and theme."""

import json
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import pytest
from looks import faint_words, overlapping_labels

from ttclab.explorables import FOLDER, NAMES, shipped_data

ROOT = Path(__file__).parents[2]
DATA = shipped_data("breadth_or_depth")
CONF = f"""
import sys
sys.path[:0] = [{str(ROOT / "book" / "_ext")!r}, {str(ROOT)!r}]
extensions = ["explorable"]
html_theme = "sphinx_book_theme"
"""
PAGES = ("verifier", "watch_revision", "split_budget", "arena")
TWO = "Two\n===\n\n.. explorable:: breadth_or_depth\n\n.. explorable:: split_budget\n"
PAGE = "Title\n=====\n\n.. explorable:: breadth_or_depth\n\n.. toctree::\n   :hidden:\n\n   deep/page\n"
PAGE += "".join(f"   {name}\n" for name in (*PAGES, "two"))
SELECTIONS = [
    (1, "all"),
    (2, "1"),
    (4, "5"),
    (8, "3"),
    (16, "all"),
    (16, "4"),
    (32, "2"),
    (64, "5"),
    (128, "all"),
    (256, "5"),
]


def build(folder, page=PAGE, conf=""):
    (folder / "deep").mkdir(parents=True)
    (folder / "conf.py").write_text(CONF + conf)
    (folder / "index.rst").write_text(page)
    for name in PAGES:
        (folder / f"{name}.rst").write_text(f"Page\n====\n\n.. explorable:: {name}\n")
    (folder / "two.rst").write_text(TWO)
    (folder / "deep" / "page.rst").write_text("Deep\n====\n\n.. explorable:: breadth_or_depth\n")
    command = [sys.executable, "-m", "sphinx", "-W", "-n", "-q", "--keep-going", str(folder), str(folder / "html")]
    return subprocess.run(command, capture_output=True, text=True)


class Silent(SimpleHTTPRequestHandler):
    def log_message(self, format, *arguments):
        pass


def serve(folder, page=PAGE):
    """A site with the page, and one that is empty; yields its address."""
    done = build(folder / "source", page)
    assert done.returncode == 0, done.stderr
    (folder / "source" / "html" / "empty.html").write_text("<!doctype html><title>Empty</title><div id=place></div>")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=str(folder / "source" / "html")))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    yield from serve(tmp_path_factory.mktemp("site"))


class Reader:
    """A browser page with the simulator, and what a reader does there."""

    def __init__(self, page, site):
        self.page, self.site, self.requests, self.errors = page, site, [], []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.budget = page.get_by_role("slider", name="Budget")
        self.sentence = page.locator("[aria-live=polite]")
        self.chart = page.get_by_role("img", name="Chart.")

    def open(self, address="index.html"):
        self.page.goto(f"{self.site}/{address}")
        self.page.locator(".ttc").wait_for()
        return self

    def look_at(self, samples, problems, page="index.html"):
        self.open(f"{page}?breadth_or_depth.samples={samples}&breadth_or_depth.problems={problems}")
        self.chart.wait_for()
        return self

    def says(self, samples, problems):
        """Whether the sentence gives this selection's numbers."""
        group = [group["key"] for group in DATA["groups"]].index(problems)
        row = DATA["tables"][group]["rows"][DATA["budgets"].index(samples)]
        said = self.sentence.inner_text()
        where = f"the {DATA['groups'][group]['name']}" if group else "the problems"
        count = f"{samples} generation{'s' if samples > 1 else ''}, {row[4]} per problem"
        return all(words in said for words in (f"right on {row[1]} ({row[2]}) of", f"promises {row[3]}.", where, count))


@pytest.fixture
def reader(browser, site, request):
    context = browser.new_context(**getattr(request, "param", {"viewport": {"width": 1100, "height": 900}}))
    context.set_default_timeout(10_000)
    reader = Reader(context.new_page(), site)
    yield reader
    context.close()
    assert reader.errors == []
    assert [url for url in reader.requests if not url.startswith((site, "data:"))] == []


phone = pytest.mark.parametrize(
    "reader", [{"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}], indirect=True
)


# ---- the directive


@pytest.mark.parametrize("missing", ["explorables.js", "breadth_or_depth.json"])
def test_a_missing_module_or_data_file_fails_the_strict_build(tmp_path, missing):
    folder = tmp_path / "explorables"
    folder.mkdir()
    for name in {"explorables.js", *(f"{name}.json" for name in NAMES)} - {missing}:
        (folder / name).write_bytes((FOLDER / name).read_bytes())
    done = build(tmp_path / "source", conf=f"explorable_folder = {str(folder)!r}\n")
    assert done.returncode != 0
    assert f"no file {folder / missing}" in done.stderr
    assert "index.rst:4" in done.stderr


@pytest.mark.parametrize("reader", [{"java_script_enabled": False}], indirect=True)
def test_with_scripts_off_the_page_shows_all_numbers(reader):
    reader.page.goto(f"{reader.site}/index.html")
    tables = reader.page.locator(".explorable table")
    assert tables.count() == len(DATA["tables"])
    for i, table in enumerate(DATA["tables"]):
        lines = [table["columns"], *table["rows"]]
        assert tables.nth(i).inner_text().split("\n")[0] == table["caption"]
        assert [row.split("\t") for row in tables.nth(i).locator("tr").all_inner_texts()] == lines


def test_pages_without_a_simulator_load_nothing_of_it(reader):
    reader.page.goto(f"{reader.site}/search.html")
    assert reader.requests
    assert [url for url in reader.requests if "explorables" in url] == []


def test_a_page_of_two_simulators_loads_the_bundle_once_and_only_their_data(reader):
    reader.page.goto(f"{reader.site}/two.html", wait_until="networkidle")
    assert reader.page.locator(".ttc").count() == 2
    loaded = sorted(url.split("?")[0].split("/")[-1] for url in reader.requests if "/explorables/" in url)
    assert loaded == ["breadth_or_depth.json", "explorables.js", "mount.js", "split_budget.json"]


# ---- prediction first


def test_the_chart_is_shown_only_after_a_guess_by_keyboard_alone(reader):
    reader.open()
    assert not reader.chart.is_visible()
    assert reader.sentence.inner_text() == ""
    guess = reader.page.get_by_role("slider", name="Your guess")
    guess.focus()
    for _ in range(3):
        reader.page.keyboard.press("ArrowRight")
    expected = 53  # three more than the start, which is above the line of one sample and not near the answer
    assert 50 - 100 * DATA["groups"][-1]["p"] > 6
    assert guess.get_attribute("aria-valuetext") == f"{expected}%"
    reader.page.keyboard.press("Tab")
    reader.page.keyboard.press("Enter")
    reader.chart.wait_for()
    assert reader.says(16, "5")
    assert f"You guessed {expected}%." in reader.sentence.inner_text()
    assert reader.page.get_by_text("your guess", exact=True).is_visible()
    assert reader.budget.evaluate("node => node === document.activeElement"), "focus goes on to the next control"


def test_the_guess_is_named_only_where_it_was_asked_for(reader):
    reader.open().page.get_by_role("button", name="Commit, then see").click()
    reader.budget.press("ArrowRight")
    assert reader.says(32, "5")
    assert "guess" not in reader.sentence.inner_text()
    assert not reader.page.get_by_text("your guess", exact=True).is_visible()


def test_the_question_tells_the_share_of_one_sample_and_nothing_of_the_answer(reader):
    words = reader.open().page.locator(".ttc").inner_text()
    first, asked = (DATA["tables"][-1]["rows"][i] for i in (0, DATA["budgets"].index(16)))
    assert f"On the problems in the hardest fifth, one sample is right {first[1]} of the time" in words
    assert asked[1] not in words


# ---- the selection


@pytest.mark.parametrize(("samples", "problems"), SELECTIONS)
def test_a_selection_says_and_tabulates_the_numbers_of_the_data(reader, samples, problems):
    reader.look_at(samples, problems)
    assert reader.says(samples, problems)
    reader.page.get_by_text("The numbers").click()
    table = next(t for t, g in zip(DATA["tables"], DATA["groups"], strict=True) if g["key"] == problems)
    rows = [row.split("\t") for row in reader.page.locator(".ttc tbody tr").all_inner_texts()]
    assert rows == table["rows"]
    marked = reader.page.locator(".ttc [aria-current=true]").all_inner_texts()
    assert [row.split("\t")[0] for row in marked] == [str(samples)]


def test_arrow_keys_move_the_budget_and_the_difficulty(reader):
    reader.look_at(16, "all")
    reader.budget.focus()
    reader.page.keyboard.press("ArrowRight")
    assert reader.says(32, "all")
    assert reader.budget.get_attribute("aria-valuetext") == "32 samples"
    reader.page.keyboard.press("End")
    assert reader.says(256, "all")
    reader.page.keyboard.press("Tab")
    reader.page.keyboard.press("ArrowDown")
    assert reader.says(256, "1")
    reader.page.keyboard.press("ArrowUp")
    reader.page.keyboard.press("ArrowUp")
    assert reader.says(256, "5")


def test_the_mouse_chooses_a_difficulty_by_its_word_and_a_budget_in_the_chart(reader):
    reader.look_at(16, "all")
    reader.page.get_by_role("group", name="Problems, by fifth of difficulty").get_by_text("5 hardest").click()
    assert reader.says(16, "5")
    tick = reader.chart.locator(".tick", has_text="64").bounding_box()
    reader.page.mouse.click(tick["x"] + tick["width"] / 2, tick["y"] - 60)
    assert reader.says(64, "5")


@phone
def test_a_finger_chooses_a_difficulty_and_a_budget(reader):
    reader.look_at(16, "all")
    reader.page.get_by_text("4", exact=True).first.tap()
    assert reader.says(16, "4")
    tick = reader.chart.locator(".tick", has_text="8").first.bounding_box()
    reader.page.touchscreen.tap(tick["x"] + tick["width"] / 2, tick["y"] - 60)
    assert reader.says(8, "4")


# ---- a view can be shared


def test_the_address_keeps_the_view_and_another_reader_sees_it(reader):
    reader.open("deep/page.html?other=1").page.get_by_role("button", name="Commit, then see").click()
    reader.page.get_by_text("5 hardest").click()
    reader.budget.press("ArrowRight")
    shared = reader.page.url
    assert "other=1" in shared
    reader.page.goto("about:blank")
    reader.page.goto(shared)
    reader.chart.wait_for()
    assert reader.says(32, "5")
    assert reader.page.get_by_label("5 hardest").is_checked()
    assert "guess" not in reader.sentence.inner_text(), "the guess is the other reader's own"


@pytest.mark.parametrize(("samples", "problems", "seen"), [("17", "2", (16, "2")), ("8", "<b>x</b>", (8, "5"))])
def test_what_an_address_has_wrong_falls_back_to_the_first_view(reader, samples, problems, seen):
    reader.look_at(samples, problems)
    assert reader.says(*seen)


def test_an_address_of_nonsense_asks_the_question(reader):
    reader.open("index.html?breadth_or_depth.samples=many&breadth_or_depth.problems=%00")
    assert reader.page.get_by_role("button", name="Commit, then see").is_visible()


# ---- how it looks


@pytest.mark.parametrize("width", [360, 1100])
def test_labels_of_the_chart_never_collide_nor_leave_it(reader, width):
    reader.page.set_viewport_size({"width": width, "height": 900})
    reader.page.emulate_media(reduced_motion="reduce")
    reader.look_at(1, "all")
    for group in range(len(DATA["groups"])):
        reader.page.get_by_role("radio").nth(group).check()
        reader.budget.press("Home")
        for samples in DATA["budgets"]:
            assert overlapping_labels(reader.page) == [], (samples, DATA["groups"][group]["name"])
            reader.budget.press("ArrowRight")


@pytest.mark.parametrize("guess", [0, 47, 85, 89, 95, 100])
def test_the_guess_is_labelled_clear_of_the_other_labels(reader, guess):
    reader.page.set_viewport_size({"width": 360, "height": 900})
    reader.page.emulate_media(reduced_motion="reduce")
    reader.open().page.get_by_role("slider", name="Your guess").fill(str(guess))
    reader.page.get_by_role("button", name="Commit, then see").click()
    reader.page.get_by_text("your guess", exact=True).wait_for()
    assert overlapping_labels(reader.page) == []


@phone
@pytest.mark.parametrize("problems", ["all", "5"])
def test_on_a_phone_nothing_scrolls_sideways(reader, problems):
    reader.look_at(256, problems).page.get_by_text("The numbers").click()
    assert reader.page.evaluate("document.documentElement.scrollWidth") == 360


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_in_the_chart_and_around_it_stand_out_from_the_page(reader, scheme):
    reader.page.emulate_media(color_scheme=scheme)
    reader.look_at(16, "all").page.get_by_text("The numbers").click()
    assert reader.page.evaluate("document.documentElement.dataset.theme") == scheme
    assert faint_words(reader.page) == []


@pytest.mark.parametrize(("motion", "moves"), [("no-preference", True), ("reduce", False)])
def test_marks_move_only_for_readers_who_do_not_mind(reader, motion, moves):
    reader.page.emulate_media(reduced_motion=motion)
    duration = (
        reader.look_at(16, "all")
        .page.locator(".ttc-rule")
        .evaluate("node => getComputedStyle(node).transitionDuration")
    )
    assert (duration != "0s") == moves


def test_a_narrower_window_redraws_the_chart_to_fit(reader):
    reader.look_at(16, "all").page.set_viewport_size({"width": 400, "height": 800})
    reader.page.wait_for_function("document.querySelector('.ttc svg').getBoundingClientRect().right < 400")


# ---- the same module in a notebook


def draw(reader, data, state):
    """Draw the module on an empty page, with a model that tells of changes, as a notebook has."""
    reader.page.goto(f"{reader.site}/empty.html")
    reader.page.evaluate(
        """async ([data, state]) => {
            const values = {data, state}, heard = new Set();
            window.model = {
                get: key => values[key],
                set: (key, value) => { values[key] = value; },
                save_changes: () => heard.forEach(tell => tell()),
                on: (event, tell) => { if (event === "change:state") heard.add(tell); },
                off: (event, tell) => heard.delete(tell),
                heard,
            };
            const module = await import("./_static/explorables/explorables.js");
            window.leave = module.default.render({model, el: document.getElementById("place")});
        }""",
        [data, state],
    )
    return reader.page


def test_a_widget_follows_its_state_and_python_sees_what_the_reader_chose(reader):
    page = draw(reader, DATA, {})
    page.evaluate("model.set('state', {samples: 64, problems: '5'}); model.save_changes()")
    reader.chart.wait_for()
    assert reader.says(64, "5")
    reader.budget.press("ArrowLeft")
    assert page.evaluate("model.get('state')") == {"samples": 32, "problems": "5"}
    assert "?" not in page.url, "a notebook's address is not ours"


def test_jupyterlab_is_told_to_leave_the_keys_to_the_widget(reader):
    """Or its shortcuts would take the arrow keys from the slider of a cell in command mode."""
    page = draw(reader, DATA, {})
    controls = page.locator(".ttc").locator("input, button, summary, [tabindex]")
    assert controls.count() > 8
    told = controls.evaluate_all("nodes => nodes.map(node => node.getAttribute('data-lm-suppress-shortcuts'))")
    assert set(told) == {"true"}


def test_a_widget_that_leaves_stops_listening(reader):
    page = draw(reader, DATA, {})
    assert page.evaluate("model.heard.size") == 1
    assert page.evaluate("(leave(), model.heard.size)") == 0


def test_strings_of_the_data_are_text_and_never_markup(reader):
    bad = "<img src=x onerror='window.struck = true'>"
    data = json.loads(json.dumps(DATA).replace("easiest fifth", bad).replace("recorded runs", bad))
    data["tables"][1]["rows"][0][1] = bad
    page = draw(reader, data, {"samples": 1, "problems": "1"})
    reader.chart.wait_for()
    assert bad in page.locator(".ttc").inner_text()
    assert page.locator(".ttc img").count() == 0
    assert page.evaluate("window.struck") is None


def test_data_of_few_samples_ask_about_the_largest_budget_there_is(reader):
    data = json.loads(json.dumps(DATA))
    data["budgets"] = data["budgets"][:3]
    page = draw(reader, data, {})
    assert "Draw 4 samples of each problem" in page.locator(".ttc").inner_text()


# ---- How good is your verifier


VERIFIER = shipped_data("verifier")
SCORED = [
    (1, "all", "prm", "best", 0.8),
    (2, "1", "orm", "weighted", 0.8),
    (4, "5", "prm-14x", "weighted", 0.8),
    (8, "3", "orm", "best", 0.8),
    (16, "all", "prm", "weighted", 0.8),
    (16, "4", "noisy", "best", 0.8),
    (32, "2", "noisy", "weighted", 0.6),
    (64, "5", "none", "best", 0.8),
    (128, "all", "noisy", "best", 0.95),
    (256, "5", "oracle", "weighted", 0.8),
]


def verifier_said(samples, problems, verifier, choose="weighted", quality=0.8):
    """The words of the data for a selection: solved, interval, cost."""
    (curve,) = [
        curve
        for curve in VERIFIER["curves"]
        if curve["verifier"] == verifier
        and curve.get("choose", choose) == choose
        and curve.get("quality", quality) == quality
    ]
    group = [group["key"] for group in VERIFIER["groups"]].index(problems)
    return curve["groups"][group]["said"][VERIFIER["budgets"].index(samples)]


def look_at_verifier(reader, samples, problems, verifier, choose="weighted", quality=0.8):
    chosen = {"samples": samples, "problems": problems, "verifier": verifier, "choose": choose, "quality": quality}
    reader.open("verifier.html?" + "&".join(f"verifier.{key}={value}" for key, value in chosen.items()))
    reader.chart.wait_for()
    return reader


def verifier_says(reader, *selection):
    solved, interval, cost = verifier_said(*selection)
    samples, problems, verifier = selection[:3]
    where = "the problems" if problems == "all" else f"the {dict(zip('12345', FIFTHS, strict=True))[problems]}"
    words = [f"{solved} ({interval}) of", where, f"Cost: {cost} per problem."]
    if verifier not in ("none", "oracle"):
        vote, oracle = (verifier_said(samples, problems, other)[0] for other in ("none", "oracle"))
        words.append(f"A majority vote solves {vote}, a perfect verifier {oracle}.")
    return [each for each in words if each not in reader.sentence.inner_text()] == []


FIFTHS = [group["name"] for group in VERIFIER["groups"][1:]]


@pytest.mark.parametrize(("samples", "problems", "verifier", "choose", "quality"), SCORED)
def test_a_verifier_says_and_tabulates_the_numbers_of_the_data(reader, samples, problems, verifier, choose, quality):
    look_at_verifier(reader, samples, problems, verifier, choose, quality)
    assert verifier_says(reader, samples, problems, verifier, choose, quality)
    reader.page.get_by_text("The numbers").click()
    rows = [row.split("\t") for row in reader.page.locator(".ttc tbody tr").all_inner_texts()]
    assert rows == [
        [
            str(n),
            *verifier_said(n, problems, verifier, choose, quality),
            *(verifier_said(n, problems, other)[0] for other in ("none", "oracle")),
        ]
        for n in VERIFIER["budgets"]
    ]
    marked = reader.page.locator(".ttc [aria-current=true]").all_inner_texts()
    assert [row.split("\t")[0] for row in marked] == [str(samples)]


def test_a_verifier_is_shown_only_after_a_guess_by_keyboard_alone(reader):
    reader.open("verifier.html")
    assert not reader.chart.is_visible()
    answer = verifier_said(16, "all", "prm")[0]
    assert f"{answer} (" not in reader.page.locator(".ttc").inner_text()  # an axis may show the bare number
    reader.page.get_by_role("slider", name="Your guess").focus()
    reader.page.keyboard.press("ArrowRight")
    reader.page.keyboard.press("Tab")
    reader.page.keyboard.press("Enter")
    reader.chart.wait_for()
    assert verifier_says(reader, 16, "all", "prm")
    assert "You guessed" in reader.sentence.inner_text()
    assert reader.page.get_by_text("your guess", exact=True).is_visible()
    focused = reader.page.evaluate("document.activeElement.closest('label').innerText")
    assert focused == "PRM", "focus goes on to the verifier that the guess was about"
    reader.page.keyboard.press("ArrowLeft")
    assert verifier_says(reader, 16, "all", "weak-prm")
    assert "guess" not in reader.sentence.inner_text()


def test_controls_of_a_verifier_that_do_not_matter_are_out_of_the_way(reader):
    look_at_verifier(reader, 16, "all", "prm")
    way = reader.page.get_by_label("best score")
    dial = reader.page.get_by_role("slider", name="Quality of the noisy oracle")
    assert way.is_enabled() and not dial.is_visible()
    reader.page.get_by_text("noisy oracle", exact=True).click()
    assert way.is_enabled() and dial.is_visible()
    reader.page.get_by_text("oracle", exact=True).click()
    assert not way.is_enabled() and not dial.is_visible()
    reader.page.get_by_text("none: majority vote", exact=True).click()
    assert not way.is_enabled()


def test_the_dial_of_the_noisy_oracle_moves_its_numbers_and_the_address(reader):
    look_at_verifier(reader, 64, "1", "noisy", "best", 0.8)
    dial = reader.page.get_by_role("slider", name="Quality of the noisy oracle")
    dial.press("ArrowRight")
    assert verifier_says(reader, 64, "1", "noisy", "best", 0.9)
    shared = reader.page.url
    reader.page.goto("about:blank")
    reader.page.goto(shared)
    reader.chart.wait_for()
    assert verifier_says(reader, 64, "1", "noisy", "best", 0.9)


@phone
def test_a_finger_chooses_a_verifier_and_nothing_scrolls_sideways(reader):
    look_at_verifier(reader, 16, "all", "prm")
    reader.page.get_by_text("PRM 14x", exact=True).first.tap()
    reader.page.get_by_text("5 hardest").tap()
    assert verifier_says(reader, 16, "5", "prm-14x")
    reader.page.get_by_text("The numbers").click()
    assert reader.page.evaluate("document.documentElement.scrollWidth") == 360


@pytest.mark.parametrize("width", [360, 1100])
def test_labels_of_a_verifiers_chart_never_collide_nor_leave_it(reader, width):
    reader.page.set_viewport_size({"width": width, "height": 900})
    reader.page.emulate_media(reduced_motion="reduce")
    look_at_verifier(reader, 1, "all", "noisy", "best", 0.6)
    for verifier in ("none: majority vote", "PRM 14x", "noisy oracle", "oracle"):
        reader.page.get_by_text(verifier, exact=True).first.click()
        for problems in ("all", "1 easiest", "5 hardest"):
            reader.page.get_by_text(problems, exact=True).click()
            reader.budget.press("Home")
            for samples in VERIFIER["budgets"]:
                assert overlapping_labels(reader.page) == [], (verifier, problems, samples)
                reader.budget.press("ArrowRight")


@pytest.mark.parametrize("guess", [0, 60, 75, 79, 82, 100])
def test_the_guess_about_a_verifier_is_labelled_clear_of_the_other_labels(reader, guess):
    reader.page.set_viewport_size({"width": 360, "height": 900})
    reader.page.emulate_media(reduced_motion="reduce")
    reader.open("verifier.html").page.get_by_role("slider", name="Your guess").fill(str(guess))
    reader.page.get_by_role("button", name="Commit, then see").click()
    reader.page.get_by_text("your guess", exact=True).wait_for()
    assert overlapping_labels(reader.page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("verifier", ["none", "orm", "prm", "noisy", "oracle"])
def test_words_of_every_verifier_stand_out_from_the_page(reader, scheme, verifier):
    reader.page.emulate_media(color_scheme=scheme)
    look_at_verifier(reader, 16, "all", verifier).page.get_by_text("The numbers").click()
    assert faint_words(reader.page) == []


def test_a_verifier_of_the_readers_own_run_with_few_samples_has_no_dial(reader):
    data = json.loads(json.dumps(VERIFIER))
    data["budgets"] = data["budgets"][:3]
    data["verifiers"] = [verifier for verifier in data["verifiers"] if verifier["key"] in ("none", "orm", "oracle")]
    data["curves"] = [curve for curve in data["curves"] if curve["verifier"] in ("none", "orm", "oracle")]
    page = draw(reader, data, {})
    assert "A majority vote among 4 samples" in page.locator(".ttc").inner_text()
    page.get_by_role("button", name="Commit, then see").click()
    reader.chart.wait_for()
    assert verifier_says(reader, 4, "all", "orm")
    page.evaluate("model.set('state', {verifier: 'none', samples: 2}); model.save_changes()")
    assert verifier_says(reader, 2, "all", "none")


# ---- Watch a rewrite


WATCHED = shipped_data("watch_revision")
ENDS = ["wrong", "right"]
TURNING = next(  # the first chain shown: of several steps, right at first and wrong from the first rewrite on
    c
    for c in WATCHED["chains"]
    if c["kind"] == "spoiled" and not c["attempts"][1]["right"] and len(c["attempts"][0]["steps"]) >= 4
)
CHAINS = {
    kind: next(chain for chain in WATCHED["chains"] if chain["kind"] == kind)
    for kind in ("right", "mended", "spoiled", "wavering", "wrong")
}
LOOKED_AT = [
    ("all", "mended", 1),
    ("all", "right", 3),
    ("all", "spoiled", 7),
    ("all", "wavering", 5),
    ("all", "wrong", 2),
    ("4", "mended", 1),
    ("2", "right", 2),
    ("3", "wavering", 4),
    ("4", "spoiled", 3),
    ("5", "wrong", 7),
]


def chain_of(problems, kind):
    return next(c for c in WATCHED["chains"] if c["kind"] == kind and problems in ("all", c["group"]))


def watch(reader, problems, chain, revision):
    chosen = {"problems": problems, "chain": chain["id"], "revision": revision}
    query = "&".join(f"watch_revision.{key}={quote(str(value))}" for key, value in chosen.items())
    reader.open(f"watch_revision.html?{query}")
    reader.page.locator(".ttc-compare").wait_for()
    return reader


def watch_says(reader, problems, chain, revision):
    """Whether the sentence gives the numbers of this revision, and the view the two attempts of this chain."""
    group = [group["key"] for group in WATCHED["groups"]].index(problems)
    _, right, interval, spoiled, mended, cost = WATCHED["tables"][group]["rows"][revision]
    kind = next(kind for kind in WATCHED["kinds"] if kind["key"] == chain["kind"])
    words = [
        f"In this chain, rewrite {revision} of 7 ",
        f"Of all chains, {kind['said'][group]} are like this one: {kind['name']}.",
        f"turns {spoiled} of the right answers wrong",
        f"and {mended} of the wrong answers right.",
        f"After it, {right} ({interval}) of the answers are right.",
        f"Cost so far: {cost} per chain.",
    ]
    said = reader.sentence.inner_text()
    heads = reader.page.locator(".ttc-compare thead th").all_inner_texts()[1:]
    shown = [
        [line, f"{'✓' if check else '✗'}{score}"]
        for row in zip(*(attempt["steps"] for attempt in chain["attempts"][revision - 1 : revision + 1]))
        for line, score, check in row
    ]
    cells = reader.page.locator(".ttc-compare tbody td")
    found = [
        [
            cell.evaluate("node => [...node.childNodes].slice(1, -1).map(each => each.textContent).join('')"),
            cell.locator(".ttc-score").evaluate(
                "node => [...node.childNodes].slice(1, 3).map(each => each.textContent).join('')"
            ),
        ]
        for cell in cells.all()
    ]
    return (
        [each for each in words if each not in said] == []
        and [head.split("\n")[0] for head in heads] == [f"Attempt {revision}", f"Attempt {revision + 1}"]
        and [ENDS[a["right"]] in head for a, head in zip(chain["attempts"][revision - 1 :], heads)] == [True, True]
        and found == shown
    )


@pytest.mark.parametrize(("problems", "kind", "revision"), LOOKED_AT)
def test_a_revision_is_shown_as_recorded_with_the_numbers_of_the_data(reader, problems, kind, revision):
    chain = chain_of(problems, kind)
    watch(reader, problems, chain, revision)
    assert watch_says(reader, problems, chain, revision)
    reader.page.get_by_text("The numbers").click()
    group = [group["key"] for group in WATCHED["groups"]].index(problems)
    rows = [row.split("\t") for row in reader.page.locator(".ttc-scroll tbody tr").all_inner_texts()]
    assert rows == WATCHED["tables"][group]["rows"]
    marked = reader.page.locator(".ttc-scroll [aria-current=true]").all_inner_texts()
    assert [row.split("\t")[0] for row in marked] == [str(revision + 1)]


def test_what_a_revision_changed_is_marked_and_nothing_else(reader):
    watch(reader, "all", TURNING, 1)
    old, new = (attempt["steps"] for attempt in TURNING["attempts"][:2])
    expected = [
        word
        for before, after in zip(old, new)
        for one, other in ((before, after), (after, before))
        for word, there in zip(one[0].split(" "), other[0].split(" "))
        if word != there
    ]
    assert expected and reader.page.locator(".ttc-compare mark").all_inner_texts() == expected
    assert "right becomes wrong" in reader.sentence.inner_text()
    same = next(
        (chain, i + 1)
        for chain in WATCHED["chains"]
        for i, (a, b) in enumerate(zip(chain["attempts"], chain["attempts"][1:]))
        if [step[0] for step in a["steps"]] == [step[0] for step in b["steps"]]
    )
    watch(reader, "all", *same)
    assert reader.page.locator(".ttc-compare mark").count() == 0
    assert "changes nothing" in reader.sentence.inner_text()


def test_a_chain_is_shown_only_after_a_guess_by_keyboard_alone(reader):
    reader.open("watch_revision.html")
    assert not reader.page.locator(".ttc-compare").is_visible()
    answer = WATCHED["tables"][0]["rows"][1][3]
    assert answer not in reader.page.locator(".ttc").inner_text()
    guess = reader.page.get_by_role("slider", name="Your guess")
    guess.focus()
    reader.page.keyboard.press("ArrowLeft")
    expected = guess.get_attribute("aria-valuetext")
    reader.page.keyboard.press("Tab")
    reader.page.keyboard.press("Enter")
    reader.page.locator(".ttc-compare").wait_for()
    assert watch_says_guess(reader, expected)
    for label in ("your guess", "the paper", answer.split(" ")[0]):
        assert reader.page.locator(".ttc-layer").get_by_text(label, exact=True).locator("visible=true").count() == 1
    assert reader.page.evaluate("document.activeElement.innerText") == "Next ›", "focus goes on to the next control"
    reader.page.keyboard.press("Enter")
    assert watch_says(reader, "all", TURNING, 2)
    assert "guess" not in reader.sentence.inner_text()


def watch_says_guess(reader, percent):
    spoiled = WATCHED["tables"][0]["rows"][1][3]
    return f"{spoiled} of the right answers wrong (you guessed {percent})" in reader.sentence.inner_text()


def test_next_goes_on_from_the_end_of_a_chain_to_the_next_and_back_returns(reader):
    chains = [chain for chain in WATCHED["chains"] if chain["group"] == "4"]
    watch(reader, "4", chains[-1], 7)
    reader.page.get_by_role("button", name="Next").click()
    assert watch_says(reader, "4", chains[0], 1)
    reader.page.get_by_role("button", name="Back").click()
    assert watch_says(reader, "4", chains[-1], 7)


def test_arrow_keys_move_along_the_chain_and_the_menu_has_the_chains_of_the_fifth(reader):
    wrong = chain_of("5", "wrong")
    watch(reader, "5", wrong, 1)
    reader.page.get_by_role("radio", checked=True).last.focus()
    reader.page.keyboard.press("ArrowRight")
    assert watch_says(reader, "5", wrong, 2)
    name = reader.page.get_by_role("radio", checked=True).last.get_attribute("aria-label")
    assert name == "attempt 2, wrong, rewritten as attempt 3, wrong"
    menu = reader.page.get_by_label("Chain", exact=True)
    hardest = [chain for chain in WATCHED["chains"] if chain["group"] == "5"]
    assert menu.locator("option").count() == len(hardest)
    menu.select_option(index=1)
    assert watch_says(reader, "5", hardest[1], 1)
    reader.page.get_by_text("1 easiest").click()
    easiest = next(chain for chain in WATCHED["chains"] if chain["group"] == "1")
    assert watch_says(reader, "1", easiest, 1)


def test_the_address_keeps_the_chain_and_another_reader_sees_it(reader):
    watch(reader, "all", CHAINS["spoiled"], 2)
    reader.page.get_by_role("button", name="Next").click()
    shared = reader.page.url
    reader.page.goto("about:blank")
    reader.page.goto(shared)
    reader.page.locator(".ttc-compare").wait_for()
    assert watch_says(reader, "all", CHAINS["spoiled"], 3)


def test_an_address_with_a_chain_of_another_fifth_shows_one_of_the_fifth(reader):
    easiest = next(chain for chain in WATCHED["chains"] if chain["group"] == "1")
    watch(reader, "1", chain_of("5", "wrong"), 2)
    assert watch_says(reader, "1", easiest, 2)


def test_right_and_wrong_are_told_by_words_and_signs(reader):
    watch(reader, "all", TURNING, 1)
    heads = reader.page.locator(".ttc-compare thead th").all_inner_texts()
    assert "✓ right" in heads[1] and "✗ wrong" in heads[2]
    strip = reader.page.get_by_role("group", name="Rewrite").locator("span").all_inner_texts()
    assert strip[0] == "1 ✓ → 2 ✗"


@phone
def test_a_finger_moves_along_a_chain_and_nothing_scrolls_sideways(reader):
    longest = max(WATCHED["chains"], key=lambda chain: len(chain["question"]))
    watch(reader, "all", longest, 1)
    reader.page.get_by_role("button", name="Next").tap()
    assert watch_says(reader, "all", longest, 2)
    reader.page.get_by_text("The numbers").click()
    assert reader.page.evaluate("document.documentElement.scrollWidth") == 360
    overflowing = reader.page.evaluate("""() => [...document.querySelectorAll(".ttc-compare :is(td, th)")]
        .filter(each => each.scrollWidth > each.clientWidth + 1).map(each => each.textContent)""")
    assert overflowing == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_of_a_revision_stand_out_from_the_page(reader, scheme):
    reader.page.emulate_media(color_scheme=scheme)
    watch(reader, "all", TURNING, 1).page.get_by_text("The numbers").click()
    assert faint_words(reader.page) == []


def test_model_output_is_text_and_never_markup(reader):
    bad = "<img src=x onerror='window.struck = true'>"
    data = json.loads(json.dumps(WATCHED))
    data["chains"] = [data["chains"][0]]
    for attempt in data["chains"][0]["attempts"]:
        attempt["steps"][0][0] = attempt["answer"] = bad
    data["chains"][0]["attempts"][1]["steps"][0][0] = bad + " changed"
    data["chains"][0]["question"] = bad
    page = draw(reader, data, {"revision": 1})
    page.locator(".ttc-compare").wait_for()
    assert bad in page.locator(".ttc-compare tbody").inner_text().replace("\n", " ")
    assert page.locator(".ttc img").count() == 0
    assert page.evaluate("window.struck") is None


def test_a_widget_of_chains_follows_its_state_and_tells_python(reader):
    page = draw(reader, WATCHED, {})
    page.evaluate(
        "state => { model.set('state', state); model.save_changes(); }", {"chain": TURNING["id"], "revision": 1}
    )
    page.locator(".ttc-compare").wait_for()
    assert watch_says(reader, "all", TURNING, 1)
    page.get_by_role("button", name="Next").click()
    assert page.evaluate("model.get('state')") == {"problems": "all", "chain": TURNING["id"], "revision": 2}
    controls = page.locator(".ttc").locator("input, select, button, summary, [tabindex]")
    told = controls.evaluate_all("nodes => nodes.map(node => node.getAttribute('data-lm-suppress-shortcuts'))")
    assert set(told) == {"true"}
    assert page.evaluate("(leave(), model.heard.size)") == 0


def test_steps_that_one_attempt_lacks_are_said_to_be_missing(reader):
    data = json.loads(json.dumps(WATCHED))
    data["chains"] = [chain for chain in data["chains"] if len(chain["attempts"][0]["steps"]) > 2][:1]
    data["chains"][0]["attempts"][1]["steps"].pop()
    page = draw(reader, data, {"revision": 1})
    page.locator(".ttc-compare").wait_for()
    assert page.locator(".ttc-compare td").last.inner_text() == "no such step"
    assert page.locator(".ttc-compare tbody tr").last.locator("mark").count() > 2
