// Native controls, the live sentence and the table. Strings are inserted only as text nodes.

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
 * @param {string} [name] CSS class
 */
export function button(words, act, name = "") {
  const node = element("button", name ? { type: "button", class: name } : { type: "button" }, words);
  node.addEventListener("click", act);
  return node;
}

/**
 * A range input with a text for each step; reports the step.
 *
 * @param {string} label
 * @param {string[]} words
 * @param {{ input?: (step: number) => void, change?: (step: number) => void }} [report] `input` at every step, `change` on release
 * @param {string} [hint] what the label means
 */
export function slider(label, words, { input, change } = {}, hint) {
  const output = element("span"); // the range announces its value; an output element would announce it again
  const range = element("input", { type: "range", min: 0, max: words.length - 1, step: 1, "aria-label": label });
  const control = {
    node: element("label", { class: "ttc-slider" }, element("span", { class: "ttc-label" }, `${label}: `, output), ...hinted(hint), range),
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
 * A select element with a label.
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
    /** @param {[number, string][]} entries values and their texts */
    set entries(entries) { select.replaceChildren(...entries.map(([value, words]) => element("option", { value }, words))); },
  };
}

/** @param {string} [hint] */
function hinted(hint) { return hint ? [element("span", { class: "ttc-hint" }, hint)] : []; }

/**
 * @param {"radio" | "checkbox"} type
 * @param {string} legend
 * @param {string[]} words
 * @param {(index: number) => void} choose
 * @param {string} [hint]
 */
function options(type, legend, words, choose, hint) {
  const inputs = words.map(() => element("input", { type, name: legend }));
  inputs.forEach((input, index) => input.addEventListener("change", () => choose(index)));
  const spans = words.map((word) => element("span", {}, word));
  const labels = words.map((_, index) => element("label", { class: "ttc-option" }, inputs[index], spans[index]));
  const node = element("fieldset", {}, element("legend", {}, legend), ...hinted(hint), element("div", { class: "ttc-options" }, ...labels));
  return { inputs, spans, node };
}

/**
 * Checkboxes in a fieldset; reports the index of the option that changed.
 *
 * @param {string} legend
 * @param {string[]} words
 * @param {(index: number) => void} choose
 * @param {string} [hint] what the words mean
 */
export function toggles(legend, words, choose, hint) {
  const { inputs, node } = options("checkbox", legend, words, choose, hint);
  return {
    node,
    /** @param {number[]} on */
    set on(on) { inputs.forEach((input, index) => { input.checked = on.includes(index); }); },
  };
}

/**
 * Radio buttons in a fieldset; reports the index of the selected option.
 *
 * @param {string} legend
 * @param {string[]} words
 * @param {(index: number) => void} choose
 * @param {string} [hint] what the legend means
 */
export function choices(legend, words, choose, hint) {
  const { inputs: radios, spans, node } = options("radio", legend, words, choose, hint);
  return {
    node,
    focus: () => radios.find(({ checked }) => checked)?.focus(),
    /** @param {number} index */
    set chosen(index) { radios[index].checked = true; },
    /** @param {boolean} disabled */
    set disabled(disabled) { node.disabled = disabled; },
    /**
     * Changes the texts of the buttons; `spoken` are the texts for screen readers.
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
 * Buttons for the groups of problems in the data: all problems and the fifths. Reports the index of the group.
 *
 * @param {Group[]} groups
 * @param {(index: number) => void} choose
 */
export function difficulties(groups, choose) {
  return choices("Problems, by fifth of difficulty", groups.map(({ key }) => ENDS[key] ?? key), choose,
    "Five equal groups, by how often a single sample is right.");
}

/**
 * The problems of a group in a sentence; the first group has all problems.
 *
 * @param {Group[]} groups
 * @param {number} index
 */
export function problemsOf(groups, index) {
  return index ? `the problems in the ${groups[index].name}` : "the problems";
}

/**
 * The start of a table caption.
 *
 * @param {Group} group
 */
export function captionOf({ name, problems }) { return `${capital(name)}: ${problems} problems`; }

/** @param {string} words */
export function capital(words) { return `${words[0].toUpperCase()}${words.slice(1)}`; }

/**
 * A percentage at which a guess may start: 50, or one near it if 50 lies below `least`, on a known line or near the answer.
 *
 * @param {number} least share that the answer can't be below
 * @param {number[]} shares
 */
function neutral(least, shares) {
  return [50, 40, 60, 30, 70, 80, 90].find((percent) => percent >= 100 * least && shares.every((share) => Math.abs(100 * share - percent) > 6)) ??
    Math.max(50, Math.ceil(100 * least));
}

/**
 * A form in which the reader commits to a percentage before the answer is shown. The picture follows the guess.
 *
 * @param {string} question
 * @param {number[]} far shares that the guess must not start at: those of the known lines, and the answer
 * @param {{ node: Node, move: (percent: number) => void }} picture
 * @param {(percent: number) => void} commit
 * @param {number} [least] share that the answer can't be below
 */
export function prediction(question, far, picture, commit, least = 0) {
  const guess = slider("Your guess", Array.from({ length: 101 }, (_, percent) => `${percent}%`), { input: picture.move });
  guess.step = neutral(least, far);
  picture.move(guess.step);
  const see = button("Commit, then see", () => commit(guess.step));
  return element("div", { class: "ttc-prediction" }, element("p", {}, question), picture.node, guess.node, see);
}

/** The result in words, as a live region. It must be in the page before its first text. */
export function liveSentence() {
  const node = element("p", { class: "ttc-live", "aria-live": "polite", "aria-atomic": "true" });
  return { node, say: (/** @type {string} */ words) => { if (node.textContent !== words) node.textContent = words; } };
}

/** A table of the data in a details element, with the current row marked. */
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
