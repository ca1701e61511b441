import json
import random
from itertools import islice

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tiny import TOKENIZER, random_model, random_policy

from ttclab import hub
from ttclab.models import LanguageModel
from ttclab.policy import Asked
from ttclab.problems import Feedback, Solution, load_problems, split_of
from ttclab.text_problems import AGAIN, INSTRUCTION, TextProblem, read_problems, with_examples
from ttclab.training.tokens import build_tokenizer
from ttclab.word_problems import EXAMPLES, STEPS, STORIES, generate_word_problems, word_problem

SHOP = TextProblem.of("shop", "What are 2 and 3?", "5", "2 + 3 = 5\n#### 5")
BUS = TextProblem.of("bus", "What are 4 and 3?", "7", "4 + 3 = 7\n#### 7")
TURNS = (
    "{% for m in messages %}[{{ m['role'] }}]{{ m['content'] }}{% endfor %}{% if add_generation_prompt %}[!]{% endif %}"
)


def write(path, *rows):
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows) + "\n")
    return path


def test_rows_like_gsm8k_and_like_math_are_read(tmp_path):
    gsm8k = {"question": "How many?", "answer": "3 + 4 = <<3+4=7>>7\nSo 7.\n#### 7"}
    math = {
        "problem": "Solve.",
        "solution": "It is $\\boxed{\\frac{1}{2}}$.",
        "answer": "\\frac{1}{2}",
        "unique_id": "a/1.json",
    }
    bare = {"problem": "Solve.", "solution": "It is $\\boxed{\\sqrt{2}}$."}
    a, b, c = load_problems(write(tmp_path / "set.jsonl", gsm8k, math, bare))
    assert (a.id, a.question, a.answer, a.worked) == ("set/1", "How many?", "7", "3 + 4 = 7\nSo 7.\n#### 7")
    assert (b.id, b.answer, b.worked) == ("a/1.json", "\\frac{1}{2}", math["solution"])
    assert (c.id, c.answer) == ("set/3", "\\sqrt{2}")
    assert Solution(a, "3 + 4 = 7 \\boxed{7}").correct and not Solution(a, "7").correct


def test_a_parquet_file_is_read_as_well_and_numbers_are_answers_too(tmp_path):
    pq.write_table(pa.table({"question": ["a?", "b?"], "answer": [3, 4]}), tmp_path / "set.parquet")
    assert [problem.answer for problem in load_problems(tmp_path / "set.parquet")] == ["3", "4"]


def test_rows_of_another_form_are_left_out_and_reported_with_the_reason(tmp_path):
    good = {"question": "a?", "answer": "3"}
    file = write(
        tmp_path / "set.jsonl",
        good,
        "{not json",
        {"answer": "3"},
        {"question": "b?"},
        "[1]",
        good,
        {"question": None, "answer": 1},
    )
    with pytest.warns(
        UserWarning, match=r"row 2 of set.jsonl is no JSON.*row 3 .*neither.*row 4 .*no \"answer\".*and 2 more"
    ):
        assert [problem.id for problem in read_problems(file)] == ["set/1", "set/6"]


@pytest.mark.parametrize(("rows", "rule"), [([], "no row"), (["{}"], "neither"), (["\x00\xff"], "no JSON")])
def test_a_file_without_problems_is_refused_with_the_first_reason(rows, rule, tmp_path):
    with pytest.raises(ValueError, match=rule):
        load_problems(write(tmp_path / "set.jsonl", *rows))


def test_a_missing_file_and_a_damaged_one_are_refused(tmp_path):
    with pytest.raises(ValueError, match="no file"):
        load_problems(tmp_path / "no.jsonl")
    (tmp_path / "bad.parquet").write_bytes(b"PAR1")
    with pytest.raises(ValueError, match="no Parquet"):
        load_problems(tmp_path / "bad.parquet")


