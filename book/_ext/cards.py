"""The directive {gpu-cards}: measurements of `python -m benchmarks.gpu` on GPUs."""

import json
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

CARDS = Path(__file__).parents[2] / "benchmarks" / "cards"
ROWS = (1, 64, 1024)
MODELS = {"small": "small", "Qwen2.5-0.5B": "0.5B"}
Card = dict[str, Any]  # a card as `benchmarks.gpu` writes it
COLUMNS = ("model", "rows", "eager", "captured", "generate")


def load_cards() -> list[Card]:
    """All cards, by the name of the GPU."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(CARDS.glob("*.json"))]


def card_rows(card: Card) -> list[list[str]]:
    """Tokens a second of each model at a few numbers of rows."""
    rows = []
    for line in card["decode"]:
        if line["model"] in MODELS and line["rows"] in ROWS and "captured" in line:
            eager, captured = (line[decoder]["tokens_per_second"] for decoder in ("eager", "captured"))
            generate = line.get("generate", {}).get("tokens_per_second")
            rows.append(
                [
                    MODELS[line["model"]],
                    f"{line['rows']:,}",
                    in_words(eager),
                    in_words(captured),
                    in_words(generate) if generate else "–",
                ]
            )
    return rows


def in_words(tokens_per_second: float) -> str:
    """A rate with two digits, or three from 100,000 on."""
    if tokens_per_second < 1000:
        return f"{tokens_per_second:.0f}"
    thousands = tokens_per_second / 1000
    return f"{thousands:.0f}k" if thousands >= 10 else f"{thousands:.1f}k"


class GpuCards(SphinxDirective):
    """A table for each card, or a sentence if there are no cards."""

    def run(self) -> list[nodes.Node]:
        tables: list[nodes.Node] = []
        for path in CARDS.glob("*.json"):
            self.env.note_dependency(str(path))
        for card in load_cards():
            body = nodes.tbody("", *[_row(row) for row in card_rows(card)])
            group = nodes.tgroup("", *[nodes.colspec(colwidth=1) for _ in COLUMNS], cols=len(COLUMNS))
            group += [nodes.thead("", _row(COLUMNS)), body]
            caption = f"Tokens a second on one {card['gpu']}, measured on {card['date']}"
            tables.append(nodes.table("", nodes.title("", caption), group))
        return tables or [nodes.paragraph("", "Nobody has measured the course on a GPU yet.")]


def _row(texts: Any) -> nodes.row:
    return nodes.row("", *[nodes.entry("", nodes.paragraph("", text)) for text in texts])


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("gpu-cards", GpuCards)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
