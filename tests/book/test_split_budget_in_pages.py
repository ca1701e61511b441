"""The simulator "Split the budget" as a reader meets it."""

import pytest
import test_explorables_in_pages as pages
from test_explorables_in_pages import Reader, faint_words, phone

from ttclab.explorables import shipped_data

site, reader = pages.site, pages.reader

DATA = shipped_data("split_budget")
SELECTIONS = [
    (1, "all", "1x1"), (2, "1", "2x1"), (2, "5", "1x2"), (4, "all", "2x2"), (4, "4", "1x4"), (8, "5", "8x1"),
    (16, "5", "2x8"), (16, "all", "1x16"), (32, "3", "4x8"), (64, "5", "64x1"),
]  # fmt: skip


def look_at(reader: Reader, attempts: int, problems: str, split: str) -> Reader:
    chosen = {"attempts": attempts, "problems": problems, "split": split}
    reader.open("split_budget.html?" + "&".join(f"split_budget.{key}={value}" for key, value in chosen.items()))
    reader.page.get_by_role("img", name="Map.").wait_for()
    return reader


def group_of(problems):
    return next(group for group in DATA["groups"] if group["key"] == problems)


def place_of(split):
    return [each["key"] for each in DATA["splits"]].index(split)


def says(reader: Reader, attempts: int, problems: str, split: str) -> bool:
    """Whether the sentence gives this selection's numbers, the best's and the policies'."""
    group, step = group_of(problems), DATA["budgets"].index(attempts)
    solved, interval, cost = group["said"][place_of(split)]
    where = "all problems" if problems == "all" else f"the {group['name']}"
    name = DATA["splits"][place_of(split)]["name"]
    words = [f"{name} solves {solved} ({interval}) of {where} for {cost} per problem."]
    best = group["best"][step]
    if best != place_of(split):
        words.append(f"The best split is {DATA['splits'][best]['name']}: {group['said'][best][0]}")
    for policy, row in zip(DATA["policies"], group["policies"]):
        does = row[step]
        words.append(
            f"{policy} takes {does['usual']}: {does['said'][0]}, {does['said'][2]}."
            if does
            else f"{policy} has no recorded result here."
        )
    words += [f"{other['name']}: {other['said'][0]}, {other['said'][2]}." for other in group["beside"][step]]
    said = reader.sentence.inner_text()
    return [each for each in words if each not in said] == []


@pytest.mark.parametrize(("attempts", "problems", "split"), SELECTIONS)
def test_a_split_says_tabulates_and_maps_the_numbers_of_the_data(reader, attempts, problems, split):
    look_at(reader, attempts, problems, split)
    assert says(reader, attempts, problems, split)
    group, step = group_of(problems), DATA["budgets"].index(attempts)
    payable = [each["budget"] <= attempts for each in DATA["splits"]]
    shown = reader.page.locator(".ttc-cell .ttc-percent").all_text_contents()
    assert shown == [said[0].rstrip("%") * pays for said, pays in zip(group["said"], payable)]
    framed = reader.page.locator(".ttc-cell").evaluate_all(
        "cells => cells.flatMap((cell, i) => (cell.classList.contains('ttc-best') ? [i] : []))"
    )
    assert framed == [group["best"][step]]
    marks = [row[step]["marks"] if row[step] else [] for row in group["policies"]]
    signs = reader.page.locator(".ttc-cell .ttc-signs").all_text_contents()
    assert signs == ["".join(sign for sign, at in zip("◆●", marks) if i in at) for i in range(len(signs))]
    reader.page.get_by_text("The numbers").click()
    rows = [row.split("\t") for row in reader.page.locator(".ttc tbody tr").all_inner_texts()]
    for index, each in enumerate(DATA["splits"]):
        assert ([each["name"], *group["said"][index]] in rows) == (each["budget"] == attempts)


