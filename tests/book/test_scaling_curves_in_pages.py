"""The simulator "Scaling curves" as a reader meets it, on a small site made with the book's own directive and theme."""

import threading
from functools import partial
from http.server import ThreadingHTTPServer
from urllib.parse import urlencode

import pytest
from test_explorables_in_pages import PAGE, Silent, build, faint_words, overlapping_labels

from ttclab.explorables import shipped_data

DATA = shipped_data("scaling_curves")
KEYS = [each["key"] for each in DATA["strategies"]]
FIRST = [key for key in KEYS if key not in ("single", "orm", "prm-14x", "oracle")]
GROUPS = [group["key"] for group in DATA["groups"]]
SELECTIONS = [  # strategies, problems, steps of the large model, budget
    (["vote"], "all", "1500 steps", "as much as"),
    (["prm", "vote"], "5", "2500 steps", "2 ×"),
    (["beam"], "3", "1000 steps", "4 ×"),
    (["oracle", "prm"], "4", "1250 steps", "½ of"),
    (["single"], "1", "2000 steps", "⅛ of"),
    (["prm-14x", "beam"], "5", "1500 steps", "32 ×"),
    (["beam", "adaptive"], "all", "2500 steps", "16 ×"),
    (["orm", "prm"], "2", "1500 steps", "8 ×"),
    (["prm"], "all", "1500 steps", "⅛ of"),  # which pays for no verifier
    (FIRST, "all", "1250 steps", "as much as"),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site") / "source"
    done = build(folder, page=PAGE.replace(".. explorable:: breadth_or_depth", ".. explorable:: scaling_curves"))
    assert done.returncode == 0, done.stderr
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=str(folder / "html")))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


class Reader:
    """A browser page with the simulator, and what a reader does there."""

    def __init__(self, page, site):
        self.page, self.site, self.errors = page, site, []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.budget = page.get_by_role("slider", name="Budget")
        self.sentence = page.locator("[aria-live=polite]")
        self.chart = page.get_by_role("img", name="Chart.")

    def open(self, **state):
        query = urlencode({f"scaling_curves.{part}": value for part, value in state.items()})
        self.page.goto(f"{self.site}/index.html?{query}")
        self.page.locator(".ttc").wait_for()
        return self

    def look_at(self, shown, problems, large, budget):
        self.open(shown=" ".join(shown), problems=problems, large=large, budget=budget)
        self.chart.wait_for()
        return self

    def commit(self, guess=70):
        self.page.get_by_role("slider", name="Your guess").fill(str(guess))
        self.page.get_by_role("button", name="Commit, then see").click()
        self.chart.wait_for()


@pytest.fixture
def reader(browser, site, request):
    context = browser.new_context(
        reduced_motion="reduce", **getattr(request, "param", {"viewport": {"width": 1100, "height": 900}})
    )
    context.set_default_timeout(20_000)
    reader = Reader(context.new_page(), site)
    yield reader
    context.close()
    assert reader.errors == []


