// Native controls, the live sentence and the table. Strings reach the page as text nodes only.

/**
 * @typedef {{ caption: string, columns: string[], rows: string[][] }} Table
 * @typedef {{ key: string, name: string, problems: number }} Group A group of problems: all of them, or a fifth by difficulty.
 */

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string | number | boolean>} [attributes]
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  node.append(...children);
  return node;
}

/**
 * @param {string} words
 * @param {() => void} act
 * @param {string} [name] of its class
 */
export function button(words, act, name = "") {
  const node = element("button", name ? { type: "button", class: name } : { type: "button" }, words);
  node.addEventListener("click", act);
  return node;
}

/**
 * A range input over `words`, one word for each step; it reports the step.
 *
 * @param {string} label
 * @param {string[]} words
 * @param {{ input?: (step: number) => void, change?: (step: number) => void }} [report] at every step, and once it is let go
 */
export function slider(label, words, { input, change } = {}) {
  const output = element("span"); // the range says its own value: an output element would say it twice
  const range = element("input", { type: "range", min: 0, max: words.length - 1, step: 1, "aria-label": label });
  const control = {
    node: element("label", { class: "ttc-slider" }, element("span", { class: "ttc-label" }, `${label}: `, output), range),
    focus: () => range.focus(),
    /** @param {boolean} disabled */
    set disabled(disabled) { range.disabled = disabled; },
    get step() { return range.valueAsNumber; },
    set step(step) {
      range.valueAsNumber = step;
      output.textContent = words[step];
      range.setAttribute("aria-valuetext", words[step]);
    },
  };
  range.addEventListener("input", () => { control.step = range.valueAsNumber; input?.(control.step); });
  range.addEventListener("change", () => change?.(control.step));
  return control;
}

/**
 * A menu under its label.
 *
 * @param {string} label
 * @param {string} name for screen readers
 * @param {() => void} change
 */
export function menu(label, name, change) {
  const select = element("select", { "aria-label": name });
  select.addEventListener("change", change);
  return {
    node: element("label", { class: "ttc-select" }, element("span", { class: "ttc-label" }, label), select),
    focus: () => select.focus(),
    get value() { return Number(select.value); },
    set value(value) { select.value = String(value); },
    /** @param {[number, string][]} entries values with their words */
    set entries(entries) { select.replaceChildren(...entries.map(([value, words]) => element("option", { value }, words))); },
  };
}

/**
 * @param {"radio" | "checkbox"} type
 * @param {string} legend
 * @param {string[]} words
 * @param {(index: number) => void} choose
 */
function options(type, legend, words, choose) {
  const inputs = words.map(() => element("input", { type, name: legend }));
  inputs.forEach((input, index) => input.addEventListener("change", () => choose(index)));
  const spans = words.map((word) => element("span", {}, word));
  const labels = words.map((_, index) => element("label", { class: "ttc-option" }, inputs[index], spans[index]));
  const node = element("fieldset", {}, element("legend", {}, legend), element("div", { class: "ttc-options" }, ...labels));
  return { inputs, spans, node };
}

/**
 * Checkboxes in a fieldset; reports the index of the option that was switched.
 *
 * @param {string} legend
 * @param {string[]} words
 * @param {(index: number) => void} choose
 */
export function toggles(legend, words, choose) {
  const { inputs, node } = options("checkbox", legend, words, choose);
  return {
    node,
    /** @param {number[]} on */
    set on(on) { inputs.forEach((input, index) => { input.checked = on.includes(index); }); },
  };
}

/**
 * Radio buttons in a fieldset; reports the index of the option chosen.
 *
 * @param {string} legend
 * @param {string[]} words
 * @param {(index: number) => void} choose
 */
export function choices(legend, words, choose) {
  const { inputs: radios, spans, node } = options("radio", legend, words, choose);
  return {
    node,
    focus: () => radios.find(({ checked }) => checked)?.focus(),
    /** @param {number} index */
    set chosen(index) { radios[index].checked = true; },
    /** @param {boolean} disabled */
    set disabled(disabled) { node.disabled = disabled; },
    /**
     * Other words on the same buttons, `spoken` for those who hear them.
     *
     * @param {string[]} words
     * @param {string[]} spoken
     */
    rename(words, spoken) {
      spans.forEach((span, index) => { span.textContent = words[index]; });
      radios.forEach((radio, index) => radio.setAttribute("aria-label", spoken[index]));
    },
  };
}

/** @type {Record<string, string>} */
const ENDS = { 1: "1 easiest", 5: "5 hardest" };

/**
 * The groups of problems that the data have, all of them and fifths; reports the index of the group.
 *
 * @param {Group[]} groups
 * @param {(index: number) => void} choose
 */
export function difficulties(groups, choose) {
  return choices("Problems, by fifth of difficulty", groups.map(({ key }) => ENDS[key] ?? key), choose);
}

/**
 * The problems of a group as a sentence names them; the first group is all of them.
 *
 * @param {Group[]} groups
 * @param {number} index
 */
export function problemsOf(groups, index) {
  return index ? `the problems in the ${groups[index].name}` : "the problems";
}

/**
 * The beginning of a table's caption.
 *
 * @param {Group} group
 */
export function captionOf({ name, problems }) {
  return `${name[0].toUpperCase()}${name.slice(1)}: ${problems} problems`;
}

/**
 * The reader commits to a percentage before the answer is shown, in a picture of the question that follows the guess.
 *
 * @param {string} question
 * @param {number} start
 * @param {{ node: Node, move: (percent: number) => void }} picture
 * @param {(percent: number) => void} commit
 */
export function prediction(question, start, picture, commit) {
  const guess = slider("Your guess", Array.from({ length: 101 }, (_, percent) => `${percent}%`), { input: picture.move });
  guess.step = start;
  picture.move(start);
  const see = button("Commit, then see", () => commit(guess.step));
  return element("div", { class: "ttc-prediction" }, element("p", {}, question), picture.node, guess.node, see);
}

/** The result in words, read out when it changes; it must be in the page before its first words. */
export function liveSentence() {
  const node = element("p", { class: "ttc-live", "aria-live": "polite", "aria-atomic": "true" });
  return { node, say: (/** @type {string} */ words) => { node.textContent = words; } };
}

/** One of the data's tables in a details element, with the row in use marked. */
export function dataTable() {
  const region = element("div", { class: "ttc-scroll", tabindex: 0, role: "region", "aria-label": "The numbers" });
  const line = (/** @type {string[]} */ [first, ...rest], /** @type {boolean} */ current) =>
    element("tr", { "aria-current": current }, element("th", { scope: "row" }, first), ...rest.map((text) => element("td", {}, text)));
  return {
    node: element("details", {}, element("summary", {}, "The numbers"), region),
    /**
     * @param {Table} table
     * @param {number} [current]
     */
    show({ caption, columns, rows }, current) {
      const head = element("tr", {}, ...columns.map((text) => element("th", { scope: "col" }, text)));
      region.replaceChildren(element("table", {}, element("caption", {}, caption),
        element("thead", {}, head), element("tbody", {}, ...rows.map((row, index) => line(row, index === current)))));
    },
  };
}
