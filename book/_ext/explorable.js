// Draws each explorable of the page. It gives `render` what a notebook would: a model, filled from JSON, whose state
// lives in the page's address (?breadth_or_depth.samples=16), so that a view can be shared.
function staticModel(name, data, weights) {
  const mine = [...new URLSearchParams(location.search)].filter(([key]) => key.startsWith(`${name}.`));
  const values = { data, weights, state: Object.fromEntries(mine.map(([key, value]) => [key.slice(name.length + 1), value])) };
  return {
    get: (key) => values[key],
    set: (key, value) => { values[key] = value; },
    on() {},
    off() {},
    save_changes() {
      const address = new URL(location);
      for (const key of [...address.searchParams.keys()]) if (key.startsWith(`${name}.`)) address.searchParams.delete(key);
      for (const [key, value] of Object.entries(values.state)) address.searchParams.set(`${name}.${key}`, value);
      address.hash = `explorable-${name}`;
      history.replaceState(history.state, "", address);
    },
  };
}

for (const el of document.querySelectorAll("[data-explorable]")) {
  const { explorable: name, module: bundle, source, weights: files } = el.dataset;
  const address = (file) => new URL(file, import.meta.url).href;
  const get = async (file, as) => {
    const answer = await fetch(address(file));
    if (!answer.ok) throw new Error(`${file}: ${answer.status}`);
    return answer[as]();
  };
  // The models that the simulator runs, if it runs any: their files, or a function that loads them.
  const load = () => Promise.all(Object.entries(JSON.parse(files))
    .map(async ([key, file]) => [key, await get(file, "arrayBuffer")])).then(Object.fromEntries);
  const weights = files && ("later" in el.dataset ? load : load());
  // The bundle is one module, which the browser fetches once, however many simulators are on the page.
  Promise.all([import(address(bundle)), get(source, "json"), weights])
    .then(([module, data, files]) => module.default.render({ model: staticModel(name, data, files), el }))
    .catch((error) => { el.textContent = "The simulator could not be loaded."; throw error; });
}
