// Web worker that runs searches while the page stays responsive. Bundled separately: the page starts it from a Blob.
import { Models, search } from "./live_search.js";

/** @type {Models} */
let models;

self.onmessage = ({ data }) => {
  if (data.load) {
    models = new Models(data.load.configs, data.load.files, data.load.characters);
    return;
  }
  const { ticket, strategy, settings } = data.run;
  self.postMessage({ ticket, story: search(models, strategy, settings) });
};
