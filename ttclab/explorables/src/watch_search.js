// Watch it search: the small model and its PRM run in the page, on a problem of ours or the reader's own, under four strategies.
import { operationOf, parseProblem, showStep } from "./arithmetic.js";
import { button, choices, element, menu, slider } from "./controls.js";
import { LiveModels } from "./live_models.js";
import { treePicture } from "./search_tree.js";
import { oneOf, View } from "./view.js";
import css from "./watch_search.css";

/**
 * @typedef {import("./controls.js").Table} Table
 * @typedef {import("./live_search.js").Story} Story
 * @typedef {import("./live_search.js").Settings} Settings
 * @typedef {import("./live_search.js").Strategy} Strategy
 * @typedef {import("./search_tree.js").TreeNode} TreeNode
 * @typedef {{ configs: Record<string, unknown>, characters: string[], threshold: number, quality: number, cell: string, verifiers: Record<string, string>, problems: { id: string, question: string,
 *   said: string }[], opens: string, tables: Table[] }} Data
 */

/** @type {[Strategy, string, string][]} */
const STRATEGIES = [
  ["samples", "N samples", "Each is written to its end; then the verifier scores them all"],
  ["beam", "Beam search", "After each step, the best N/M of N solutions are continued M times each"],
  ["dvts", "DVTS", "Diverse verifier tree search: N/M separate beam searches, each with M solutions"],
  ["revision", "Step-level revision", "M chains: each keeps the steps that the verifier accepts, and writes the others again"],
];
const BUDGETS = [1, 2, 4, 8, 16, 32, 64];
const WIDTHS = [1, 2, 4, 8];
const TEMPERATURES = [0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 2];
/** @type {[Settings["verifier"], string, string][]} */
const VERIFIERS = [["prm", "PRM", "the PRM"], ["noisy", "noisy oracle", "the noisy oracle"], ["oracle", "oracle", "the oracle"]];
const END = 99; // stands for the last step

