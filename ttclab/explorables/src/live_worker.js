// Web worker that runs the models while the page stays responsive. Bundled separately: the page starts it from a Blob.
import { draws, look } from "./live_moves.js";
import { Models, search } from "./live_search.js";
import { problems } from "./problems.js";

const TASKS = { search, problems, look, draws };
/** @typedef {typeof TASKS} Tasks */

/** @type {Models} */
let models;

self.onmessage = ({ data }) => {
  if (data.load) {
    models = new Models(data.load.configs, data.load.files, data.load.characters);
    return;
  }
  const { ticket, task, asked } = data.run;
  self.postMessage({ ticket, told: TASKS[/** @type {keyof Tasks} */ (task)](models, asked) });
};
