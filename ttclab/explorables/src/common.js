// What every explorable shares: the frame, native controls, the chart over budgets, the live sentence, the table.
// Strings reach the page as text nodes only; numbers come from the data's tables and are never computed here.
import { axisBottom, axisLeft } from "d3-axis";
import { scaleLinear, scaleLog } from "d3-scale";
import { select } from "d3-selection";
import { area, curveMonotoneX, line } from "d3-shape";
import css from "./common.css";

export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/** A form, so that two views on one page keep their radio buttons apart. */
export function frame(title, ...children) {
  const form = element("form", { class: "ttc", "aria-label": title, autocomplete: "off" });
  form.append(element("style", {}, css), element("p", { class: "ttc-title" }, title), ...children);
  form.addEventListener("submit", (event) => event.preventDefault());
  // Or JupyterLab's shortcuts take the arrow keys; it looks for this on the focused node itself.
  form.querySelectorAll("input, select, button, summary, [tabindex]").forEach((node) => node.setAttribute("data-lm-suppress-shortcuts", "true"));
  return form;
}

/** A range input over `words`, one word for each step; it reports the step. */
export function slider(label, words, { input, change = () => {} }) {
  const output = element("span"); // the range says its own value: an output element would say it twice
  const range = element("input", { type: "range", min: 0, max: words.length - 1, step: 1, "aria-label": label });
  const control = {
    node: element("label", { class: "ttc-slider" }, element("span", { class: "ttc-label" }, `${label}: `, output), range),
    focus: () => range.focus(),
    set disabled(disabled) { range.disabled = disabled; },
    get step() { return range.valueAsNumber; },
    set step(step) {
      range.value = step;
      output.textContent = words[step];
      range.setAttribute("aria-valuetext", words[step]);
    },
  };
  range.addEventListener("input", () => { control.step = control.step; input(control.step); });
  range.addEventListener("change", () => change(control.step));
  return control;
}

const ENDS = { 1: "1 easiest", 5: "5 hardest" };

/** The groups of problems that the data have, all of them and fifths; reports the index of the group. */
export function difficulties(groups, choose) {
  return choices("Problems, by fifth of difficulty", groups.map(({ key }) => ENDS[key] ?? key), choose);
}

function options(type, legend, words, choose) {
  const inputs = words.map(() => element("input", { type, name: legend }));
  inputs.forEach((input, index) => input.addEventListener("change", () => choose(index)));
  const spans = words.map((word) => element("span", {}, word));
  const labels = words.map((_, index) => element("label", { class: "ttc-option" }, inputs[index], spans[index]));
  const node = element("fieldset", {}, element("legend", {}, legend), element("div", { class: "ttc-options" }, ...labels));
  return { inputs, spans, node };
}

/** Checkboxes in a fieldset; reports the index of the option that was switched. */
export function toggles(legend, words, choose) {
  const { inputs, node } = options("checkbox", legend, words, choose);
  return { node, set on(on) { inputs.forEach((input, index) => { input.checked = on.includes(index); }); } };
}

/** Radio buttons in a fieldset; reports the index of the option chosen. */
export function choices(legend, words, choose) {
  const { inputs: radios, spans, node } = options("radio", legend, words, choose);
  return {
    node,
    focus: () => radios.find(({ checked }) => checked)?.focus(),
    set chosen(index) { radios[index].checked = true; },
    set disabled(disabled) { node.disabled = disabled; },
    /** Other words on the same buttons, `spoken` for those who hear them. */
    rename(words, spoken) {
      spans.forEach((span, index) => { span.textContent = words[index]; });
      radios.forEach((radio, index) => radio.setAttribute("aria-label", spoken[index]));
    },
  };
}

/** The reader commits to a percentage before anything is shown. */
export function prediction(question, start, commit) {
  const percents = Array.from({ length: 101 }, (_, percent) => `${percent}%`);
  const guess = slider("Your guess", percents, { input: () => {} });
  guess.step = start;
  const button = element("button", { type: "button" }, "Commit, then see");
  button.addEventListener("click", () => commit(guess.step));
  return element("div", { class: "ttc-prediction" }, element("p", {}, question), guess.node, button);
}

/** The result in words, read out when it changes; it must be in the page before its first words. */
export function liveSentence() {
  const node = element("p", { class: "ttc-live", "aria-live": "polite", "aria-atomic": "true" });
  return { node, say(words) { node.textContent = words; } };
}

/** One of the data's tables in a details element, with the row in use marked. */
export function dataTable() {
  const region = element("div", { class: "ttc-scroll", tabindex: 0, role: "region", "aria-label": "The numbers" });
  const cells = (tag, row, scope) => row.map((text) => element(tag, scope ? { scope } : {}, text));
  return {
    node: element("details", {}, element("summary", {}, "The numbers"), region),
    show({ caption, columns, rows }, current) {
      const body = rows.map(([first, ...rest], index) =>
        element("tr", { "aria-current": index === current }, ...cells("th", [first], "row"), ...cells("td", rest)));
      region.replaceChildren(element("table", {}, element("caption", {}, caption),
        element("thead", {}, element("tr", {}, ...cells("th", columns, "col"))), element("tbody", {}, ...body)));
    },
  };
}

/**
 * A chart of fractions over budgets on a log axis, as wide as its place. `paint(plot)` draws into it at every change of size.
 * The axis is of numbers of samples unless `axis` says otherwise; `at` gives the place of a budget on it.
 */
