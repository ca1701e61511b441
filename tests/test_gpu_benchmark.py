"""The script for GPUs, tried on a CPU, and the cards that it has written."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CARDS = sorted((ROOT / "benchmarks" / "cards").glob("*.json"))


def decode(card, model, rows):
    (line,) = [each for each in card["decode"] if (each["model"], each["rows"]) == (model, rows)]
    return line


@pytest.fixture(params=CARDS, ids=lambda path: path.stem)
def card(request):
    return json.loads(request.param.read_text(encoding="utf-8"))


def test_the_script_runs_and_all_its_checks_pass_without_a_graph(tmp_path):
    command = [sys.executable, "-m", "benchmarks.gpu", "--device", "cpu", "--quick", "--out", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    card = json.loads((tmp_path / "none.json").read_text(encoding="utf-8"))
    assert {*card["checks"].values()} == {"passed"}
    assert [(line["model"], line["rows"]) for line in card["decode"]] == [("small", 1), ("small", 4)]
    for line in card["decode"]:
        assert line["eager"]["tokens_per_second"] > 0 and line["static"]["tokens_per_second"] > 0
    assert [line["strategy"] for line in card["strategies"]] == [
        "best-of-16", "beam search, N=16, M=4", "1 attempt, 3 revisions",
    ]  # fmt: skip


def test_a_check_that_failed_on_a_card_is_explained(card):
    failed = [name for name, outcome in card["checks"].items() if outcome != "passed"]
    assert not failed or card["note"]


def test_a_captured_step_of_1024_rows_takes_less_than_twice_as_long_as_one_of_a_row(card):
    """Chapter 1 says so."""
    assert decode(card, "small", 1024)["step_seconds"] < 2 * decode(card, "small", 1)["step_seconds"]


def test_the_figures_in_the_readmes_are_those_of_the_card():
    card = json.loads((ROOT / "benchmarks/cards/NVIDIA-H200.json").read_text(encoding="utf-8"))

    def speed(model, rows, way):
        tokens = decode(card, model, rows)[way]["tokens_per_second"]
        return f"{tokens / 1000:.0f}k" if tokens >= 10_000 else f"{tokens / 1000:.1f}k"

    text = (ROOT / "benchmarks/README.md").read_text(encoding="utf-8")
    for label, model in (("small, fp32", "small"), ("0.5B shape, bf16", "Qwen2.5-0.5B")):
        for rows in (64, 1024):
            eager, captured = (speed(model, rows, way) for way in ("eager", "captured"))
            generate = speed(model, rows, "generate") if rows == 64 else "–"
            assert f"| {label} | {rows:,} | {eager} | {captured} | {generate} |" in text
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    said = re.search(r"samples (\w+) tokens a second in 1,024 rows, ([\d.]+) times", readme)
    line = decode(card, "small", 1024)
    gain = line["captured"]["tokens_per_second"] / line["eager"]["tokens_per_second"]
    assert said and said.groups() == (speed("small", 1024, "captured"), f"{gain:.1f}")


def test_the_page_shows_a_card_with_two_digits(card):
    sys.path.insert(0, str(ROOT / "book" / "_ext"))
    import cards

    rows = cards.card_rows(card)
    assert [row[:2] for row in rows] == [[name, n] for name in ("small", "0.5B") for n in ("1", "64", "1,024")]
    small = decode(card, "small", 1024)["captured"]["tokens_per_second"]
    assert rows[2][3] == f"{small / 1000:.0f}k" and rows[2][4] == "–"
    assert cards.in_words(48.4) == "48" and cards.in_words(4232) == "4.2k"
