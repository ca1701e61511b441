// Charts: an SVG canvas that fills its container, and the marks that the simulators draw. They show numbers and compute none.
import { axisBottom, axisLeft } from "d3-axis";
import { scaleLinear, scaleLog } from "d3-scale";
import { select } from "d3-selection";
import { element } from "./controls.js";
import { between, smooth } from "./curves.js";

/**
 * @typedef {import("d3-selection").Selection<SVGGElement, unknown, null, undefined>} Layer
 * @typedef {(value: number) => number} Place position of a value in pixels
 * @typedef {{ (value: number): number, domain(): number[], range(): number[] }} Scale
 *
 * @typedef {object} Plot The plot passed to `paint`.
 * @property {Layer} layer
 * @property {Scale} x
 * @property {Scale} y
 * @property {number} right end of the x axis; the labels of lines follow it
 * @property {(words: string) => void} describe sets the description for screen readers
 *
 * @typedef {[name: string, label: string, value: number]} Name Class of a line, its label, and the value beside which the label is drawn.
 */

/**
 * An empty chart with two titled axes, as wide as its container. `draw` paints it, again after every change of size.
 *
 * @param {(width: number) => void} draw
 * @param {string} [name] CSS class
 */
export function canvas(draw, name = "") {
  const node = element("div", { class: `ttc-chart ${name}`.trim() });
  const svg = select(node).append("svg").attr("role", "img");
  const [yAxis, xAxis, layer] = ["ttc-axis", "ttc-axis", "ttc-layer"].map((each) => svg.append("g").attr("class", each));
  const [yText, xText] = [0, 1].map(() => svg.append("text").attr("class", "ttc-title-text"));
  let width = 0;
  const redraw = () => { if (width) draw(width); };
  const observer = new ResizeObserver(([entry]) => { width = Math.floor(entry.contentRect.width); redraw(); });
  observer.observe(node);
  return {
    node, svg, yAxis, xAxis, layer, yText, xText, draw: redraw,
    /** @param {string} words */
    describe: (words) => { svg.attr("aria-label", words); },
    stop: () => observer.disconnect(),
  };
}

/**
 * @typedef {{ domain: number[], ticks: number[], title: string, at: (budget: number) => number, format?: (tick: number) => string,
 *   linear?: boolean, span?: () => number[], within?: () => number[] }} Axis `span` and `within` are domains of x and y that change with the view
 */

/**
 * A chart of fractions by budget on a log axis, by default one of numbers of samples; `axis.at` maps a budget to the axis.
 *
 * @param {number} count number of budgets
 * @param {string} yTitle
 * @param {object} how
 * @param {(budget: number) => void} how.choose called with the index of the budget at the pointer
 * @param {(plot: Plot) => void} how.paint
 * @param {Axis} how.axis
 */
export function budgetChart(count, yTitle, { choose, paint, axis: { domain, ticks, title, at, format = String, linear, span, within } }) {
  const x = linear ? scaleLinear(domain, [0, 0]) : scaleLog(domain, [0, 0]).base(2);
  const y = scaleLinear([0, 1], [0, 0]);
  const { svg, yAxis, xAxis, layer, yText, xText, describe, ...chart } = canvas((width) => {
    const height = Math.round(Math.min(340, Math.max(250, width * 0.55)));
    const edge = { top: 42, right: 82, bottom: 44, left: 38 };
    svg.attr("width", width).attr("height", height);
    x.range([edge.left, width - edge.right]).domain(span?.() ?? domain);
    y.range([height - edge.bottom, edge.top]).domain(within?.() ?? [0, 1]);
    yAxis.attr("transform", `translate(${edge.left},0)`)
      .call(axisLeft(y).ticks(5, "%").tickSize(edge.left + edge.right - width).tickPadding(7));
    xAxis.attr("transform", `translate(0,${height - edge.bottom})`)
      .call(axisBottom(x).tickValues(ticks.filter((tick) => tick >= x.domain()[0] && tick <= x.domain()[1])).tickFormat((tick) => format(Number(tick))).tickSize(4));
    yText.attr("x", 2).attr("y", 13).text(yTitle);
    xText.attr("x", (edge.left + width - edge.right) / 2).attr("y", height - 6).attr("text-anchor", "middle").text(title);
    paint({ layer, x, y, right: width - edge.right, describe });
  });
  const far = (/** @type {number} */ budget, /** @type {number} */ pixel) => Math.abs(x(at(budget)) - pixel);
  const pick = (/** @type {PointerEvent | MouseEvent} */ event) => {
    const pixel = event.clientX - /** @type {SVGSVGElement} */ (svg.node()).getBoundingClientRect().left;
    choose([...Array(count).keys()].reduce((best, budget) => (far(budget, pixel) < far(best, pixel) ? budget : best), 0));
  };
  svg.on("click", pick).on("pointermove", (event) => { if (event.buttons) pick(event); });
  return chart;
}

