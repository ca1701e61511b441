// Runs searches beside the page, which goes on hearing its reader meanwhile. Bundled by itself: the page starts it from a Blob.
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
