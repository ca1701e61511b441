// The state machine of every simulator: a guess if one is asked for, then a selection that the controls change, which is shown at
// once and kept in the model. In a notebook the model is the widget; in a page it is the address.
import css from "./common.css";
import { dataTable, element, liveSentence, prediction } from "./controls.js";

/**
 * @typedef {object} Model What anywidget gives `render`, and the page's mount script too.
 * @property {(key: string) => any} get
 * @property {(key: string, value: unknown) => void} set
 * @property {() => void} save_changes
 * @property {(event: string, tell: () => void) => void} on
 * @property {(event: string, tell: () => void) => void} off
 *
 * @typedef {{ model: Model, el: HTMLElement }} Context
 *
 * @typedef {Record<string, unknown>} State The selection as the model has it; in a page all values are strings.
 */

/**
 * How one part of the selection is spelt in the state.
 *
 * @template T
 * @typedef {object} Field
 * @property {string} key
 * @property {(text: string, state: State) => T | undefined} read undefined for what there is not
 * @property {(value: T) => string | number | undefined} write
 */

/**
 * The field of a part that is one of a list: the selection has its index, the state the entry.
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
 * The picture of a question: the axes, what is known, and a question mark where the answer will stand.
 *
 * @typedef {{ node: Node, move: (percent: number) => void, stop: () => void }} Asked
 */

/**
 * What a simulator shows.
 *
 * @typedef {object} Face
 * @property {string} title
 * @property {{ question: string, start: number, focus: { focus(): void }, picture: Asked }} [guess] a percentage to commit to before
 *   the answer is shown, the control that has the focus then, and the picture of the question
 * @property {(Node | string)[]} body the controls, the picture, the view's sentence and its table, in their order
 * @property {string} about what is shown; the source of the data follows
 * @property {() => void} update puts the selection into the controls
 * @property {() => string} words the sentence
 * @property {() => [table: import("./controls.js").Table, current?: number]} numbers the table, and the row in use
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
   * @param {Selection} first what is selected at first
   * @param {{ [Part in keyof Selection]: Field<Selection[Part]> }} fields
   * @param {(known: Partial<Selection>) => void} [settle] mends a selection whose parts, read from a state, don't go together
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
    this.form = element("form", { class: "ttc", autocomplete: "off" }); // so that two views on one page keep their radio buttons apart
    this.form.addEventListener("submit", (event) => event.preventDefault());
    this.result = element("div", { hidden: "" });
  }

  /** @param {Partial<Selection>} change */
  select(change) {
    Object.assign(this.selected, change);
    if (this.#shown) this.#show();
  }

  /**
   * What a control does with the index that it reports: select it for a part, and save.
   *
   * @param {keyof Selection} part
   */
  choose(part) {
    return (/** @type {any} */ index) => this.change(/** @type {Partial<Selection>} */ ({ [part]: index }));
  }

  /**
   * The same for a slider, which saves only when it is let go.
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
   * Whether the reader guessed, and these parts (all of them if none is named) are still those of the question.
   *
   * @param {...(keyof Selection)} parts
   */
  isAsked(...parts) {
    const asked = parts.length ? parts : Object.keys(this.first);
    return this.guess !== null && asked.every((part) => String(this.selected[part]) === String(this.first[part]));
  }

  /**
   * Words about the guess, where it was made.
   *
   * @param {...(keyof Selection)} parts as `isAsked` takes them
   */
  guessed(...parts) {
    return this.isAsked(...parts) ? ` You guessed ${this.guess}%.` : "";
  }

  save() {
    const written = Object.entries(this.fields).map(([part, { key, write }]) => [key, write(this.selected[part])]);
    this.model.set("state", Object.fromEntries(written.filter(([, value]) => value !== undefined)));
    this.model.save_changes();
  }

  /** Selects what the model's state names, the first view for the rest; false where it names nothing that there is. */
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
   * Draws the simulator into its place.
   *
   * @param {Face} face
   * @returns {() => void} what ends it
   */
  mount(face) {
    this.#face = face;
    const { title, guess, body, about, picture } = face;
    const source = element("p", { class: "ttc-source" }, about, ` Data: ${this.model.get("data").source}.`);
    this.result.append(...body, source);
    this.form.setAttribute("aria-label", title);
    this.form.append(element("style", {}, css), element("p", { class: "ttc-title" }, title));
    if (guess) {
      this.form.append(prediction(guess.question, guess.start, guess.picture, (percent) => {
        this.guess = percent;
        this.#reveal();
        guess.focus.focus();
        this.save();
      }));
    }
    this.form.append(this.result);
    // Or JupyterLab's shortcuts take the arrow keys; it looks for this on the focused node itself.
    const controls = this.form.querySelectorAll("input, select, button, summary, [tabindex]");
    controls.forEach((node) => node.setAttribute("data-lm-suppress-shortcuts", "true"));
    this.el.replaceChildren(this.form);

    const load = () => { this.#load(); };
    this.model.on("change:state", load);
    if (!this.#load() && !guess) this.#reveal();
    return () => { this.model.off("change:state", load); picture?.stop(); guess?.picture.stop(); };
  }
}