/** @param {import("./view.js").Context} context */
export function watch_search(context) {
  /** @type {Data} */
  const { configs, characters, threshold, quality, cell, verifiers, problems, opens, tables } = context.model.get("data");
  const weights = context.model.get("weights");
  const first = { problem: opens, N: BUDGETS.indexOf(16), M: WIDTHS.indexOf(4), temperature: 4, verifier: 0, seed: 0, step: END };
  const view = new View(context, first, {
    problem: { key: "problem", read: known, write: (id) => id },
    N: oneOf("N", BUDGETS),
    M: oneOf("M", WIDTHS),
    temperature: oneOf("temperature", TEMPERATURES),
    verifier: oneOf("verifier", VERIFIERS.map(([key]) => key)),
    seed: { key: "seed", read: (text) => (/^\d{1,6}$/.test(text) ? Number(text) : undefined), write: (seed) => seed },
    step: { key: "step", read: (text) => (/^\d{1,2}$/.test(text) ? Number(text) : undefined), write: (step) => (step < END ? step : undefined) },
  }, () => { selected.M = Math.min(selected.M, selected.N); });
  const { selected } = view;
  /** @type {Map<string, Story>} of the settings as they are */
  let stories = new Map();
  let asked = "";
  let trouble = "";

  // ---- the models

  /** @type {LiveModels | undefined} */
  const models = weights && new LiveModels({ configs, characters }, weights, (message) => {
    trouble = message;
    waiting.clear();
    view.select({});
  });
  /** @type {Set<Strategy>} strategies that are searching */
  const waiting = new Set();

  /** Searches again if the settings have changed. */
  function search() {
    const settings = settingsNow();
    const wanted = JSON.stringify(settings);
    if (!models || wanted === asked) return;
    asked = wanted;
    stories = new Map();
    models.forget();
    for (const { key: strategy, tell } of panels) {
      waiting.add(strategy);
      models.run("search", { ...settings, strategy }, (story) => {
        waiting.delete(strategy);
        stories.set(strategy, story);
        tell(story);
        view.select({});
      });
    }
  }

  /** @returns {Omit<Settings, "strategy">} */
  function settingsNow() {
    return {
      problem: selected.problem, N: BUDGETS[selected.N], M: WIDTHS[selected.M], temperature: TEMPERATURES[selected.temperature],
      seed: selected.seed, verifier: VERIFIERS[selected.verifier][0], threshold: selected.verifier ? 0.5 : threshold, quality,
    };
  }

  // ---- the controls

  const ours = menu("Problem", "Problem", () => {
    const chosen = problems[ours.value];
    if (chosen) ask(chosen.id);
    else own.focus();
  });
  ours.entries = [...problems.map(({ id, said }, i) => /** @type {[number, string]} */ ([i, `${shortly(id)}: ${said}`])),
    [problems.length, "your own"]];
  const own = element("input", { type: "text", inputmode: "text", maxlength: 40, spellcheck: false, "aria-label": "Your own problem" });
  const refused = element("p", { class: "ttc-refused", role: "alert" });
  own.addEventListener("change", () => {
    if (!own.value.trim()) return;
    try { ask(parseProblem(own.value).id); } catch (error) { refused.textContent = `${/** @type {Error} */ (error).message}.`; }
  });
  own.addEventListener("keydown", ({ key }) => { if (key === "Enter") own.dispatchEvent(new Event("change")); });
  const N = slider("N, generations", BUDGETS.map(String), {
    change: (n) => view.change({ N: n, M: Math.min(selected.M, n), step: END }),
  }, "the budget: solutions that the model may write");
  const temperature = slider("Temperature", TEMPERATURES.map(String), { change: (step) => view.change({ temperature: step, step: END }) },
    "how freely the model samples; at 0 it always takes the likeliest token");
  const M = choices("M, beam width or chains", WIDTHS.map(String), (m) => view.change({ M: m, N: Math.max(selected.N, m), step: END }),
    "Beam search, DVTS: continuations of each kept beginning. Step-level revision: number of chains.");
  const verifier = choices("Verifier", VERIFIERS.map(([, name]) => name), (index) => view.change({ verifier: index, step: END }),
    "the PRM is trained; the oracle knows the answer, and the noisy one errs at random");
  /** @type {string[]} names of the rounds: in each but the last, the strategies write one more step */
  const names = ["1"];
  const clock = slider("Step", names, {
    input: (step) => view.select({ step: step < lastRound() ? step : END }), change: () => view.save(),
  });
  const range = /** @type {HTMLInputElement} */ (clock.node.querySelector("input"));
  const player = element("div", { class: "ttc-player" },
    element("div", { class: "ttc-buttons" }, button("‹ Back", () => move(-1)), button("Next ›", () => move(1))), clock.node);
  const again = button("Draw again", () => view.change({ seed: selected.seed + 1, step: END }), "ttc-second");

  /** @param {string} id */
  function ask(id) {
    refused.textContent = "";
    view.change({ problem: id, seed: 0, step: END });
  }

  /** @param {1 | -1} by */
  function move(by) {
    const step = Math.max(0, Math.min(now() + by, lastRound()));
    view.change({ step: step < lastRound() ? step : END });
  }

  function lastRound() { return Math.max(0, ...[...stories.values()].map(({ rounds }) => rounds.length - 1)); }

  function now() { return Math.min(selected.step, lastRound()); }

  // ---- the pictures

  const panels = STRATEGIES.map(([key, name, does]) => {
    const head = element("p", { class: `ttc-strategy ttc-k-${key}` }, name);
    const meter = element("div", { class: "ttc-meter", "aria-hidden": "true" });
    const cost = element("p", { class: "ttc-spent" });
    const tally = element("div", { class: "ttc-scroll" });
    const detail = element("p", { class: "ttc-detail" });
    const picture = treePicture(`${name}: its tree. Arrow keys move along it.`, (node) => { detail.textContent = wordsOf(node, key); });
    const does_ = element("p", { class: "ttc-does" }, `${does}.`);
    return {
      key, picture,
      node: element("section", { class: "ttc-panel", "aria-label": name }, head, does_, picture.node, detail, meter, cost, tally),
      /** @param {Story} story */
      tell(story) { picture.tell(story, parseProblem(selected.problem), (node) => wordsOf(node, key)); },
      show() {
        const story = stories.get(key);
        if (!story) {
          picture.clear();
          for (const each of [cost, detail, meter, tally]) each.replaceChildren();
          return;
        }
        const round = Math.min(now(), story.rounds.length - 1);
        const isOver = round === story.rounds.length - 1;
        const best = story.leaves[story.picks.best];
        picture.show(round, isOver ? [best.tree, ...best.steps].join("\n") : "");
        const { writing, verifier: scoring, generations } = story.rounds[round].spent;
        const most = Math.max(...[...stories.values()].map(({ rounds }) => total(rounds[rounds.length - 1].spent)));
        meter.style.setProperty("--ttc-written", `${(100 * writing) / most}%`);
        meter.style.setProperty("--ttc-all", `${(100 * (writing + scoring)) / most}%`);
        cost.textContent = `${flops(writing + scoring)}: writing ${flops(writing)}, verifier ${flops(scoring)}; ` +
          `${generations === 1 ? "1 generation" : `${generations} generations`}`;
        detail.textContent = "Point at a step to see its check and its score.";
        tally.replaceChildren(...(isOver ? [tallyOf(story)] : []));
      },
    };
  });

  /**
   * A step in words: its text, the exact check, its score, what it has cost to get there.
   *
   * @param {TreeNode} node
   * @param {Strategy} strategy
   */
  function wordsOf(node, strategy) {
    const story = stories.get(strategy);
    if (!story) return "";
    const { drawn, ended, score, dropped } = node.after(now());
    const { right } = parseProblem(selected.problem);
    const place = node.depth - 1;
    const check = node.right ? "right so far" : node.parent?.right ? `wrong here${right[place] ? `, ${lastTotal(right[place])} is right` : ", the problem has no such step"}`
      : "wrong before";
    const scored = score === undefined ? "not scored" : `score ${score.toFixed(2)}`;
    const fate = dropped ? ", dropped" : ended ? `, ${ended === 1 ? "1 solution ends" : `${ended} solutions end`} here` : "";
    const round = Math.min(node.drawn[0][0], story.rounds.length - 1);
    return `Step ${node.depth}: ${showStep(node.steps[place], place ? node.steps[place - 1] : selected.problem)}, ${check}, ${scored}, ` +
      `written ${drawn === 1 ? "once" : `${drawn} times`}${fate}. ${flops(total(story.rounds[round].spent))} spent by then.`;
  }

  /**
   * What each answer gets by each rule, the winner marked.
   *
   * @param {Story} story
   */
  function tallyOf({ leaves, picks }) {
    /** @type {Map<string, { votes: number, sum: number, top: number, right: boolean }>} */
    const answers = new Map();
    for (const { answer, score, right } of leaves) {
      const name = answer ?? "none";
      const entry = answers.get(name) ?? { votes: 0, sum: 0, top: 0, right };
      answers.set(name, { votes: entry.votes + 1, sum: entry.sum + score, top: Math.max(entry.top, score), right });
    }
    const chosen = [picks.vote, picks.weighted, picks.best].map((place) => leaves[place].answer ?? "none");
    const ranked = [...answers].sort(([, a], [, b]) => b.votes - a.votes || b.top - a.top);
    const voted = ranked.filter(([name]) => name !== "none");
    const isTie = voted.length > 1 && voted[0][1].votes === voted[1][1].votes;
    const cell = (/** @type {string} */ words, /** @type {boolean} */ won) => (
      won ? element("td", { class: "ttc-won" }, words, element("span", { class: "ttc-unseen" }, ", chosen")) : element("td", {}, words));
    const shown = ranked.filter(([name, { top }], i) => i < 2 || top >= 0.005 || chosen.includes(name));
    const hidden = ranked.length - shown.length;
    const rows = shown.map(([name, { votes, sum, top, right }]) => element("tr", {},
      element("th", { scope: "row" }, `${name} ${right ? "✓" : "✗"}`), cell(String(votes), name === chosen[0]),
      cell(sum.toFixed(2), name === chosen[1]), cell(top.toFixed(2), name === chosen[2])));
    return element("table", { class: "ttc-answers" },
      element("caption", {}, `What each rule chooses${isTie ? ". Of equal votes, the shorter answer wins, then the one that sorts first." : ""}` +
        (hidden ? `${isTie ? "" : "."} Not shown: ${hidden} more with a score of 0.00.` : "")),
      element("thead", {}, element("tr", {}, ...["Answer", "Votes", "Weighted", "Best score"].map((text) => element("th", { scope: "col" }, text)))),
      element("tbody", {}, ...rows));
  }

  // ---- into the notebook

  const code = element("pre", { tabindex: 0, role: "region", "aria-label": "Python code" });
  const copy = button("Copy", () => {
    navigator.clipboard?.writeText(code.textContent ?? "").then(() => { copy.textContent = "Copied"; }, () => getSelection()?.selectAllChildren(code));
  }, "ttc-second");
  const notebook = element("details", { class: "ttc-notebook" }, element("summary", {}, "Take it into the notebook"),
    element("p", {}, "The same searches in Python, token for token:"), code, copy);

  function cellNow() {
    const { problem, N: n, M: m, temperature: t, seed, threshold: doubt } = settingsNow();
    /** @type {Record<string, string | number>} */
    const values = { problem, N: n, M: m, T: n / m - 1, temperature: t, seed, threshold: doubt, verifier: verifiers[VERIFIERS[selected.verifier][0]] };
    return cell.replace(/<(\w+)>/g, (_, name) => String(values[name]));
  }

  // ---- what the view asks for

  function update() {
    search();
    const place = problems.findIndex(({ id }) => id === selected.problem);
    ours.value = place < 0 ? problems.length : place;
    own.value = place < 0 ? selected.problem : own.value;
    N.step = selected.N;
    M.chosen = selected.M;
    temperature.step = selected.temperature;
    verifier.chosen = selected.verifier;
    names.splice(0, names.length, ...Array.from({ length: lastRound() }, (_, i) => String(i + 1)), "end");
    range.max = String(lastRound());
    clock.step = now();
    code.textContent = cellNow();
    view.form.setAttribute("aria-busy", String(waiting.size > 0));
    panels.forEach((panel) => panel.show());
  }

  function words() {
    if (!models) return "The models could not be loaded.";
    if (trouble) return `The search stopped: ${trouble}`;
    const { question, answer } = parseProblem(selected.problem);
    if (waiting.size) return `${question} The model is writing.`;
    const step = now() < lastRound() ? `Step ${now() + 1} of ${lastRound()}.` : "The end.";
    const said = STRATEGIES.map(([key, name]) => {
      const { rounds, leaves, picks } = /** @type {Story} */ (stories.get(key));
      const { answer: chosen, right } = leaves[picks.best];
      const [searching, chooses] = key === "samples" ? ["are being written", "choose"] : ["is searching", "chooses"];
      return now() < rounds.length - 1 ? `${name} ${searching}` : `${name} ${chooses} ${chosen ?? "no answer"}, ${right ? "right" : "wrong"}`;
    });
    return `${question} The answer is ${answer}. ${step} By the best score of ${VERIFIERS[selected.verifier][2]}: ${said.join("; ")}.`;
  }

  const intro = element("p", {}, "The small model writes these solutions now, in your browser, and the PRM scores their steps. " +
    "Find a wrong answer with the best score.");
  const legend = element("p", { class: "ttc-key" }, "In a picture, a row is a solution and a column a step; the thicker a " +
    "line, the higher the verifier's score. Solid green: right so far. Dashed red: wrong. Faded: dropped. Bold: chosen by the best score. " +
    "×3: three solutions end there.");
  const stop = view.mount({
    title: "Watch it search",
    body: [
      element("style", {}, css), intro, ours.node,
      element("label", { class: "ttc-own" }, element("span", { class: "ttc-label" }, "or your own, like 15+74+46*6: "), own), refused,
      element("div", { class: "ttc-settings" }, N.node, M.node, verifier.node, temperature.node),
      player, view.sentence.node, element("div", { class: "ttc-panels" }, ...panels.map(({ node }) => node)), legend,
      again, view.table.node, notebook,
    ],
    about: "Shown: live searches. For the same settings, the Python package writes the same tokens and counts the same FLOPs.",
    update, words,
    numbers: () => [tables[0]],
    picture: { draw: () => {}, stop: () => panels.forEach(({ picture }) => picture.stop()) },
  });
  return () => {
    stop();
    models?.stop();
  };
}

/**
 * A problem of the state, undefined where it is none.
 *
 * @param {string} text
 */
function known(text) {
  try { return parseProblem(text).id; } catch { return undefined; }
}

/**
 * A problem in a line: 80, +5, −16, ×3.
 *
 * @param {string} id
 */
function shortly(id) { return [Number(id.slice(0, 3)), ...parseProblem(id).right.map(operationOf)].join(", "); }

/** @param {{ writing: number, verifier: number }} spent */
function total({ writing, verifier }) { return writing + verifier; }

/** @param {string} step */
function lastTotal(step) { return Number(step.slice(-3)); }

/** @param {number} count */
function flops(count) {
  return count >= 1e6 ? `${(count / 1e6).toPrecision(3)} M FLOPs` : count ? `${(count / 1e3).toPrecision(3)} k FLOPs` : "0";
}
