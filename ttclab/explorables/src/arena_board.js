// The board of the arena, everybody's moves and totals, and the race: everybody's score after each problem.
import { axisBottom, axisLeft } from "d3-axis";
import { scaleLinear } from "d3-scale";
import { last } from "./arena_rules.js";
import { canvas, drawDot, mark, spread } from "./chart.js";
import { capital, element } from "./controls.js";
import { straight } from "./curves.js";

/** @typedef {import("./arena_rules.js").Standing & { key: string, name: string, does: string }} Player a standing, and whose it is */

/**
 * A row a player, a column a problem: what was spent on it, the fuller the more often right. Before the first move the row says
 * what the player does.
 *
 * @param {Player[]} players
 * @param {number} size problems of the round
 * @param {number} until problems played
 * @param {{ draws: number, price: (option: number) => number }} rules
 */
export function board(players, size, until, { draws, price }) {
  const places = [...Array(size).keys()];
  const heads = until ? places.map((i) => element("th", { scope: "col", "aria-current": i === until }, String(i + 1)))
    : [element("th", { scope: "col", colspan: size }, "What the player does")];
  const totals = [["ttc-flops", "M FLOPs per problem"], ["ttc-solved", "Solved"], ["ttc-same", "Uniform, same FLOPs"], ["", "Score"]];
  const rows = players.map(({ key, name, does, moves, wins, solved, flops, score }) => {
    const tiles = places.map((i) => (i < until ? tile(moves[i], wins[i]) : element("td")));
    return element("tr", { class: `ttc-${key}` }, element("th", { scope: "row" }, capital(name)),
      ...(until ? tiles : [element("td", { class: "ttc-role", colspan: size }, capital(does))]),
      element("td", { class: "ttc-sum ttc-flops" }, until ? String(Math.round(last(flops) / until / 1e3)) : "0"),
      element("td", { class: "ttc-sum ttc-solved" }, hundredths(last(solved) / draws)),
      element("td", { class: "ttc-sum ttc-same" }, sameFlops(last(solved) / draws, last(score))),
      element("td", { class: "ttc-sum" }, signed(last(score))));
  });
  return element("table", { class: "ttc-board" },
    element("caption", {}, `${until ? `A tile: generations spent on the problem, filled up to the share of ${draws} draws that are right. ` : ""}` +
      "Score: problems solved, minus what uniform sampling solves for the same FLOPs."),
    element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "Player"), ...heads,
      ...totals.map(([name, text]) => element("th", { scope: "col", class: `ttc-sum ${name}`.trim() }, text)))),
    element("tbody", {}, ...rows));

  /**
   * @param {number} option
   * @param {number} won draws that are right
   */
  function tile(option, won) {
    const right = `${won} of ${draws} right`;
    return element("td", { class: "ttc-tile", style: `--ttc-share: ${(100 * won) / draws}%`, title: right },
      element("span", { class: "ttc-unseen" }, `${right} for `), String(price(option)));
  }
}

/**
 * The race: the score of each player after each problem, over the problems played so far.
 *
 * @param {() => { players: Player[], words: string }} now
 */
export function race(now) {
  const { svg, yAxis, xAxis, layer, yText, xText, describe, ...chart } = canvas((width) => {
    const { players, words } = now();
    const until = players[0].score.length - 1;
    const height = Math.round(Math.min(280, Math.max(210, width * 0.4)));
    const edge = { top: 28, right: 112, bottom: 42, left: 36 };
    const scores = players.flatMap(({ score }) => score);
    const x = scaleLinear([0, Math.max(until, 1)], [edge.left, width - edge.right]);
    const y = scaleLinear([Math.min(-0.2, ...scores) - 0.05, Math.max(0.2, ...scores) + 0.05], [height - edge.bottom, edge.top]);
    svg.attr("width", width).attr("height", height);
    yAxis.attr("transform", `translate(${edge.left},0)`)
      .call(axisLeft(y).ticks(4).tickFormat((tick) => (tick ? signed(Number(tick), 1) : "0")).tickSize(edge.left + edge.right - width).tickPadding(7));
    xAxis.attr("transform", `translate(0,${height - edge.bottom})`).call(axisBottom(x).ticks(Math.min(Math.max(until, 1), (width - edge.left - edge.right) / 26)).tickSize(4));
    yText.attr("x", 2).attr("y", 13).text("score: solved beyond uniform sampling");
    xText.attr("x", (edge.left + width - edge.right) / 2).attr("y", height - 6).attr("text-anchor", "middle").text("problems played");
    mark(layer, "path", "ttc-line ttc-par").attr("d", straight([[edge.left, y(0)], [width - edge.right, y(0)]]));
    const order = [...players.keys()].toSorted((a, b) => last(players[b].score) - last(players[a].score));
    const heights = spread(order.map((player) => y(last(players[player].score))), 15, edge.top, height - edge.bottom);
    for (const player of [...players.keys()].toReversed()) { // the player's own line lies above the others
      const { score, name, key } = players[player];
      mark(layer, "path", `ttc-line ttc-${key}`).attr("d", straight(score.map((each, i) => [x(i), y(each)])));
      drawDot({ layer, x, y }, `ttc-${key}`, until, last(score), player ? 4 : 6);
      mark(layer, "text", `ttc-name ttc-${key}`).attr("x", width - edge.right + 8).attr("dy", "0.32em")
        .attr("y", until ? heights[order.indexOf(player)] : y(0)).text(until || key === "uniform" ? name : "");
    }
    describe(`Chart. ${words}`);
  }, "ttc-race");
  return chart;
}

/**
 * @param {number} score
 * @param {number} [digits]
 */
export function signed(score, digits = 2) { return `${score > 0 ? "+" : score < 0 ? "−" : ""}${Math.abs(score).toFixed(digits)}`; }

/** @param {number} problems */
export function hundredths(problems) { return problems.toFixed(2); }

/**
 * What uniform sampling solves for a player's FLOPs, rounded so that what is shown adds up.
 *
 * @param {number} solved
 * @param {number} score
 */
export function sameFlops(solved, score) { return hundredths(Math.abs(Number(hundredths(solved)) - score)); }
