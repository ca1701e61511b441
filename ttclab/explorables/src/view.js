// The state machine of every simulator: an optional guess, then a selection. The controls change the selection, which is drawn
// immediately and stored in the model. In a notebook the model is the widget; in a page it is the URL.
import css from "./common.css";
import { dataTable, element, liveSentence, prediction } from "./controls.js";

/**
 * @typedef {object} Model The model that anywidget and the page's mount script pass to `render`.
 * @property {(key: string) => any} get
 * @property {(key: string, value: unknown) => void} set
 * @property {() => void} save_changes
 * @property {(event: string, tell: () => void) => void} on
 * @property {(event: string, tell: () => void) => void} off
 *
 * @typedef {{ model: Model, el: HTMLElement }} Context
 *
 * @typedef {Record<string, unknown>} State The selection as stored in the model; in a page all values are strings.
 */

/**
 * Conversion of one part of the selection from and to the state.
 *
 * @template T
 * @typedef {object} Field
 * @property {string} key
 * @property {(text: string, state: State) => T | undefined} read undefined for an invalid value
 * @property {(value: T) => string | number | undefined} write
 */

/**
 * A field with one of several entries: the selection stores the index, the state the entry.
 *
 * @param {string} key
 * @param {(string | number)[]} entries
 * @returns {Field<number>}
 */
export function oneOf(key, entries) {
  return {
    key,
    read(text) {
      const index = entries.findIndex((entry) => String(entry) === text);
      return index < 0 ? undefined : index;
    },
    write: (index) => entries[index],
  };
}

/**
 * The picture of a question: the axes, the known lines, and a question mark in place of the answer.
 *
 * @typedef {{ node: Node, move: (percent: number) => void, stop: () => void }} Asked
 */

/**
 * The view of a simulator.
 *
 * @typedef {object} Face
 * @property {string} title
 * @property {{ question: string, far: number[], least?: number, focus: { focus(): void }, picture: Asked }} [guess] a percentage to commit to before
 *   the answer is shown, shares at which the guess must not start, the least share that is possible, the control that has the focus then, and the picture of the question
 * @property {(Node | string)[]} body the controls, the picture, the view's sentence and its table, in their order
 * @property {string} about description of the view; the source of the data is appended
 * @property {() => void} update sets the controls to the selection
 * @property {() => string} words the sentence
 * @property {() => [table: import("./controls.js").Table, current?: number]} numbers the table and its current row
 * @property {{ draw(): void, stop(): void }} [picture]
 */

/**
 * A selection, its life in the model, and the frame around what it shows.
 *
 * @template {Record<string, any>} Selection
 */
export class View {
  /** @type {Face | undefined} */
  #face;
  #shown = false;

  /**
   * @param {Context} context
   * @param {Selection} first initial selection
   * @param {{ [Part in keyof Selection]: Field<Selection[Part]> }} fields
   * @param {(known: Partial<Selection>) => void} [settle] repairs a selection read from a state if its parts are inconsistent
   */
  constructor({ model, el }, first, fields, settle = () => {}) {
    this.model = model;
    this.el = el;
    this.first = first;
    this.fields = fields;
    this.settle = settle;
    this.selected = { ...first };
    /** @type {number | null} */
    this.guess = null;
    this.sentence = liveSentence();
    this.table = dataTable();
    this.form = element("form", { class: "ttc", autocomplete: "off" }); // separates the radio buttons of two views on one page
    this.form.addEventListener("submit", (event) => event.preventDefault());
    this.result = element("div", { hidden: "" });
  }

  /** @param {Partial<Selection>} change */
  select(change) {
    Object.assign(this.selected, change);
    if (this.#shown) this.#show();
  }

  /**
   * A callback for a control: selects the reported index for a part, and saves.
   *
   * @param {keyof Selection} part
   */
  choose(part) {
    return (/** @type {any} */ index) => this.change(/** @type {Partial<Selection>} */ ({ [part]: index }));
  }

  /**
   * Callbacks for a slider, which saves only on release.
   *
   * @param {keyof Selection} part
   */
  drag(part) {
    const input = (/** @type {any} */ step) => this.select(/** @type {Partial<Selection>} */ ({ [part]: step }));
    return { input, change: () => this.save() };
  }

  /** @param {Partial<Selection>} change */
  change(change) {
    this.select(change);
    this.save();
  }

  /**
   * Whether the reader has guessed and these parts (by default all) still have the values of the question.
   *
   * @param {...(keyof Selection)} parts
   */
  isAsked(...parts) {
    const asked = parts.length ? parts : Object.keys(this.first);
    return this.guess !== null && asked.every((part) => String(this.selected[part]) === String(this.first[part]));
  }

  /**
   * A text about the guess, if the selection is that of the question.
   *
   * @param {...(keyof Selection)} parts as for `isAsked`
   */
  guessed(...parts) {
    return this.isAsked(...parts) ? ` You guessed ${this.guess}%.` : "";
  }

  save() {
    const written = Object.entries(this.fields).map(([part, { key, write }]) => [key, write(this.selected[part])]);
    this.model.set("state", Object.fromEntries(written.filter(([, value]) => value !== undefined)));
    this.model.save_changes();
  }

  /** Reads the selection from the model's state, with defaults for missing parts; false if the state has no valid part. */
  #load() {
    const state = this.model.get("state");
    /** @type {Partial<Selection>} */
    const known = {};
    for (const [part, { key, read }] of Object.entries(this.fields)) {
      const value = state[key] === undefined ? undefined : read(String(state[key]), state);
      if (value !== undefined) known[/** @type {keyof Selection} */ (part)] = value;
    }
    if (!Object.keys(known).length) return false;
    Object.assign(this.selected, this.first, known);
    this.settle(known);
    this.#reveal();
    return true;
  }

  #reveal() {
    this.form.querySelector(".ttc-prediction")?.remove();
    this.#face?.guess?.picture.stop();
    this.result.hidden = false;
    this.#shown = true;
    this.#show();
  }

  #show() {
    const { update, words, numbers, picture } = /** @type {Face} */ (this.#face);
    update();
    this.table.show(...numbers());
    this.sentence.say(words());
    picture?.draw();
  }

  /**
   * Draws the simulator into its element.
   *
   * @param {Face} face
   * @returns {() => void} removes the simulator
   */
  mount(face) {
    this.#face = face;
    const { title, guess, body, about, picture } = face;
    const source = element("p", { class: "ttc-source" }, about, ` Data: ${this.model.get("data").source}.`);
    this.result.append(...body, source);
    this.form.setAttribute("aria-label", title);
    this.form.append(element("style", {}, css), element("p", { class: "ttc-title" }, title));
    if (guess) {
      this.form.append(prediction(guess.question, guess.far, guess.picture, (percent) => {
        this.guess = percent;
        this.#reveal();
        guess.focus.focus();
        this.save();
      }, guess.least));
    }
    this.form.append(this.result);
    // Otherwise JupyterLab's shortcuts take the arrow keys; JupyterLab checks this attribute on the focused node.
    const controls = this.form.querySelectorAll("input, select, button, summary, [tabindex]");
    controls.forEach((node) => node.setAttribute("data-lm-suppress-shortcuts", "true"));
    this.el.replaceChildren(this.form);

    const load = () => { this.#load(); };
    this.model.on("change:state", load);
    if (!this.#load() && !guess) this.#reveal();
    return () => { this.model.off("change:state", load); picture?.stop(); guess?.picture.stop(); };
  }
}