export function budgetChart(budgets, yTitle, { choose, paint, axis = {} }) {
  const { domain, ticks, format, title, at } = {
    domain: [budgets[0], Math.max(budgets.at(-1), 2)], ticks: budgets, format: String, title: "samples of each problem", at: (i) => budgets[i], ...axis,
  };
  const node = element("div", { class: "ttc-chart" });
  const svg = select(node).append("svg").attr("role", "img");
  const [yAxis, xAxis, layer] = ["ttc-axis", "ttc-axis", "ttc-layer"].map((name) => svg.append("g").attr("class", name));
  const [yText, xText] = [0, 1].map(() => svg.append("text").attr("class", "ttc-title-text"));
  const x = scaleLog(domain, [0, 0]).base(2);
  const y = scaleLinear([0, 1], [0, 0]);
  const nearest = (pixel) => budgets.reduce((best, _, i) => (Math.abs(x(at(i)) - pixel) < Math.abs(x(at(best)) - pixel) ? i : best), 0);
  const pick = (event) => choose(nearest(event.clientX - svg.node().getBoundingClientRect().left));
  svg.on("click", pick).on("pointermove", (event) => event.buttons && pick(event));
  let width = 0;
  const draw = () => {
    if (!width) return;
    const height = Math.round(Math.min(340, Math.max(250, width * 0.55)));
    const edge = { top: 42, right: 82, bottom: 44, left: 38 };
    svg.attr("width", width).attr("height", height);
    x.range([edge.left, width - edge.right]);
    y.range([height - edge.bottom, edge.top]);
    yAxis.attr("transform", `translate(${edge.left},0)`)
      .call(axisLeft(y).ticks(5, "%").tickSize(edge.left + edge.right - width).tickPadding(7));
    xAxis.attr("transform", `translate(0,${height - edge.bottom})`).call(axisBottom(x).tickValues(ticks).tickFormat(format).tickSize(4));
    yText.attr("x", 2).attr("y", 13).text(yTitle);
    xText.attr("x", (edge.left + width - edge.right) / 2).attr("y", height - 6).attr("text-anchor", "middle").text(title);
    paint({ layer, x, y, right: width - edge.right, describe: (words) => svg.attr("aria-label", words) });
  };
  const observer = new ResizeObserver(([entry]) => { width = Math.floor(entry.contentRect.width); draw(); });
  observer.observe(node);
  return { node, draw, stop: () => observer.disconnect() };
}

/** The one `tag.name` in the layer, made when first asked for: what stays in the page can move. */
export function mark(layer, tag, name) {
  return layer.selectAll(`${tag}.${name.replaceAll(" ", ".")}`).data([0]).join(tag).attr("class", name);
}

export function drawBand({ layer, x, y }, budgets, low, high, name = "") {
  const shape = area((_, i) => x(budgets[i]), (_, i) => y(low[i]), (_, i) => y(high[i])).curve(curveMonotoneX);
  mark(layer, "path", `ttc-band ${name}`.trim()).attr("d", shape(budgets));
}

export function drawLine({ layer, x, y }, name, budgets, values) {
  const shape = line((_, i) => x(budgets[i]), (_, i) => y(values[i])).curve(curveMonotoneX);
  mark(layer, "path", `ttc-line ${name}`).attr("d", shape(budgets));
}

/** The names of lines beside their last values, `lines` of [name, label, value] from top to bottom; none where a label is empty. */
export function nameLines({ layer, y, right }, lines) {
  const [bottom, top] = y.range();
  const named = lines.filter(([, label]) => label);
  const heights = spread(named.map(([, , value]) => y(value)), 15, top, bottom);
  for (const [name, label] of lines) {
    mark(layer, "text", `ttc-name ${name}`).attr("x", right + 8).attr("dy", "0.32em").attr("y", heights[named.findIndex((line) => line[0] === name)] ?? 0).text(label);
  }
}

/** A rule through the chart at the budget in use. */
export function drawRule({ layer, x, y }, budget) {
  const [bottom, top] = y.range();
  mark(layer, "line", "ttc-rule ttc-moves").attr("y1", top).attr("y2", bottom).style("transform", `translateX(${x(budget)}px)`);
}

export function drawDot({ layer, x, y }, name, budget, value, radius) {
  mark(layer, "circle", `ttc-dot ttc-moves ${name}`).attr("r", radius).style("transform", `translate(${x(budget)}px,${y(value)}px)`);
}

/** Words beside the rule at a height in pixels, on its right where `start`, else on its left. */
export function drawValue({ layer, x }, name, budget, height, text, start) {
  mark(layer, "text", `ttc-value ttc-moves ${name}`).style("transform", `translate(${x(budget) + (start ? 8 : -8)}px,${height}px)`)
    .attr("text-anchor", start ? "start" : "end").attr("dy", "0.32em").text(text);
}

/** The reader's guess, a percentage or null, with its label moved below the label at `other` where they would touch. */
export function drawGuess(plot, budget, guess, other, start = true) {
  const height = guess === null ? 0 : plot.y(guess / 100);
  mark(plot.layer, "path", "ttc-guess").attr("d", guess === null ? "" : `M${plot.x(budget)},${height - 6}l6,6l-6,6l-6,-6Z`);
  drawValue(plot, "ttc-guessed", budget, Math.abs(height - other) < 16 ? other + 16 : height, guess === null ? "" : "your guess", start);
}

/** The heights given, from top to bottom, moved apart to at least `gap` and kept between `top` and `bottom`. */
export function spread(heights, gap, top, bottom) {
  const placed = [];
  for (const height of heights) placed.push(Math.max(height, placed.length ? placed.at(-1) + gap : top));
  for (let i = placed.length - 1, limit = bottom; i >= 0; limit = placed[i] - gap, i--) placed[i] = Math.min(placed[i], limit);
  return placed;
}
