import gzip
import json
import random
from itertools import islice

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tiny import TOKENIZER, random_model, random_policy

from ttclab import hub
from ttclab.models import LanguageModel
from ttclab.policy import Prompt
from ttclab.problems import Feedback, Solution, load_problems, split_of
from ttclab.tasks.text_problems import AGAIN, INSTRUCTION, TextProblem, read_problems, with_examples
from ttclab.tasks.word_problems import EXAMPLES, STEPS, STORIES, generate_word_problems, word_problem
from ttclab.training.tokens import build_tokenizer

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
        UserWarning, match=r"row 2 of set.jsonl is not a JSON.*row 3 .*neither.*row 4 .*no \"answer\".*and 2 more"
    ):
        assert [problem.id for problem in read_problems(file)] == ["set/1", "set/6"]


@pytest.mark.parametrize(("rows", "rule"), [([], "no row"), (["{}"], "neither"), (["\x00\xff"], "not a JSON object")])
def test_a_file_without_problems_is_refused_with_the_first_reason(rows, rule, tmp_path):
    with pytest.raises(ValueError, match=rule):
        load_problems(write(tmp_path / "set.jsonl", *rows))


def test_a_missing_file_and_a_damaged_one_are_refused(tmp_path):
    with pytest.raises(ValueError, match="no file"):
        load_problems(tmp_path / "no.jsonl")
    (tmp_path / "bad.parquet").write_bytes(b"PAR1")
    with pytest.raises(ValueError, match="no Parquet"):
        load_problems(tmp_path / "bad.parquet")


ROW = {"question": "a?", "answer": "3"}


@pytest.mark.parametrize("mark", ["\u2028", "\u2029", "\u0085"])
def test_only_a_newline_ends_a_row_and_other_line_separators_stay_in_its_text(mark, tmp_path):
    row = json.dumps({"question": f"a{mark}b?", "answer": f"x{mark}y"}, ensure_ascii=False)
    (tmp_path / "set.jsonl").write_bytes(f"{row}\n{json.dumps(ROW)}".encode())
    problems = load_problems(tmp_path / "set.jsonl")
    assert [problem.id for problem in problems] == ["set/1", "set/2"]
    assert problems[0].question == f"a{mark}b?" and problems[0].answer == f"x{mark}y"


def test_a_byte_order_mark_and_windows_line_ends_are_no_part_of_a_row(tmp_path):
    (tmp_path / "set.jsonl").write_bytes(b"\xef\xbb\xbf" + b"\r\n".join([json.dumps(ROW).encode()] * 2))
    assert [problem.id for problem in load_problems(tmp_path / "set.jsonl")] == ["set/1", "set/2"]


@pytest.mark.parametrize(
    ("encoding", "rule"), [("latin-1", "line 2 has the byte 0xe9"), ("utf-16", "line 1 has the byte 0xff")]
)
def test_a_file_in_another_encoding_is_refused_with_its_line_and_byte(encoding, rule, tmp_path):
    rows = [json.dumps({"question": question, "answer": "3"}, ensure_ascii=False) for question in ("a?", "Le café?")]
    (tmp_path / "set.jsonl").write_bytes("\n".join(rows).encode(encoding))
    with pytest.raises(ValueError, match=f"not in UTF-8: {rule}"):
        load_problems(tmp_path / "set.jsonl")


def test_two_rows_with_one_id_are_refused_by_name_whatever_the_type_of_the_id(tmp_path):
    rows = [{**ROW, "id": "a"}, {**ROW, "id": 7}, {**ROW, "unique_id": "7"}]
    with pytest.raises(ValueError, match=r"id '7', row 2 of set.jsonl and row 3 of set.jsonl"):
        load_problems(write(tmp_path / "set.jsonl", *rows))
    with pytest.raises(ValueError, match="id 'set/2'"):
        load_problems(write(tmp_path / "set.jsonl", {**ROW, "id": "set/2"}, ROW))
    (tmp_path / "other").mkdir()
    files = write(tmp_path / "set.jsonl", ROW), write(tmp_path / "other" / "set.jsonl", ROW)
    with pytest.raises(ValueError, match="id 'set/1'"):
        read_problems(*files)


def test_compressed_files_and_json_lists_are_read_and_named_without_their_endings(tmp_path):
    (tmp_path / "set.jsonl.gz").write_bytes(gzip.compress(json.dumps(ROW).encode() + b"\n"))
    assert [problem.id for problem in load_problems(tmp_path / "set.jsonl.gz")] == ["set/1"]
    (tmp_path / "list.json").write_text(json.dumps([ROW, ROW], indent=1))
    assert [problem.id for problem in load_problems(str(tmp_path / "list.json"))] == ["list/1", "list/2"]
    assert [problem.id for problem in load_problems(write(tmp_path / "lines.json", ROW, ROW))] == ["lines/1", "lines/2"]
    assert load_problems(write(tmp_path / "SET.JSONL", ROW))[0].id == "SET/1"


@pytest.mark.parametrize(
    "content",
    [b"no gzip", gzip.compress(b"{}" * 999)[:-9], b"\x1f\x8b\x08\x00" + b"\xff" * 40],
    ids=["other", "cut", "garbage"],
)
def test_a_damaged_compressed_file_is_refused(content, tmp_path):
    (tmp_path / "set.jsonl.gz").write_bytes(content)
    with pytest.raises(ValueError, match="damaged or not compressed"):
        load_problems(tmp_path / "set.jsonl.gz")


def test_a_path_is_a_file_and_never_a_name_on_the_hub(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setattr(hub, "fetch_problems", lambda name: pytest.fail(f"asked for {name}"))
    write(tmp_path / "set.jsonl", ROW)
    assert load_problems("~/set.jsonl")[0].id == "set/1"
    for name in (str(tmp_path / "x.json"), "/no/x.json", "~/no.jsonl", "./x.jsonl.gz", "~nobody-here/x.jsonl"):
        with pytest.raises(ValueError, match="no file"):
            load_problems(name)
    (tmp_path / "x.csv").write_text("a,b")
    for name in (tmp_path / "x.csv", "/no/x.txt", str(tmp_path)):
        with pytest.raises(ValueError, match=r"end in \.jsonl, \.jsonl\.gz, \.json, \.parquet, not from"):
            load_problems(name)


def test_half_a_surrogate_pair_costs_its_character_and_not_the_row(tmp_path):
    file = write(tmp_path / "set.jsonl", '{"id": "a\\ude00", "question": "\\ud83d?", "answer": "3"}')
    (problem,) = load_problems(file)
    assert (problem.id, problem.question) == ("a\ufffd", "\ufffd?")


def test_a_solution_has_ended_at_its_answer_but_not_while_it_still_reasons():
    assert SHOP.ended("2 + 3\n#### 5\n") and SHOP.ended("so \\boxed{5}") and SHOP.ended("#### Evelyn\n")
    assert not SHOP.ended("<think>\nis it\n\\boxed{5}\n") and not SHOP.ended("\\boxed{5}\nno\n") and not SHOP.ended("")


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
    assert Prompt(BUS, [first[0].text], said).text(policy.template) == whole
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
