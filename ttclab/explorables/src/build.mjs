// `npm run build [folder]`: bundles all simulators into one ES module, explorables.js, beside their data unless told otherwise.
// The banner records the sources, the code that came of them, and the licenses of what is in it.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build, transform } from "esbuild";

const here = import.meta.dirname;
const target = join(process.argv[2] ?? join(here, ".."), "explorables.js");
const read = (...path) => readFileSync(join(here, ...path), "utf8");
const sha256 = (text) => createHash("sha256").update(text).digest("hex");
const sources = readdirSync(here).filter((name) => /\.(js|mjs|ts|css|json)$/.test(name)).sort();
const recorded = sha256(sources.map((name) => `${name}\0${read(name)}\0`).join(""));

/** A worker is bundled by itself, and comes as text: the page starts it from a Blob, so there is no second file to find. */
const workers = {
  name: "workers",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^worker:/ }, ({ path }) => ({ path: path.slice("worker:".length), namespace: "worker" }));
    onLoad({ filter: /./, namespace: "worker" }, async ({ path }) => {
      const { outputFiles: [worker] } = await build({
        absWorkingDir: here, entryPoints: [path], write: false, bundle: true, minify: true, format: "iife", target: "es2022",
        legalComments: "none", charset: "utf8",
      });
      return { contents: worker.text, loader: "text" };
    });
  },
};
/** A style sheet comes as text, too. */
const styles = {
  name: "styles",
  setup({ onLoad }) {
    onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { code } = await transform(readFileSync(path, "utf8"), { loader: "css", minify: true, target: "es2022" });
      return { contents: code.trim(), loader: "text" };
    });
  },
};
const { outputFiles: [output], metafile } = await build({
  absWorkingDir: here, entryPoints: ["index.js"], write: false, metafile: true, bundle: true, minify: true,
  format: "esm", target: "es2022", plugins: [workers, styles], legalComments: "none", charset: "utf8",
});
const packages = new Set(Object.keys(metafile.inputs).flatMap((path) => path.match(/(?<=node_modules\/)[^/]+/) ?? []));
const byLicense = {};
for (const name of [...packages].sort()) {
  const { version } = JSON.parse(read("node_modules", name, "package.json"));
  const [copyright, ...license] = read("node_modules", name, "LICENSE").trim().split("\n");
  const holders = (byLicense[license.join("\n")] ??= {}); // one text may be the license of several holders' packages
  (holders[copyright] ??= []).push(`${name} ${version}`);
}
const notices = Object.entries(byLicense).map(([license, holders]) => (
  Object.entries(holders).map(([copyright, names]) => `${names.join(", ")}:\n${copyright}\n`).join("") + license));
const made = `Made by "npm run build" in ttclab/explorables/src: change the sources, not this file.`;
const text = `/*! ${made}\nsources sha256:${recorded}\ncode sha256:${sha256(output.text)}\n\n${notices.join("\n\n")}\n*/\n${output.text}`;
writeFileSync(target, text);
console.log(`${target}: ${Math.round(text.length / 1000)} kB`);
