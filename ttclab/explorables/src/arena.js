// The arena: a game. Problems arrive one by one, the player spends one budget on all of them; the policies have played them too.
import { axisBottom, axisLeft } from "d3-axis";
import { scaleLinear } from "d3-scale";
import { select as pick } from "d3-selection";
import { line } from "d3-shape";
import { dataTable, element, frame, liveSentence, mark, slider, spread } from "./common.js";
import css from "./arena.css";

const PLACES = ["first", "second", "third", "fourth", "last"];

function render({ model, el }) {
  const { budget, draws, options, policies, problems, rounds, source } = model.get("data");
  const counts = [...new Set(options.map(([N]) => N))];
  const lengths = [...new Set(options.map(([, T]) => T))];
  const size = rounds[0].problems.length;
  const players = [{ key: "you", name: "You" }, ...policies];
  let round = 0;
  let moves = []; // the options spent so far, one a problem
  let draft = [0, 0]; // places of N and T in the sliders, at first what uniform sampling spends

  const samples = slider("New samples", counts.map(String), { input: (step) => adjust([step, draft[1]]) });
  const revisions = slider("Revisions of each", lengths.map((T) => (T ? String(T) : "none")), { input: (step) => adjust([draft[0], step]) });
  const menu = element("select", { "aria-label": "Round" }, ...rounds.map((_, index) => element("option", { value: index }, `Round ${index + 1}`)));
  menu.addEventListener("change", () => { begin(Number(menu.value)); save(); });
  const button = (words, act) => {
    const node = element("button", { type: "button" }, words);
    node.addEventListener("click", act);
    return node;
  };
  const spend = button("Spend", () => { play(optionOf(draft)); save(); if (isOver()) next.focus(); });
  const next = button("Next round", () => { begin((round + 1) % rounds.length); save(); samples.focus(); });
  const again = button("Start again", () => { begin(round); save(); });
  again.className = "ttc-second";
  const [where, question, first, cost] = ["ttc-where", "ttc-asked", "ttc-first", "ttc-cost"].map((name) => element("p", { class: name }));
  const purse = element("div", { class: "ttc-purse", "aria-hidden": "true" });
  const card = element("div", { class: "ttc-card" }, where, purse, question, first, samples.node, revisions.node, cost);
  const sentence = liveSentence();
  const board = element("div", { class: "ttc-scroll", tabindex: 0, role: "region", "aria-label": "The board" });
  const chart = raceChart();
  const table = dataTable();
  const form = frame("The arena",
    element("p", {}, `${size} problems arrive, one by one, half of them of the hardest fifth. You have ${budget} generations for all of them. The revision model has ` +
      "tried each problem once: you see its answer, and what a judge thinks of it. Keep that answer for nothing, or buy new samples and revisions, and the judge " +
      "will choose among those. Four policies have played the same problems with as much."),
    element("label", { class: "ttc-select" }, element("span", { class: "ttc-label" }, "Round"), menu),
    card, element("div", { class: "ttc-buttons" }, spend, next, again), sentence.node, board, chart.node, table.node,
    element("p", { class: "ttc-source" },
      `Shown: after each move what came of one recorded draw. Counted is the share of ${draws} such draws that is right, so that luck decides nothing, and every FLOP, ` +
        "the look at first attempts included. A draw you could check by hand: then you are an oracle, which no policy is. Hard problems are more common here than in the test set. In the book the page's address holds your moves: send it to somebody. ",
      `Data: ${source}.`));
  form.append(element("style", {}, css));
  el.replaceChildren(form);

  function isOver() { return moves.length === size; }

  function optionOf([sample, revision]) {
    const [N, T] = [counts[sample], keeps(sample) ? 0 : lengths[revision]];
    return options.findIndex(([n, t]) => n === N && t === T);
  }

  function keeps(sample) { return counts[sample] === 0; }

  function price(option) { return options[option][0] * (1 + options[option][1]); }

  function left() { return budget - moves.reduce((sum, option) => sum + price(option), 0); }

  /** As much of what is asked for as is recorded and can be paid: first fewer samples, then fewer revisions. */
  function adjust([sample, revision]) {
    const fits = (s, r) => { const option = optionOf([s, r]); return option >= 0 && price(option) <= left(); };
    while (revision && !fits(sample, revision) && !fits(1, revision)) revision -= 1;
    while (!fits(sample, revision)) sample -= 1;
    draft = [sample, revision];
    samples.step = sample;
    revisions.step = revision;
    showCost();
  }

  function begin(number) {
    [round, moves] = [number, []];
    show();
  }

  function play(option) {
    moves.push(option);
    show();
  }

  /** What everybody got for the first problems, in sixteenths and thousands of FLOPs; you pay for every look. */
  function totals(player, until) {
    const { problems: asked, rivals } = rounds[round];
    const own = player ? rivals[player - 1] : {
      moves,
      wins: moves.map((option, i) => problems[asked[i]].wins[option]),
      flops: moves.map((option, i) => problems[asked[i]].look + problems[asked[i]].flops[option]),
    };
    const sums = (values) => values.slice(0, until).reduce((all, value) => [...all, all.at(-1) + value], [0]);
    return { moves: own.moves, wins: own.wins, solved: sums(own.wins), flops: sums(own.flops) };
  }

  function show() {
    const until = moves.length;
    const all = players.map((_, player) => totals(player, until));
    menu.value = round;
    card.hidden = spend.hidden = isOver();
    next.hidden = !isOver();
    if (!isOver()) {
      const problem = problems[rounds[round].problems[until]];
      where.textContent = `Problem ${until + 1} of ${size}. ${generations(left())} left.`;
      purse.style.setProperty("--ttc-share", `${(100 * left()) / budget}%`);
      question.textContent = problem.question;
      first.replaceChildren(`First attempt: ${problem.first}. The judge's score: ${problem.score} `, element("span", { class: "ttc-bar", style: `--ttc-share: ${100 * Number(problem.score)}%` }));
      adjust([counts.indexOf(budget / size), 0]);
    }
    showBoard(all, until);
    sentence.say(inWords(all, until));
    table.show(standings(all, until));
    chart.draw(all, until, inWords(all, until));
  }

  function showCost() {
    const [N, T] = options[optionOf(draft)];
    const problem = problems[rounds[round].problems[moves.length]];
    const rest = size - moves.length - 1;
    const what = N ? `${N} × ${1 + T} = ${generations(N * (1 + T))}` : `Keep ${problem.first}, spend nothing`;
    cost.textContent = `${what}; leaves ${left() - N * (1 + T)} for ${rest === 1 ? "1 more problem" : `${rest} more problems`}.`;
  }

  /** A row a player, a column a problem: what was spent on it, the darker the more often right. */
  function showBoard(all, until) {
    const head = Array.from({ length: size }, (_, i) => element("th", { scope: "col", "aria-current": i === until }, String(i + 1)));
    const rows = all.map(({ moves: spent, wins, solved }, player) => {
      const cells = Array.from({ length: size }, (_, i) => (i < until
        ? element("td", { class: "ttc-tile", style: `--ttc-share: ${(100 * wins[i]) / draws}%`, title: `${wins[i]} of ${draws} right` },
          element("span", { class: "ttc-unseen" }, `${wins[i]} of ${draws} right for `), String(price(spent[i])))
        : element("td", {})));
      return element("tr", { class: `ttc-${players[player].key}` }, element("th", { scope: "row" }, players[player].name), ...cells, element("td", { class: "ttc-sum" }, tenths(solved.at(-1))));
    });
    board.replaceChildren(element("table", { class: "ttc-board" },
      element("caption", {}, "Generations spent on each problem; the fuller the tile, the more of the draws are right"),
      element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "Player"), ...head, element("th", { scope: "col" }, "Solved"))),
      element("tbody", {}, ...rows)));
  }

  function standings(all, until) {
    const rows = all.map(({ moves: spent, solved, flops }, player) => [
      players[player].name, `${tenths(solved.at(-1))} of ${until}`,
      String(spent.slice(0, until).reduce((sum, option) => sum + price(option), 0)), inFlops(flops.at(-1)), players[player].does ?? "every look paid",
    ]);
    return { caption: `Round ${round + 1}, after ${until} of ${size} problems`, columns: ["Player", "Solved", "Generations", "FLOPs", "What it does"], rows };
  }

  function inWords(all, until) {
    if (!until) return `Round ${round + 1}: problem 1 of ${size} is here. ${generations(budget)} to spend.`;
    const problem = problems[rounds[round].problems[until - 1]];
    const option = moves.at(-1);
    const [N, T] = options[option];
    const came = problem.came[option];
    const right = came === problem.answer;
    const how = N ? `From ${N} × ${1 + T} the judge chose ${came}` : `You kept ${came}`;
    const truth = right ? "right" : `wrong, the answer is ${problem.answer}`;
    const often = N ? ` In ${problem.wins[option]} of ${draws} draws it would be right.` : "";
    const said = `Problem ${until}: ${how}: ${truth}.${often}`;
    const [you, ...rivals] = all.map(({ solved, flops }, player) => ({ solved: solved.at(-1), flops: flops.at(-1), name: players[player].name }));
    if (!isOver()) return `${said} So far you solve ${tenths(you.solved)} of ${until}, uniform sampling ${tenths(rivals[0].solved)}.`;
    const ahead = rivals.filter(({ solved }) => solved > you.solved);
    const both = rivals.filter(({ solved, flops }) => solved < you.solved && flops > you.flops).map(({ name }) => name);
    const beaten = both.length ? ` You solve more for fewer FLOPs than ${listed(both)}.` : "";
    return `${said} Round ${round + 1} is over: you solve ${tenths(you.solved)} of ${size} for ${inFlops(you.flops)} and come ${PLACES[ahead.length]} of ${players.length}` +
      `${ahead.length ? `, after ${listed(ahead.map(({ name }) => name))}` : ""}.${beaten}`;
  }

  function raceChart() {
    const node = element("div", { class: "ttc-chart ttc-race" });
    const svg = pick(node).append("svg").attr("role", "img");
    const [yAxis, xAxis, layer] = ["ttc-axis", "ttc-axis", "ttc-layer"].map((name) => svg.append("g").attr("class", name));
    const [yText, xText] = [0, 1].map(() => svg.append("text").attr("class", "ttc-title-text"));
    let [width, last] = [0, null];
    const draw = () => {
      if (!width || !last) return;
      const [all, until, words] = last;
      const height = Math.round(Math.min(300, Math.max(220, width * 0.45)));
      const edge = { top: 26, right: 74, bottom: 42, left: 28 };
      const ends = rounds[round].rivals.map(({ flops }) => flops.reduce((sum, value) => sum + value, 0));
      const x = scaleLinear([0, Math.max(...ends, all[0].flops.at(-1)) / 1e6], [edge.left, width - edge.right]);
      const y = scaleLinear([0, size], [height - edge.bottom, edge.top]);
      svg.attr("width", width).attr("height", height).attr("aria-label", `Chart. ${words}`);
      yAxis.attr("transform", `translate(${edge.left},0)`).call(axisLeft(y).ticks(4).tickSize(edge.left + edge.right - width).tickPadding(7));
      xAxis.attr("transform", `translate(0,${height - edge.bottom})`).call(axisBottom(x).ticks(Math.min(6, width / 80)).tickSize(4));
      yText.attr("x", 2).attr("y", 13).text("solved so far");
      xText.attr("x", (edge.left + width - edge.right) / 2).attr("y", height - 6).attr("text-anchor", "middle").text("GFLOPs spent so far");
      const order = all.map((_, player) => player).toSorted((a, b) => all[b].solved.at(-1) - all[a].solved.at(-1));
      const heights = spread(order.map((player) => y(all[player].solved.at(-1) / draws)), 15, edge.top, height - edge.bottom);
      for (const player of [1, 2, 3, 4, 0].filter((index) => index < all.length)) {
        const { solved, flops } = all[player];
        const points = solved.map((wins, i) => [x(flops[i] / 1e6), y(wins / draws)]);
        const name = `ttc-${players[player].key}`;
        mark(layer, "path", `ttc-line ${name}`).attr("d", line()(points));
        mark(layer, "circle", `ttc-dot ttc-moves ${name}`).attr("r", player ? 4 : 6).style("transform", `translate(${points.at(-1)[0]}px,${points.at(-1)[1]}px)`);
        mark(layer, "text", `ttc-name ${name}`).attr("x", width - edge.right + 8).attr("dy", "0.32em").attr("y", heights[order.indexOf(player)]).text(until ? players[player].name : "");
      }
    };
    const observer = new ResizeObserver(([entry]) => { width = Math.floor(entry.contentRect.width); draw(); });
    observer.observe(node);
    return { node, draw: (...what) => { last = what; draw(); }, stop: () => observer.disconnect() };
  }

  function tenths(wins) { return (wins / draws).toFixed(1); }

  function inFlops(thousands) { return thousands >= 1e6 ? `${(thousands / 1e6).toFixed(2)} GFLOPs` : `${Math.round(thousands / 1e3)} MFLOPs`; }

  function generations(n) { return n === 1 ? "1 generation" : `${n} generations`; }

  function listed(names) { return names.length > 1 ? `${names.slice(0, -1).join(", ")} and ${names.at(-1)}` : names[0]; }

  // The game lives in the model: in a notebook that is the widget's `state`, in a page the address. Moves are N x T.
  function load() {
    const state = model.get("state");
    const number = Number(state.round) - 1;
    if (!rounds[number]) return false;
    [round, moves] = [number, []];
    for (const move of String(state.moves ?? "").split(".").slice(0, size)) {
      const option = options.findIndex(([N, T]) => `${N}x${T}` === move);
      if (option < 0 || price(option) > left()) break;
      moves.push(option);
    }
    show();
    return true;
  }

  function save() {
    model.set("state", { round: round + 1, moves: moves.map((option) => options[option].join("x")).join(".") });
    model.save_changes();
  }

  model.on("change:state", load);
  if (!load()) begin(0);
  return () => { model.off("change:state", load); chart.stop(); };
}

export default { render };
