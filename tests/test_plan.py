import pyarrow.parquet as pq
import pytest
from fake_server import serving
from torch.utils.flop_counter import FlopCounterMode

import ttclab
from ttclab import bank, hub
from ttclab.bank.draws import Draws
from ttclab.bank.plan import TRIED, plan
from ttclab.cli import main
from ttclab.hardware import GPUS
from ttclab.ledger import billed


@pytest.mark.parametrize("greedy", [False, True])
def test_a_plan_is_borne_out_by_the_bill_of_the_recording(tmp_path, greedy):
    draws = Draws(samples=12, problems=150, greedy=greedy, device="cpu")
    expected = plan("small", "validation", draws)
    with billed() as bill:
        bank.record("small", "validation", draws, out=tmp_path / "a.parquet")
    total = bill.total
    assert expected.generations == total.generations == 150 * (1 if greedy else 12)
    assert expected.tried == TRIED
    assert abs(expected.flops - total.total_flops) <= expected.error < 0.25 * total.total_flops
    assert expected.read == pytest.approx(total.tokens["prefill"], rel=0.05)
    assert expected.written == pytest.approx(total.tokens["decode"], rel=0.15)


def test_where_the_length_is_known_nothing_is_run_and_the_formula_is_torch_s_own_count(monkeypatch):
    policy = ttclab.load("large", at=1500, device="cpu")
    policy.engine.model.set_attn_implementation("eager")  # the counter does not see the fused attention of CPUs
    with FlopCounterMode(display=False) as counter:
        solutions = policy.generate(ttclab.load_problems("test", limit=1), n=1, seed=3)
    length = len(solutions[0][0].tokens)
    monkeypatch.setattr(
        ttclab.models.loading.AutoModelForCausalLM, "from_pretrained", lambda *a, **o: pytest.fail("loaded")
    )
    expected = plan("large", "test", Draws(at=1500, samples=1, problems=1), tokens=length)
    assert (expected.flops, expected.error, expected.tried) == (counter.get_total_flops(), 0, 0)
    thousand = Draws(at=1500, samples=1000, problems=1)
    assert plan("large", "test", thousand, tokens=length).written == 1000 * length


def test_without_the_weights_a_plan_asks_the_hub_for_none(monkeypatch):
    asked = []

    def snapshot(name, *, allow_patterns, **options):
        asked.extend(allow_patterns)
        return ttclab.models.ZOO / "small"

    monkeypatch.setattr(hub, "snapshot_download", snapshot)
    assert plan("somebody/some-model", "test", Draws(problems=2), tokens=30).generations == 512
    assert "*.json" in asked and "*.safetensors" not in asked


def test_hours_of_a_gpu_are_the_flops_over_what_it_is_said_to_reach():
    expected = plan("small", "test", Draws(samples=4, problems=3), tokens=20)
    l4 = GPUS["L4"]
    assert expected.gpu_hours(l4, "bf16", 0.2) * 3600 * 0.2 * l4.peak("bf16") == pytest.approx(expected.flops)
    for mfu in (0, 1.5):
        with pytest.raises(ValueError, match=f"mfu is a share of the GPU's peak, .* not {mfu}"):
            expected.gpu_hours(l4, "bf16", mfu)
    with pytest.raises(ValueError, match="at least 1 token, not 0"):
        plan("small", "test", tokens=0)


def test_a_set_with_fewer_problems_than_asked_for_is_planned_and_recorded_whole(tmp_path):
    file = tmp_path / "three.jsonl"
    file.write_text("".join(f'{{"question": "What is {i} + 1?", "answer": "{i + 1}"}}\n' for i in range(3)))
    draws = Draws(samples=2, max_new_tokens=5, device="cpu")
    expected = plan("small", str(file), draws)
    with billed() as bill:
        out = bank.record("small", str(file), draws, out=tmp_path / "a.parquet")
    assert expected.generations == bill.total.generations == len(pq.read_table(out)) == 6
    assert expected.written == pytest.approx(bill.total.tokens["decode"])  # the same draws


def test_the_command_says_the_cost_and_what_it_rests_on(capsys):
    asked = ["plan", "small", "--samples", "2", "--problems", "100", "--device", "cpu", "--mfu", "0.2"]
    assert main([*asked, "--gpu", "L4"]) == 0
    said = capsys.readouterr().out
    assert "200 solutions, from 2 to each of 36 problems" in said
    assert "FLOPs, give or take" in said and "hours of one L4, at 20% of its peak in bf16" in said
    assert main([*asked, "--tokens", "20"]) == 0
    assert "200 solutions, at 20 tokens a solution" in capsys.readouterr().out
    assert main([*asked, "--gpu", "Abacus"]) == 2
    with serving() as server:
        assert main(["plan", server.url, "--problems", "3"]) == 0
    assert "FLOPs can only be counted with --files" in capsys.readouterr().out


@pytest.mark.parametrize("wrong", [{"samples": 0}, {"problems": 0}])
def test_a_recording_of_nothing_is_refused(wrong):
    with pytest.raises(ValueError, match="samples >= 1 and problems >= 1, not"):
        Draws(**wrong)


def test_a_greedy_recording_has_one_sample_at_temperature_0():
    draws = Draws(greedy=True, samples=64, temperature=0.7)
    assert (draws.samples, draws.temperature) == (1, 0.0)