def test_the_map_has_the_number_asked_about_alone_until_a_guess_by_keyboard_alone(reader):
    reader.open("split_budget.html").page.get_by_role("img", name="The question: ").wait_for()
    assert not reader.page.get_by_role("img", name="Map.").is_visible() and reader.sentence.inner_text() == ""
    asked = group_of("5")["said"][place_of("16x1")][0]
    shown = reader.page.locator(".ttc-cell text").all_text_contents()
    assert sorted(filter(None, shown)) == [asked.rstrip("%"), "?", "?", "?"]
    assert f"solves {asked} of" in reader.page.locator(".ttc").inner_text()
    reader.page.get_by_role("slider", name="Your guess").focus()
    reader.page.keyboard.press("ArrowRight")
    reader.page.keyboard.press("Tab")
    reader.page.keyboard.press("Enter")
    reader.page.get_by_role("img", name="Map.").wait_for()
    assert says(reader, 16, "5", "16x1")
    assert "you guessed" in reader.sentence.inner_text()
    assert reader.budget.evaluate("node => node === document.activeElement")
    reader.page.keyboard.press("ArrowRight")
    assert says(reader, 32, "5", "32x1")
    assert "guessed" not in reader.sentence.inner_text()


def test_the_menu_and_the_map_choose_a_split_and_the_address_keeps_it(reader):
    look_at(reader, 16, "5", "16x1")
    reader.page.get_by_role("combobox", name="Split").select_option(str(place_of("4x4")))
    assert says(reader, 16, "5", "4x4")
    reader.page.locator(".ttc-cell").nth(place_of("2x8")).click()
    assert says(reader, 16, "5", "2x8")
    reader.page.locator(".ttc-cell").nth(place_of("64x1")).click(force=True)
    assert says(reader, 16, "5", "2x8"), "what the budget does not pay for is not chosen"
    shared = reader.page.url
    reader.page.goto("about:blank")
    reader.page.goto(shared)
    reader.page.get_by_role("img", name="Map.").wait_for()
    assert says(reader, 16, "5", "2x8") and "guessed" not in reader.sentence.inner_text()


@pytest.mark.parametrize(("attempts", "problems", "split", "seen"), [
    ("17", "2", "2x8", (16, "2", "2x8")), ("4", "<b>x</b>", "2x8", (4, "5", "4x1")), ("4", "1", "no", (4, "1", "4x1")),
])  # fmt: skip
def test_what_an_address_has_wrong_falls_back_to_what_the_budget_pays_for(reader, attempts, problems, split, seen):
    look_at(reader, attempts, problems, split)
    assert says(reader, *seen)


@phone
def test_a_finger_chooses_a_split_and_nothing_scrolls_sideways(reader):
    look_at(reader, 64, "5", "64x1")
    reader.page.locator(".ttc-cell").nth(place_of("16x4")).tap()
    assert says(reader, 64, "5", "16x4")
    reader.page.get_by_text("The numbers").tap()
    assert reader.page.evaluate("document.documentElement.scrollWidth") == 360


@phone
@pytest.mark.parametrize("problems", ["all", "5"])
def test_words_of_the_map_stay_within_their_cells(reader, problems):
    look_at(reader, 64, problems, "64x1")
    outside = reader.page.locator(".ttc-cell").evaluate_all("""cells => cells.flatMap(cell => {
        const box = cell.querySelector("rect").getBoundingClientRect();
        const within = ({left, right, top, bottom}) =>
            left >= box.left && right <= box.right && top >= box.top - 1 && bottom <= box.bottom + 1;
        return [...cell.querySelectorAll("text")].filter(text => text.textContent)
            .filter(text => !within(text.getBoundingClientRect())).map(text => text.textContent);
    })""")
    assert outside == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_around_the_map_stand_out_from_the_page(reader, scheme):
    reader.page.emulate_media(color_scheme=scheme)
    look_at(reader, 16, "5", "2x8")
    assert faint_words(reader.page) == []


def test_names_of_the_data_are_text_and_never_markup(reader):
    data = {**DATA, "policies": ["<img src=x onerror=alert(1)>", "b"]}
    reader.page.route("**/split_budget.json*", lambda route: route.fulfill(json=data))
    look_at(reader, 16, "5", "2x8")
    assert "<img src=x onerror=alert(1)> takes" in reader.sentence.inner_text()
    assert reader.page.locator(".ttc img").count() == 0