def test_the_limit_and_the_seed_choose_among_the_rows_of_a_file(tmp_path):
    file = write(tmp_path / "set.jsonl", *[{"question": f"{i}?", "answer": i} for i in range(30)])
    assert [p.answer for p in load_problems(file, limit=3)] == ["0", "1", "2"]
    shuffled = load_problems(file, limit=3, seed=1)
    assert shuffled == load_problems(file, seed=1)[:3] and shuffled != load_problems(file, limit=3)


def test_a_data_set_of_the_hub_gives_its_test_set_and_several_must_be_told_apart(tmp_path, monkeypatch):
    asked = []

    def snapshot(name, **which):
        asked.append((name, which["repo_type"]))
        return str(tmp_path)

    monkeypatch.setattr(hub, "snapshot_download", snapshot)
    for folder in ("main", "socratic"):
        (tmp_path / folder).mkdir()
        for split in ("train", "test"):
            table = pa.table({"question": ["?"], "answer": [f"#### {len(folder + split)}"]})
            pq.write_table(table, tmp_path / folder / f"{split}-00000-of-00001.parquet")
    assert [p.answer for p in load_problems("openai/gsm8k/main")] == ["8"]
    assert asked == [("openai/gsm8k", "dataset")]
    with pytest.raises(ValueError, match="openai/gsm8k/main"):
        load_problems("openai/gsm8k")
    with pytest.raises(ValueError, match="no JSONL or Parquet"):
        load_problems("openai/gsm8k/other")


def test_without_a_network_a_data_set_is_one_clear_error(monkeypatch):
    def unreachable(*args, **kwargs):
        raise OSError("no route")

    monkeypatch.setattr(hub, "snapshot_download", unreachable)
    with pytest.raises(ValueError, match=r"owner/name is not on this machine.*connect once"):
        load_problems("owner/name")


def test_a_chat_is_shown_examples_then_the_problem_then_its_last_attempts_and_what_is_said_of_the_newest():
    (problem,) = with_examples([BUS], [SHOP])
    turns = problem.turns(["first\n", "second\n"], Feedback("The answer is wrong.", "!-"))
    assert [(turn["role"], turn["content"]) for turn in turns] == [
        ("user", SHOP.question), ("assistant", SHOP.worked), ("user", BUS.question),
        ("assistant", "first\n"), ("user", AGAIN), ("assistant", "second\n"), ("user", f"The answer is wrong. {AGAIN}"),
    ]  # fmt: skip
    assert len(problem.turns([str(i) for i in range(9)])) == 3 + 2 * 4
    assert BUS.turns() == [{"role": "user", "content": f"{BUS.question}\n{INSTRUCTION}"}]
    with pytest.raises(ValueError, match="worked solution"):
        with_examples([BUS], [TextProblem.of("x", "?", "1")])


def chatting() -> LanguageModel:
    tokenizer = build_tokenizer()
    tokenizer.chat_template = TURNS
    return LanguageModel(random_model("llama"), tokenizer)


def test_a_revision_of_a_hub_model_is_prompted_with_the_earlier_attempts_and_the_feedback():
    policy, said = chatting(), Feedback("The answer is wrong.", "!-")
    first = policy.generate(BUS, temperature=0, max_new_tokens=8)
    (revised,) = policy.revise(BUS, first, said, temperature=0, max_new_tokens=8)
    whole = f"[user]{BUS.turns()[0]['content']}[assistant]{first[0].text}[user]{said} {AGAIN}[!]"
    assert Asked(BUS, [first[0].text], said).text(policy.template) == whole
    context = tuple(TOKENIZER.encode(whole))
    written = policy.engine.write([policy_row(context)], policy.sampler(0), max_new_tokens=8)
    assert revised.tokens == written[0].tokens


def policy_row(context):
    from ttclab.engine import Row

    return Row(context)


