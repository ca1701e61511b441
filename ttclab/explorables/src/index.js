// The bundle: an export for each simulator, named like its data, and a default export that draws the simulator of the data.
import { arena } from "./arena.js";
import { big_or_many } from "./big_or_many.js";
import { breadth_or_depth } from "./breadth_or_depth.js";
import { verifier } from "./verifier.js";
import { scaling_curves } from "./scaling_curves.js";
import { split_budget } from "./split_budget.js";
import { watch_revision } from "./watch_revision.js";
import { watch_search } from "./watch_search.js";

/** @typedef {import("./view.js").Context} Context */

/** @type {Record<string, (context: Context) => () => void>} */
const SIMULATORS = { arena, big_or_many, breadth_or_depth, verifier, scaling_curves, split_budget, watch_revision, watch_search };

export { arena, big_or_many, breadth_or_depth, verifier, scaling_curves, split_budget, watch_revision, watch_search };

/** Entry point of the notebook widget and of the page's mount script. */
export default {
  /** @param {Context} context */
  render({ model, el }) {
    const name = model.get("data").explorable;
    if (!Object.hasOwn(SIMULATORS, name)) throw new Error(`no simulator draws the data of ${name}`);
    return SIMULATORS[name]({ model, el });
  },
};