/**
 * The chart of a question: the known lines, and a question mark at the budget in question and the guess.
 *
 * @param {number} count number of budgets
 * @param {string} yTitle
 * @param {Axis} axis
 * @param {number} here position of the budget in question on the axis
 * @param {{ name: string, label: string, budgets: number[], values: number[] }[]} known lines, from top to bottom
 * @param {string} words description of the picture
 * @param {string} [place] what the budget in question is, above its line
 * @returns {import("./view.js").Asked}
 */
export function askedChart(count, yTitle, axis, here, known, words, place = "") {
  let guess = 0;
  const { node, draw, stop } = budgetChart(count, yTitle, {
    choose: () => {}, axis: { ...axis, span: undefined, within: undefined },
    paint(plot) {
      drawRule(plot, here);
      for (const { name, budgets, values } of known) drawLine(plot, name, budgets, values);
      nameLines(plot, known.map(({ name, label, values }) => [name, label, values[values.length - 1]]));
      drawDot(plot, "ttc-question", here, guess, 11);
      mark(plot.layer, "text", "ttc-title-text ttc-here").attr("x", plot.x(here)).attr("y", plot.y.range()[1] - 7).attr("text-anchor", "middle").text(place);
      mark(plot.layer, "text", "ttc-question").style("transform", `translate(${plot.x(here)}px,${plot.y(guess)}px)`).attr("text-anchor", "middle").attr("dy", "0.36em").text("?");
      plot.describe(`The question: ${words}`);
    },
  });
  node.classList.add("ttc-asked");
  return { node, move: (percent) => { guess = percent / 100; draw(); }, stop };
}

/**
 * The axis of numbers of samples.
 *
 * @param {number[]} budgets
 * @param {string} [title]
 */
export function samplesAxis(budgets, title = "samples per problem") {
  const domain = [budgets[0], Math.max(budgets[budgets.length - 1], 2)];
  return { domain, ticks: budgets, title, at: (/** @type {number} */ budget) => budgets[budget] };
}

/**
 * Returns the element `tag.name` of the layer, created on first use. Reusing it lets CSS animate changes.
 *
 * @param {Layer} layer
 * @param {"path" | "text" | "line" | "circle"} tag
 * @param {string} name
 */
export function mark(layer, tag, name) {
  return layer.selectAll(`${tag}.${name.replaceAll(" ", ".")}`).data([0]).join(tag).attr("class", name);
}

/**
 * @param {Plot} plot
 * @param {number[]} budgets
 * @param {number[]} low
 * @param {number[]} high
 * @param {string} [name]
 */
export function drawBand({ layer, x, y }, budgets, low, high, name = "") {
  const edge = (/** @type {number[]} */ values) => values.map((value, i) => /** @type {import("./curves.js").Place} */ ([x(budgets[i]), y(value)]));
  mark(layer, "path", `ttc-band ${name}`.trim()).attr("d", between(edge(low), edge(high)));
}

/**
 * @param {Plot} plot
 * @param {string} name
 * @param {number[]} budgets
 * @param {number[]} values
 */
export function drawLine({ layer, x, y }, name, budgets, values) {
  mark(layer, "path", `ttc-line ${name}`).attr("d", smooth(values.map((value, i) => [x(budgets[i]), y(value)])));
}

/**
 * Labels lines beside their last values, from top to bottom; an empty label is not drawn.
 *
 * @param {Plot} plot
 * @param {Name[]} lines
 */
export function nameLines({ layer, y, right }, lines) {
  const [bottom, top] = y.range();
  const named = lines.filter(([, label]) => label);
  const heights = spread(named.map(([, , value]) => y(value)), 15, top, bottom);
  for (const [name, label] of lines) {
    const height = heights[named.findIndex((each) => each[0] === name)] ?? 0;
    mark(layer, "text", `ttc-name ${name}`).attr("x", right + 8).attr("dy", "0.32em").attr("y", height).text(label);
  }
}

/**
 * Labels lines at their own ends, as near as the other labels allow.
 *
 * @param {Plot} plot
 * @param {{ name: string, label: string, x: number, y: number }[]} ends the ends in pixels, the most important first
 * @param {number[][]} taken boxes of other labels: left, right, top and bottom
 * @param {number[][]} points of lines, which labels avoid where they can
 */