phone = pytest.mark.parametrize(
    "reader", [{"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}], indirect=True
)


def best(shown, problems, large, budget):
    """What the sentence has to say of the best of the strategies shown, None where none can be paid."""
    group, step = DATA["groups"][GROUPS.index(problems)], DATA["shares"].index(budget)
    found = []
    for strategy, curve in zip(DATA["strategies"], group["curves"], strict=True):
        way = curve["payable"][step]
        if strategy["key"] in shown and way >= 0:
            point, minus = curve["points"][way], curve["minus"][way][DATA["opponents"].index(large)]
            found.append((point[0], [strategy["name"], strategy["ways"][way], point[4], point[5], minus]))
    return max(found, key=lambda each: each[0])[1] if found else None


def says(reader, shown, problems, large, budget):
    group = DATA["groups"][GROUPS.index(problems)]
    pass_ = group["large"][DATA["opponents"].index(large)]
    other = f"One pass of the 14x model, trained for {large}, solves {pass_[4]} for {pass_[5]}."
    where = f"the problems in the {group['name']}" if problems != "all" else "the problems"
    ceiling, said = group["said"][DATA["shares"].index(budget)], reader.sentence.inner_text()
    if (found := best(shown, problems, large, budget)) is None:
        return said == f"{ceiling} per problem pay for none of the strategies shown. {other}"
    name, what, solved, cost, minus = found
    first = (
        f'For at most {ceiling} per problem, the best strategy shown is "{name}" ({what}): '
        f"it solves {solved} of {where} for {cost}."
    )
    return said.startswith(first) and said.endswith(f"{other} The small model minus the 14x model: {minus} points.")


@pytest.mark.parametrize("selection", SELECTIONS, ids=str)
def test_a_selection_says_and_tabulates_the_numbers_of_the_data(reader, selection):
    reader.look_at(*selection)
    assert says(reader, *selection)
    shown, problems, large, budget = selection
    for key, name in zip(KEYS, [each["name"] for each in DATA["strategies"]], strict=True):
        assert reader.page.get_by_role("checkbox", name=name, exact=True).is_checked() == (key in shown)
    reader.page.get_by_text("The numbers").click()
    rows = [row.split("\t") for row in reader.page.locator(".ttc tbody tr").all_inner_texts()]
    expected = [best([key], problems, large, budget) or [each["name"], "costs too much", "", "", ""]
                for key, each in zip(KEYS, DATA["strategies"], strict=True)]  # fmt: skip
    assert rows[:-1] == expected and rows[-1][:2] == ["14x", f"1 pass, {large}"]
    marked = [row.split("\t")[0] for row in reader.page.locator(".ttc [aria-current=true]").all_inner_texts()]
    assert marked == [found[0] for found in [best(*selection)] if found]


def test_curves_are_shown_only_after_a_guess_by_keyboard_alone(reader):
    reader.open()
    assert not reader.chart.is_visible() and reader.sentence.inner_text() == ""
    answer = best(FIRST, "all", "1500 steps", "as much as")
    assert answer[2].split(" ")[0] not in reader.page.locator(".ttc").inner_text()
    guess = reader.page.get_by_role("slider", name="Your guess")
    guess.focus()
    reader.page.keyboard.press("ArrowLeft")
    expected = 49  # one less than in the middle, where the guess starts
    reader.page.keyboard.press("Tab")
    reader.page.keyboard.press("Enter")
    reader.chart.wait_for()
    assert says(reader, FIRST, "all", "1500 steps", "as much as")
    assert f"You guessed {expected}%." in reader.sentence.inner_text()
    assert reader.chart.get_by_text(answer[2].split(" ")[0], exact=True).is_visible()
    assert reader.budget.evaluate("node => node === document.activeElement"), "focus goes on to the next control"


def test_a_strategy_is_switched_off_and_on_by_its_word(reader):
    reader.look_at(["vote", "prm"], "all", "1500 steps", "4 ×")
    reader.page.get_by_text("Weighted, PRM", exact=True).first.click()
    assert says(reader, ["vote"], "all", "1500 steps", "4 ×")
    assert "guess" not in reader.sentence.inner_text()
    reader.page.get_by_role("checkbox", name="Oracle").focus()
    reader.page.keyboard.press("Space")
    assert says(reader, ["vote", "oracle"], "all", "1500 steps", "4 ×")


def test_with_every_strategy_off_nothing_can_be_paid_and_the_address_keeps_it(reader):
    reader.look_at(["vote"], "all", "1500 steps", "4 ×")
    reader.page.get_by_text("Vote", exact=True).first.click()
    assert says(reader, [], "all", "1500 steps", "4 ×")
    shared = reader.page.url
    reader.page.goto("about:blank")
    reader.page.goto(shared)
    reader.chart.wait_for()
    assert says(reader, [], "all", "1500 steps", "4 ×")


def test_arrow_keys_move_the_budget_and_the_address_follows(reader):
    reader.look_at(["prm"], "5", "2500 steps", "as much as")
    reader.budget.focus()
    reader.page.keyboard.press("ArrowRight")
    assert says(reader, ["prm"], "5", "2500 steps", "2 ×")
    assert reader.budget.get_attribute("aria-valuetext") == "2 × one pass of the 14x model"
    reader.page.keyboard.press("Home")
    assert says(reader, ["prm"], "5", "2500 steps", "⅛ of")
    assert "scaling_curves.budget=%E2%85%9B+of" in reader.page.url


def test_the_mouse_chooses_the_budget_that_is_nearest_in_the_chart(reader):
    reader.look_at(["vote"], "all", "1500 steps", "2 ×")
    tick = reader.chart.locator(".tick", has_text="100").bounding_box()
    reader.page.mouse.click(tick["x"] + tick["width"] / 2, tick["y"] - 60)
    assert says(reader, ["vote"], "all", "1500 steps", "4 ×")


def test_the_axes_fit_what_is_shown(reader):
    reader.look_at(["vote"], "all", "1500 steps", "2 ×")
    low, *_, high = [float(text[:-1]) for text in reader.chart.locator(".tick", has_text="%").all_text_contents()]
    vote = DATA["groups"][0]["curves"][KEYS.index("vote")]["points"]
    assert 20 <= low <= 100 * min(point[1] for point in vote) and high <= 90


@phone
def test_a_finger_switches_a_strategy_and_nothing_scrolls_sideways(reader):
    reader.look_at(["vote", "prm"], "all", "1500 steps", "4 ×")
    reader.page.get_by_text("Beam", exact=True).first.tap()
    assert says(reader, ["vote", "prm", "beam"], "all", "1500 steps", "4 ×")
    reader.page.get_by_text("The numbers").tap()
    assert reader.page.evaluate("document.documentElement.scrollWidth") == 360


def test_what_an_address_has_wrong_falls_back_to_the_first_view(reader):
    reader.open(shown="<b>x</b>", problems="4", large="9 steps", budget="7 ×").chart.wait_for()
    assert says(reader, FIRST, "4", "1500 steps", "as much as")


def test_an_address_of_nonsense_asks_the_question(reader):
    reader.open(shown="nothing", problems="6", large="", budget="")
    assert reader.page.get_by_role("button", name="Commit, then see").is_visible()


@pytest.mark.parametrize("width", [360, 1100])
def test_labels_of_the_curves_never_collide_nor_leave_the_chart(reader, width):
    reader.page.set_viewport_size({"width": width, "height": 900})
    reader.look_at(KEYS, "all", "1500 steps", "⅛ of")
    for group in DATA["groups"]:
        reader.page.get_by_role("group", name="Problems, by fifth").get_by_role("radio").nth(
            GROUPS.index(group["key"])
        ).check()
        reader.budget.press("Home")
        for share in DATA["shares"]:
            assert overlapping_labels(reader.page) == [], (share, group["name"])
            reader.budget.press("ArrowRight")


@pytest.mark.parametrize("guess", [0, 60, 87, 100])
def test_the_guess_is_labelled_clear_of_the_other_labels(reader, guess):
    reader.page.set_viewport_size({"width": 360, "height": 900})
    reader.open().commit(guess)
    reader.page.get_by_text("your guess", exact=True).wait_for()
    assert overlapping_labels(reader.page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_of_every_strategy_stand_out_from_the_page(reader, scheme):
    reader.page.emulate_media(color_scheme=scheme)
    reader.look_at(KEYS, "all", "1500 steps", "4 ×")
    assert faint_words(reader.page) == []
