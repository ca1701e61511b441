"""Headline numbers in plain words, by the chapter that rests on them, for the page on how the book was made."""

STEPS = (750, 1000, 1250, 1500, 2000, 2500)

CHAPTERS: dict[int, dict[str, str]] = {
    1: {
        "small, one greedy pass": "small model, one greedy pass",
        **{f"large at step {at}, one greedy pass": f"large model at step {at}, one greedy pass" for at in STEPS},
        "large, one greedy pass, minus one sample of small": "large model minus one sample of the small model",
        "a vote of 17, minus large": "vote of 17 minus large model",
        "a vote of 17, minus large, hardest fifth": "vote of 17 minus large model, hardest fifth",
        "a vote of 17, minus large at step 750": "vote of 17 minus large model at step 750",
        "a right one among 17, minus large": "coverage of 17 minus large model",
        "a right one among 17, minus large, hardest fifth": "coverage of 17 minus large model, hardest fifth",
        "a right one among 17, minus large at step 2500": "coverage of 17 minus large model at step 2500",
        "PRM, weighted best-of-7, minus large": "weighted vote of 7 minus large model",
        "PRM, weighted best-of-17, minus large": "weighted vote of 17 minus large model",
    },
    2: {
        "small, one sample": "one sample",
        "small, one sample, easiest fifth": "one sample, easiest fifth",
        "small, one sample, second fifth": "one sample, second fifth",
        "small, one sample, middle fifth": "one sample, middle fifth",
        "small, one sample, fourth fifth": "one sample, fourth fifth",
        "small, one sample, hardest fifth": "one sample, hardest fifth",
        "one sample of small minus its greedy pass": "one sample minus one greedy pass",
        "small, a right one among 64": "coverage of 64",
        "small, a right one among 64, hardest fifth": "coverage of 64, hardest fifth",
        "a right one among 256 minus among 16": "coverage of 256 minus coverage of 16",
        "a vote of 16": "vote of 16",
        "a vote of 2 minus one sample": "vote of 2 minus one sample",
        "a vote of 17, minus small's greedy pass": "vote of 17 minus one greedy pass",
        "a vote of 256 minus small's greedy pass": "vote of 256 minus one greedy pass",
        "a vote of 256 minus a vote of 64": "vote of 256 minus vote of 64",
        "a vote of 256 minus one sample, hardest fifth": "vote of 256 minus one sample, hardest fifth",
    },
    3: {
        "PRM, weighted best-of-16": "weighted vote of 16",
        "PRM minus the vote, 16 samples": "weighted vote of 16 minus vote of 16",
        "PRM minus ORM, 64 samples": "weighted vote of 64, PRM minus ORM",
        "PRM, AUC within a problem, by answer": "PRM, AUC within a problem: right answers",
        "ORM, AUC within a problem, by answer": "ORM, AUC within a problem: right answers",
        "PRM, AUC within a problem, by working": "PRM, AUC within a problem: right working",
        "ORM, AUC within a problem, by working": "ORM, AUC within a problem: right working",
        "mean log-probability, AUC within a problem, by answer": "mean log-probability, AUC within a problem",
        "self-certainty, AUC within a problem, by answer": "self-certainty, AUC within a problem",
        "PRM, best-of-256 minus best-of-4": "best score of 256 minus best score of 4",
        "weak PRM, best-of-256 minus best-of-4": "weak PRM, best score of 256 minus best score of 4",
        "weak PRM, best-of-256 minus best-of-16": "weak PRM, best score of 256 minus best score of 16",
        "weak PRM, weighted best-of-256 minus weighted best-of-16": "weak PRM, weighted vote of 256 minus of 16",
        "weak PRM, weighted best-of-256 minus weighted best-of-16, hardest fifth": (
            "weak PRM, weighted vote of 256 minus of 16, hardest fifth"
        ),
        "PRM, best-of-256 minus weighted best-of-256": "best score of 256 minus weighted vote of 256",
        "weak PRM, best-of-256 minus weighted best-of-256": "weak PRM, best score of 256 minus weighted vote of 256",
        "PRM, beam search minus weighted, N=4": "beam search minus weighted vote, N=4",
        "PRM, beam search minus weighted, N=16": "beam search minus weighted vote, N=16",
        "PRM, beam search minus weighted, N=16, hardest fifth": "beam search minus weighted vote, N=16, hardest fifth",
        "PRM, beam search minus weighted, N=64": "beam search minus weighted vote, N=64",
        **{
            f"PRM, beam search, N={places}, minus weighted for its FLOPs": (
                f"beam search, N={places}, minus weighted vote for its FLOPs"
            )
            for places in (4, 16, 64)
        },
        "PRM, beam search, N=64": "beam search, N=64",
        "weak PRM, beam search, N=64": "weak PRM, beam search, N=64",
        "weak PRM, beam search minus best-of-64": "weak PRM, beam search minus best-of-64",
        "weak PRM, beam search minus weighted, N=4": "weak PRM, beam search minus weighted vote, N=4",
        "weak PRM, beam search minus weighted, N=64": "weak PRM, beam search minus weighted vote, N=64",
        "PRM 14x, beam search, lookahead minus none, N=16": "PRM 14x, beam search, N=16: lookahead minus none",
    },
    4: {
        "small, first attempt of a chain": "first attempt of a chain",
        "first attempt of the model that rewrites, minus its twin's": "first attempt minus one of small-plain",
        "first revision, right": "first rewrite",
        "first revision minus first attempt": "first rewrite minus first attempt",
        "first revision minus an attempt of the control": "first rewrite minus an attempt of small-plain",
        "sixteenth attempt minus first attempt": "sixteenth attempt minus first attempt",
        "a chain of 16 rewrites minus 16 samples": "chain of 16 rewrites minus 16 samples",
        "mended by the first revision, minus by a fresh sample": "wrong turned right, rewrite minus new sample",
        "spoilt by the first revision, minus by a fresh sample": "right turned wrong, rewrite minus new sample",
        "step-level revision, at most 15": "up to 15 step-level revisions",
        "step-level revision, at most 15, minus one sample": "up to 15 step-level revisions minus one sample",
        "step-level revision, at most 15, minus weighted best-of-16":
            "up to 15 step-level revisions minus weighted vote of 16",
        "step-level revision, FLOPs over weighted best-of-16":
            "FLOPs of 15 step-level revisions over weighted vote of 16",
        "step-level revision, at most 31, minus weighted best-of-64":
            "up to 31 step-level revisions minus weighted vote of 64",
        "step-level revision, at most 31, FLOPs over weighted best-of-64":
            "FLOPs of 31 step-level revisions over weighted vote of 64",
        "restarting with the weak PRM, last solution minus first":
            "revised with the weak PRM, last solution minus first",
        "restarting with the rollout PRM, last solution minus first":
            "revised with the rollout PRM, last solution minus first",
    },
    5: {
        "policy, difficulty known, at most 16, minus beam search, equal FLOPs":
            "policy of 16, difficulty known, minus beam search, same FLOPs",
        "policy, difficulty known, at most 16, minus step-level revision, equal FLOPs":
            "policy of 16, difficulty known, minus step-level revision, same FLOPs",
        "policy, difficulty known, at most 64, minus weighted best-of-64":
            "policy of 64, difficulty known, minus weighted vote of 64",
        "policy, difficulty known, at most 64, FLOPs over weighted best-of-64":
            "FLOPs of that policy over weighted vote of 64",
        "policy, difficulty predicted, at most 4, minus beam search, equal FLOPs":
            "policy of 4, difficulty predicted, minus beam search, same FLOPs",
        "policy, difficulty predicted, at most 16, minus beam search, equal FLOPs":
            "policy of 16, difficulty predicted, minus beam search, same FLOPs",
        "policy, difficulty predicted minus known, at most 16": "policy of 16, difficulty predicted minus known",
        "policy, difficulty predicted minus known, at most 64": "policy of 64, difficulty predicted minus known",
        "policy, difficulty predicted, at most 4, FLOPs over difficulty known":
            "FLOPs of policy of 4, difficulty predicted over known",
        "policy, difficulty predicted, at most 64, FLOPs over difficulty known":
            "FLOPs of policy of 64, difficulty predicted over known",
        "lesson's rule, at most 16, minus weighted best-of-16": "lesson's rule with 16 minus weighted vote of 16",
        "lesson's rule, at most 16, minus weighted best-of-16, hardest fifth":
            "lesson's rule with 16 minus weighted vote of 16, hardest fifth",
        "lesson's rule, at most 16, minus step-level revision, at most 15":
            "lesson's rule with 16 minus up to 15 step-level revisions",
        "lesson's rule, at most 16, FLOPs over step-level revision, at most 15":
            "FLOPs of the lesson's rule over 15 step-level revisions",
    },
    6: {
        "small at best minus large, equal FLOPs": "small model's best strategy minus large model, same FLOPs",
        **{
            f"PRM, beam search, N=16, minus large at step {at}": f"beam search, N=16, minus large model at step {at}"
            for at in STEPS
        },
        "PRM, beam search, N=16, FLOPs over a pass of large":
            "FLOPs of beam search, N=16, over a pass of the large model",
        **{
            f"step-level revision, at most 15, minus large at step {at}":
                f"up to 15 step-level revisions minus large model at step {at}"
            for at in (1250, 1500, 2500)
        },
        "step-level revision, at most 15, FLOPs over a pass of large":
            "FLOPs of 15 step-level revisions over a pass of the large model",
    },
    7: {
        "arena, worked": '"Keep or draw 8"',
        "arena, adaptive": '"Adaptive"',
        "arena, spread": '"Spread"',
        "arena, spread, same generations": '"Spread", for the same generations instead of FLOPs',
        "arena, fitted": '"Fitted"',
        "arena, lesson": '"The lesson\'s rule"',
        "arena, drawn again": '"Always draw again"',
    },
    8: {
        "after reinforcement learning, one sample": "after: one sample",
        "after minus before, one sample": "one sample, after minus before",
        "after minus before, a right one among 64": "coverage of 64, after minus before",
        "after minus before, PRM, weighted best-of-16": "weighted vote of 16, after minus before",
        "after minus before, step-level revision, at most 15": "up to 15 step-level revisions, after minus before",
        "PRM, weighted best-of-16, minus one sample": "before: weighted vote of 16 minus one sample",
        "after, PRM, weighted best-of-16, minus one sample": "after: weighted vote of 16 minus one sample",
        "after minus before, gain of weighted best-of-16": "change of what a weighted vote of 16 adds to one sample",
        "after, step-level revision, at most 15, minus one sample":
            "after: up to 15 step-level revisions minus one sample",
        "after minus before, gain of step-level revision": "change of what 15 step-level revisions add to one sample",
    },
}  # fmt: skip


def in_chapter(chapter: int, names: list[str]) -> dict[str, str]:
    """Headline numbers of a chapter in its order, by name; the last chapter also has those that no chapter lists."""
    placed = {name for words in CHAPTERS.values() for name in words}
    rest = {name: name for name in names if name not in placed} if chapter == max(CHAPTERS) else {}
    return {name: words for name, words in CHAPTERS[chapter].items() if name in names} | rest