export function nameEnds({ layer, x, y, right }, ends, taken, points) {
  const [bottom, top] = y.range();
  for (const end of ends) {
    const text = mark(layer, "text", `ttc-name ${end.name}`).attr("dy", "0.32em").text(end.label);
    if (!end.label) continue;
    const width = /** @type {SVGTextElement} */ (text.node()).getComputedTextLength();
    const left = Math.max(x.range()[0], Math.min(end.x + 9, right + 80 - width));
    const boxAt = (/** @type {number} */ height) => [left - 1, left + width + 1, height - 8, height + 8];
    const heights = Array.from({ length: 60 }, (_, i) => end.y + (i % 2 ? -4 : 4) * Math.ceil(i / 2));
    const isFree = (/** @type {number} */ height) => {
      const box = boxAt(height);
      return height > top - 30 && height < bottom - 4 &&
        taken.every((each) => box[0] >= each[1] || each[0] >= box[1] || box[2] >= each[3] || each[2] >= box[3]);
    };
    const isClear = (/** @type {number} */ height) => {
      const [from, to, high, low] = boxAt(height);
      return isFree(height) && !points.some(([across, down]) => across > from && across < to && down > high && down < low);
    };
    const height = heights.slice(0, 40).find(isClear) ?? heights.find(isFree) ?? end.y;
    taken.push(boxAt(height));
    text.attr("x", left).attr("y", height);
  }
}

/**
 * Draws a vertical rule at the selected budget.
 *
 * @param {Plot} plot
 * @param {number} budget
 */
export function drawRule({ layer, x, y }, budget) {
  const [bottom, top] = y.range();
  mark(layer, "line", "ttc-rule ttc-moves").attr("y1", top).attr("y2", bottom).style("transform", `translateX(${x(budget)}px)`);
}

/**
 * @param {{ layer: Layer, x: Place, y: Place }} plot
 * @param {string} name
 * @param {number} budget
 * @param {number} value
 * @param {number} radius
 */
export function drawDot({ layer, x, y }, name, budget, value, radius) {
  const place = `translate(${x(budget)}px,${y(value)}px)`;
  mark(layer, "circle", `ttc-dot ttc-moves ${name}`).attr("r", radius).style("transform", place);
}

/**
 * Writes text beside the rule at a height in pixels, on the right if `start`, else on the left.
 *
 * @param {Plot} plot
 * @param {string} name
 * @param {number} budget
 * @param {number} height
 * @param {string} text
 * @param {boolean} start
 */
export function drawValue({ layer, x }, name, budget, height, text, start) {
  const place = `translate(${x(budget) + (start ? 8 : -8)}px,${height}px)`;
  mark(layer, "text", `ttc-value ttc-moves ${name}`).style("transform", place)
    .attr("text-anchor", start ? "start" : "end").attr("dy", "0.32em").text(text);
}

/**
 * Draws the reader's guess, a percentage or null. Its label moves up or down if it would lie on the label at the height `other` or on a line.
 *
 * @param {Plot} plot
 * @param {number} budget
 * @param {number | null} guess
 * @param {number} other
 * @param {boolean} [start]
 * @param {number[]} [lines] values of the lines beside the guess
 * @returns the height of the label
 */
export function drawGuess(plot, budget, guess, other, start = true, lines = []) {
  const height = guess === null ? 0 : plot.y(guess / 100);
  const diamond = guess === null ? "" : `M${plot.x(budget)},${height - 6}l6,6l-6,6l-6,-6Z`;
  mark(plot.layer, "path", "ttc-guess").attr("d", diamond);
  const [bottom, top] = plot.y.range();
  const isFree = (/** @type {number} */ place) => place > top - 9 && place < bottom - 6 && Math.abs(place - other) >= 16 &&
    lines.every((value) => Math.abs(plot.y(value) - place) >= 9);
  const near = [0, 12, -12, 18, -18, 26, -26, 36, -36].map((by) => height + by);
  const beside = near.find(isFree) ?? (Math.abs(height - other) < 16 ? other + 16 : height);
  drawValue(plot, "ttc-guessed", budget, beside, guess === null ? "" : "your guess", start);
  return beside;
}

/**
 * The values of a line at a budget and halfway to the next, for labels that begin there.
 *
 * @param {number[]} values
 * @param {number} index
 */
export function besides(values, index) {
  return [values[index], (values[index] + (values[index + 1] ?? values[index])) / 2];
}

/**
 * Moves heights, sorted from top to bottom, at least `gap` apart and between `top` and `bottom`; neighbors that are too close move up
 * and down by the same amount.
 *
 * @param {number[]} heights
 * @param {number} gap
 * @param {number} top
 * @param {number} bottom
 */
export function spread(heights, gap, top, bottom) {
  /** @type {{ count: number, sum: number }[]} runs of names that touch; `sum` is of the firsts that each would like */
  const runs = [];
  const start = (/** @type {{ count: number, sum: number }} */ run) =>
    Math.max(top, Math.min(run.sum / run.count, bottom - (run.count - 1) * gap));
  for (const height of heights) {
    let run = { count: 1, sum: height };
    while (runs.length && start(runs[runs.length - 1]) + runs[runs.length - 1].count * gap > start(run)) {
      const above = /** @type {typeof run} */ (runs.pop());
      run = { count: above.count + run.count, sum: above.sum + run.sum - run.count * above.count * gap };
    }
    runs.push(run);
  }
  return runs.flatMap((run) => Array.from({ length: run.count }, (_, i) => start(run) + i * gap));
}
