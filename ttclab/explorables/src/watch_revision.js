// Watch a revision: recorded chains, an attempt beside the revision of it, with what a judge says of every step.
import { choices, dataTable, difficulties, element, frame, liveSentence, prediction } from "./common.js";

const VERDICT = [["✗", "wrong"], ["✓", "right"]];

function render({ model, el }) {
  const { groups, kinds, tables, chains, source } = model.get("data");
  const revisions = chains[0].attempts.length - 1;
  const asked = { group: 0, chain: Math.max(chains.findIndex(({ attempts: [first, second] }) => first.right && !second.right), 0), revision: 0 };
  const selected = { ...asked };
  let guess = null;
  let listed = null; // the group whose chains are in the menu

  const numbers = Array.from({ length: revisions }, (_, index) => index);
  const difficulty = difficulties(groups, (group) => { select(within(group).includes(selected.chain) ? { group } : { group, chain: within(group)[0], revision: 0 }); save(); });
  const menu = element("select", { "aria-label": "Chain" });
  menu.addEventListener("change", () => { select({ chain: Number(menu.value), revision: 0 }); save(); });
  const strip = choices("Revision", numbers.map(String), (revision) => { select({ revision }); save(); });
  const back = element("button", { type: "button" }, "‹ Back");
  const next = element("button", { type: "button" }, "Next ›");
  back.addEventListener("click", () => move(-1));
  next.addEventListener("click", () => move(1));
  const view = element("table", { class: "ttc-compare" });
  const sentence = liveSentence();
  const table = dataTable();
  const about = element("p", { class: "ttc-source" },
    "Shown: attempts as the model wrote them, changes marked; under each step whether the solution is right so far (✓ or ✗) and a judge's score, from 0 to 1; the last is that of the attempt. " +
    "Kinds of chains take turns in the menu, so rare ones are there too often; the sentence says how common each is. The intervals are 95%, over problems. ",
    `Data: ${source}.`);
  const result = element("div", { hidden: "" }, difficulty.node,
    element("label", { class: "ttc-select" }, element("span", { class: "ttc-label" }, "Chain"), menu),
    strip.node, element("div", { class: "ttc-buttons" }, back, next), view, table.node, about);
  const question = prediction(
    "In the paper a revision turned about 38% of right answers wrong. Here, of the first attempts that are right, how many does the first revision turn wrong?",
    38, (percent) => { guess = percent; reveal(); next.focus(); save(); });
  result.insertBefore(sentence.node, table.node);
  el.replaceChildren(frame("Watch a revision", question, result));

  /** The chains of a group, by their places. */
  function within(group) {
    return chains.map((_, index) => index).filter((index) => !group || chains[index].group === groups[group].key);
  }

  /** One revision on or back; from the end of a chain to the next chain. */
  function move(step) {
    const revision = selected.revision + step;
    if (numbers.includes(revision)) select({ revision });
    else {
      const list = within(selected.group);
      select({ chain: list.at((list.indexOf(selected.chain) + step) % list.length), revision: step > 0 ? 0 : revisions - 1 });
    }
    save();
  }

  function select(change) {
    Object.assign(selected, change);
    if (result.hidden) return;
    difficulty.chosen = selected.group;
    if (listed !== selected.group) {
      menu.replaceChildren(...within(selected.group).map((index) => element("option", { value: index }, `${chains[index].question} (${kindOf(index).name})`)));
      listed = selected.group;
    }
    menu.value = selected.chain;
    const verdicts = chains[selected.chain].attempts.map(({ right }) => VERDICT[right]);
    strip.rename(
      numbers.map((n) => `${n + 1} ${verdicts[n][0]} → ${n + 2} ${verdicts[n + 1][0]}`),
      numbers.map((n) => `attempt ${n + 1}, ${verdicts[n][1]}, revised to attempt ${n + 2}, ${verdicts[n + 1][1]}`));
    strip.chosen = selected.revision;
    compare();
    sentence.say(inWords());
    table.show(tables[selected.group], selected.revision + 1);
  }

  function reveal() {
    question.hidden = true;
    result.hidden = false;
    select({});
  }

  function kindOf(index) { return kinds.find(({ key }) => key === chains[index].kind); }

  function pair() { return chains[selected.chain].attempts.slice(selected.revision, selected.revision + 2); }

  /** The steps of both attempts side by side. Step i of one is compared with step i of the other, word by word. */
  function compare() {
    const both = pair();
    const rows = Math.max(...both.map(({ steps }) => steps.length));
    const heads = both.map(({ right, answer }, index) => {
      const [symbol, word] = VERDICT[right];
      const said = element("span", { class: "ttc-verdict" }, `${symbol} ${word}: ${answer}`);
      return element("th", { scope: "col" }, `Attempt ${selected.revision + index + 1}`, said);
    });
    const body = Array.from({ length: rows }, (_, i) => element("tr", {}, element("th", { scope: "row" }, String(i + 1)),
      ...both.map(({ steps }, index) => cell(steps[i], both[1 - index].steps[i]))));
    view.replaceChildren(element("caption", {}, chains[selected.chain].question),
      element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "Step"), ...heads)), element("tbody", {}, ...body));
  }

  function cell(step, other) {
    if (!step) return element("td", {}, "no such step");
    const [text, score, right] = step;
    const there = other ? other[0].split(" ") : [];
    const words = text.split(" ").flatMap((word, i) => [" ", word === there[i] ? word : element("mark", {}, word)]).slice(1);
    const [symbol, verdict] = VERDICT[right];
    const bar = element("span", { class: "ttc-bar", style: `--ttc-share: ${100 * Number(score)}%` });
    return element("td", {},
      element("span", { class: "ttc-unseen" }, text === other?.[0] ? "" : "changed: "), ...words,
      element("div", { class: "ttc-score" }, element("span", { class: "ttc-unseen" }, `${verdict} so far, score`), element("span", { "aria-hidden": "true" }, symbol), score, bar));
  }

  function inWords() {
    const [before, after] = pair();
    const changed = Array.from({ length: Math.max(before.steps.length, after.steps.length) }, (_, i) => i + 1)
      .filter((n) => before.steps[n - 1]?.[0] !== after.steps[n - 1]?.[0]);
    const which = changed.length ? `changes step${changed.length > 1 ? "s" : ""} ${changed.join(", ")}` : "changes nothing";
    const turned = before.right === after.right ? `the answer stays ${VERDICT[after.right][1]}` : `${VERDICT[before.right][1]} becomes ${VERDICT[after.right][1]}`;
    const [, right, interval, spoilt, mended, cost] = tables[selected.group].rows[selected.revision + 1];
    const where = selected.group ? `In the ${groups[selected.group].name}` : "Over all problems";
    const isAsked = guess !== null && !selected.group && !selected.revision;
    const kind = kindOf(selected.chain);
    return `Revision ${selected.revision + 1} of ${revisions} ${which}: ${turned}. ${where}, ${kind.said[selected.group]} of chains are ${kind.name}, like this one; ` +
      `revision ${selected.revision + 1} turns ${spoilt} of right answers wrong${isAsked ? ` (you guessed ${guess}%)` : ""} and ${mended} of wrong ones right, ` +
      `and leaves ${right} (${interval}) right. Cost up to here: ${cost} a chain.`;
  }

  // The selection lives in the model: in a notebook that is the widget's `state`, in a page the address.
  function load() {
    const state = model.get("state");
    const found = {
      group: groups.findIndex(({ key }) => key === String(state.problems)),
      chain: chains.findIndex(({ id }) => id === state.chain),
      revision: numbers.indexOf(Number(state.revision) - 1),
    };
    const known = Object.fromEntries(Object.entries(found).filter(([, index]) => index >= 0));
    if (!Object.keys(known).length) return;
    Object.assign(selected, asked, known);
    if (!within(selected.group).includes(selected.chain)) selected.chain = within(selected.group)[0];
    reveal();
  }

  function save() {
    model.set("state", { problems: groups[selected.group].key, chain: chains[selected.chain].id, revision: selected.revision + 1 });
    model.save_changes();
  }

  model.on("change:state", load);
  load();
  return () => model.off("change:state", load);
}

export default { render };