def test_a_model_without_chats_is_shown_examples_as_text_and_ends_after_the_line_with_its_answer():
    (problem,) = with_examples([BUS], [SHOP])
    assert problem.feed() == f"{SHOP.prompt}{SHOP.worked}\n\n{BUS.prompt}"
    assert (
        not problem.ended("4 + 3 = 7\n") and problem.ended("4 + 3 = 7\n#### 7\n") and not problem.ended("#### 7\nno\n")
    )

    class Marked(TextProblem):
        def ended(self, text):
            return text.count("\n") == 2

    problem = Marked.of("bus", "What are 4 and 3?", "7")
    policy = random_policy(seed=3)
    found = [s for s in policy.generate(problem, n=32, max_new_tokens=40) if s.text.count("\n") == 2 and s.finished]
    assert found and all(s.text.endswith("\n") for s in found if TOKENIZER.eos_token_id not in s.tokens)
    assert not any(s.text.count("\n") > 2 for s in policy.generate(problem, n=32, max_new_tokens=40))


def test_writing_line_by_line_draws_the_tokens_of_writing_at_once():
    class Endless(TextProblem):
        def ended(self, text):
            return False

    class Silent(TextProblem):
        def ended(self, text):
            return None

    policy = random_policy(seed=3)
    one, other = (kind.of("bus", "1+1", "2") for kind in (Endless, Silent))
    assert [s.tokens for s in policy.generate(one, n=8)] == [s.tokens for s in policy.generate(other, n=8)]


def test_steps_are_the_lines_that_hold_something():
    assert BUS.read("a\n\n b \n#### 7\n") == (("a", " b ", "#### 7"), "7")


def test_a_recipe_makes_the_question_and_its_working():
    problem = word_problem("rolls: 4*6-5*3")
    assert problem.question == (
        "A baker makes 4 trays of 6 rolls. 5 rolls burn. She sells all the rolls she has for 3 dollars each. "
        "How many dollars does she get?"
    )
    assert problem.worked == "4 * 6 = 24\n24 - 5 = 19\n19 * 3 = 57\n#### 57"
    assert problem.answer == "57" and [each.id for each in problem.examples] == list(EXAMPLES)


@pytest.mark.parametrize(
    "recipe",
    ["rolls 4*6", "rolls: 4", "cars: 4*6", "rolls: 4-5", "rolls: 7/2", "rolls: 7/0", "rolls: 9/3-1", "rolls: 1+1*2+3",
     "rolls: 1+1+1+1", "rolls: 4*6\n", "rolls: ٤*6", "rolls: 1+1+1+1+1"],
)  # fmt: skip
def test_a_recipe_that_can_not_be_told_is_refused(recipe):
    with pytest.raises(ValueError):
        word_problem(recipe)


def test_word_problems_agree_with_plain_arithmetic_and_their_sets_share_none():
    drawn = {}
    for split in ("train", "validation", "test"):
        drawn[split] = problems = list(islice(generate_word_problems(split, random.Random(0)), 120))
        for problem in problems:
            total, *operations = (
                problem.id.partition(": ")[2]
                .replace("*", " * ")
                .replace("/", " / ")
                .replace("+", " + ")
                .replace("-", " - ")
                .split()
            )
            value = int(total)
            for sign, number in zip(operations[::2], operations[1::2]):
                value = {
                    "+": value + int(number),
                    "-": value - int(number),
                    "*": value * int(number),
                    "/": value / int(number),
                }[sign]
            assert (
                problem.answer == str(int(value)) and value == int(value) and Solution(problem, problem.worked).correct
            )
            assert split_of(problem.id) == split and word_problem(problem.id) == problem
            assert len(problem.worked.splitlines()) - 1 in STEPS and "{" not in problem.question
    assert not {p.id for p in drawn["train"]} & {p.id for p in drawn["test"]}
    assert {p.id.partition(":")[0] for p in drawn["test"]} == set(STORIES)
    assert all(split_of(recipe) == "train" for recipe in EXAMPLES)
    assert load_problems("words-test", limit=5) == load_problems("words-test", limit=9)[:5]
