// A search as a picture: the prefix tree of all solutions, one column per step and one row per leaf. It is laid out once for a
// story, and then shown in its state after any round.
import { checkSteps, nameOf, operationOf, totalOf } from "./arithmetic.js";

/**
 * @typedef {import("./live_search.js").Story} Story
 * @typedef {import("./arithmetic.js").Problem} Problem
 */

/**
 * @template T
 * @typedef {[round: number, value: T][]} Log Values of a property with the rounds in which they were set.
 */

/** A node of the tree: a step with all steps before it. */
export class TreeNode {
  /** @type {TreeNode[]} */
  children = [];
  /** @type {Log<number>} how often the step was written */
  drawn = [];
  /** @type {Log<number>} number of solutions that end here */
  ended = [];
  /** @type {Log<number>} */
  scores = [];
  /** @type {Log<boolean>} whether the search dropped it */
  fates = [];
  row = 0;

  /**
   * @param {string} name
   * @param {string[]} steps steps up to and including this one
   * @param {TreeNode | null} parent
   * @param {boolean} right whether the solution is right so far, by the exact check
   */
  constructor(name, steps, parent, right) {
    this.name = name;
    this.steps = steps;
    this.parent = parent;
    this.right = right;
  }

  get depth() { return this.steps.length; }

  /**
   * The state of the node after a round.
   *
   * @param {number} round
   */
  after(round) {
    const total = (/** @type {Log<number>} */ log) => log.reduce((sum, [at, count]) => sum + (at <= round ? count : 0), 0);
    return {
      drawn: total(this.drawn),
      ended: total(this.ended),
      score: this.scores.findLast(([at]) => at <= round)?.[1],
      dropped: this.fates.findLast(([at]) => at <= round)?.[1] ?? false,
    };
  }

  /** The path from the first step to this node. @returns {TreeNode[]} */
  get lineage() { return this.parent ? [...this.parent.lineage, this] : []; }
}

/**
 * The tree of a story: the root, and its nodes from top to bottom.
 *
 * @param {Story} story
 * @param {Problem} problem
 */
export function growTree({ rounds }, problem) {
  const root = new TreeNode("", [], null, true);
  /** @type {Map<string, TreeNode>} */
  const nodes = new Map();
  const reach = (/** @type {number} */ tree, /** @type {string[]} */ steps) => {
    const checks = checkSteps(problem, steps);
    return steps.reduce((parent, _, i) => {
      const beginning = steps.slice(0, i + 1);
      const name = nameOf(tree, beginning);
      const known = nodes.get(name) ?? new TreeNode(name, beginning, parent, checks[i]);
      if (!nodes.has(name)) parent.children.push(known);
      nodes.set(name, known);
      return known;
    }, root);
  };
  rounds.forEach(({ written, dropped }, round) => {
    for (const { tree, steps, scores, from, finished } of written) {
      const last = reach(tree, steps);
      last.lineage.slice(from).forEach((node) => node.drawn.push([round, 1]));
      last.lineage.forEach((node, i) => {
        if (scores[i] !== undefined) node.scores.push([round, scores[i]]);
        if (node.fates.length) node.fates.push([round, false]);
      });
      if (finished) last.ended.push([round, 1]);
    }
    dropped.forEach((name) => nodes.get(name)?.fates.push([round, true]));
  });
  let rows = 0;
  const place = (/** @type {TreeNode} */ node) => {
    // The most frequent steps are at the top.
    node.children.sort((a, b) => b.drawn.length - a.drawn.length || (a.name < b.name ? -1 : 1));
    node.children.forEach(place);
    const [first, last] = [node.children[0], node.children[node.children.length - 1]];
    node.row = first ? (first.row + last.row) / 2 : rows++;
  };
  place(root);
  const all = [...nodes.values()].sort((a, b) => a.depth - b.depth || a.row - b.row);
  return { root, nodes: all, rows, depth: Math.max(...all.map(({ depth }) => depth)) };
}

const SVG = "http://www.w3.org/2000/svg";
const ROW = 19;
const PILL = { width: 28, height: 15 };
const EDGE = { top: 22, left: 8, right: 52, bottom: 4 };

/**
 * The tree in the page; reports the node at the pointer or with the focus.
 *
 * @param {string} label label of the picture
 * @param {(node: TreeNode) => void} point
 */
export function treePicture(label, point) {
  const node = document.createElement("div");
  node.className = "ttc-tree";
  const svg = mark("svg", { role: "group", "aria-label": label });
  node.append(svg);
  /** @type {ReturnType<typeof growTree> | undefined} */
  let tree;
  /** @type {Problem | undefined} */
  let problem;
  /** @type {Map<TreeNode, { edge: SVGElement, pill: SVGElement, tally: SVGElement, shown?: string }>} */
  let marks = new Map();
  let round = 0;
  let chosen = "";
  /** @type {(node: TreeNode) => string} */
  let describe = () => "";
  let width = 0;
  const observer = new ResizeObserver(([entry]) => {
    const wide = Math.floor(entry.contentRect.width);
    if (wide === width) return;
    width = wide;
    lay();
  });
  observer.observe(node);

  /** Lays out the whole tree; later nodes are hidden. */
  function lay() {
    if (!tree || !problem || !width) return;
    const columns = Math.max(tree.depth, problem.right.length);
    const gap = (width - EDGE.left - EDGE.right - PILL.width) / Math.max(1, columns - 0.35);
    const x = (/** @type {TreeNode} */ { depth }) => (depth ? EDGE.left + PILL.width / 2 + (depth - 0.35) * gap : EDGE.left);
    const y = (/** @type {TreeNode} */ { row }) => EDGE.top + ROW * (row + 0.5);
    svg.setAttribute("width", String(width));
    svg.setAttribute("height", String(EDGE.top + ROW * tree.rows + EDGE.bottom));
    const heads = problem.right.map((step, i) => mark("text", {
      x: EDGE.left + PILL.width / 2 + (i + 0.65) * gap, y: 12, "text-anchor": "middle", class: "ttc-tree-head",
    }, operationOf(step)));
    marks = new Map(tree.nodes.map((each) => {
      const parent = /** @type {TreeNode} */ (each.parent);
      const [fromX, fromY, toX, toY] = [x(parent) + (parent.depth ? PILL.width / 2 : 0), y(parent), x(each) - PILL.width / 2, y(each)];
      const middle = (fromX + toX) / 2;
      const edge = mark("path", { d: `M${fromX},${fromY}C${middle},${fromY} ${middle},${toY} ${toX},${toY}`, class: "ttc-edge" });
      const total = totalOf(each.steps[each.depth - 1]);
      const tally = mark("text", { x: x(each) + PILL.width / 2 + 4, y: y(each), dy: "0.34em", class: "ttc-tally" });
      const pill = mark("g", { role: "button", class: "ttc-node", tabindex: -1, "data-lm-suppress-shortcuts": "true" },
        mark("rect", { x: x(each) - PILL.width / 2, y: y(each) - PILL.height / 2, width: PILL.width, height: PILL.height, rx: 7 }),
        mark("text", { x: x(each), y: y(each), dy: "0.34em", "text-anchor": "middle" }, total === null ? "?" : String(total)));
      pill.addEventListener("pointerenter", () => point(each));
      pill.addEventListener("focus", () => { rove(each); point(each); });
      pill.addEventListener("click", () => { rove(each); point(each); });
      pill.addEventListener("keydown", (event) => walk(each, event));
      return [each, { edge, pill, tally }];
    }));
    const all = [...marks.values()];
    svg.replaceChildren(...heads, mark("circle", { cx: EDGE.left, cy: y(tree.root), r: 4, class: "ttc-root" }),
      ...all.map(({ edge }) => edge), ...all.map(({ tally }) => tally), ...all.map(({ pill }) => pill));
    show();
    const first = tree.nodes[0];
    if (first) rove(first);
  }

  /** Shows the state of the tree after the round. */
  function show() {
    for (const [each, drawing] of marks) {
      const { edge, pill, tally } = drawing;
      const { drawn, ended, score, dropped } = each.after(round);
      const there = drawn > 0;
      const branches = each.children.some((child) => child.drawn[0][0] <= round);
      const looks = [drawn, ended, score, dropped, branches, each.name === chosen].join();
      if (drawing.shown === looks) continue;
      drawing.shown = looks;
      const state = `${each.right ? "ttc-right" : "ttc-wrong"}${dropped ? " ttc-dropped" : ""}`;
      for (const part of [edge, pill, tally]) part.style.display = there ? "" : "none";
      edge.setAttribute("class", `ttc-edge ${state}${score === undefined ? " ttc-unscored" : ""}`);
      edge.style.strokeWidth = String(score === undefined ? 1.5 : 0.75 + 6.25 * score);
      pill.setAttribute("class", `ttc-node ${state}${each.name === chosen ? " ttc-picked" : ""}`);
      pill.setAttribute("aria-label", there ? describe(each) : "");
      tally.textContent = ended && !branches ? `×${ended} ${each.right && each.depth === problem?.right.length ? "✓" : "✗"}`
        : dropped && !branches ? "dropped" : drawn > 1 && !branches ? `×${drawn}` : "";
    }
  }

  /** @param {TreeNode} at the only node that the Tab key reaches */
  function rove(at) { for (const [each, { pill }] of marks) pill.setAttribute("tabindex", each === at ? "0" : "-1"); }

  /**
   * Arrow keys move along the tree.
   *
   * @param {TreeNode} from
   * @param {Event} event
   */
  function walk(from, event) {
    const there = [...marks.keys()].filter((each) => each.after(round).drawn);
    const column = there.filter(({ depth }) => depth === from.depth);
    const place = column.indexOf(from);
    /** @type {Record<string, TreeNode | null | undefined>} */
    const ways = {
      ArrowLeft: from.parent, ArrowRight: from.children.find((child) => there.includes(child)),
      ArrowUp: column[place - 1], ArrowDown: column[place + 1],
    };
    const { key } = /** @type {KeyboardEvent} */ (event);
    if (key === "Enter" || key === " ") point(from);
    else if (!(key in ways)) return;
    event.preventDefault(); // prevents scrolling
    const next = ways[key];
    if (next) /** @type {SVGElement | undefined} */ (marks.get(next)?.pill)?.focus();
  }

  return {
    node,
    stop: () => observer.disconnect(),
    /**
     * @param {Story} story
     * @param {Problem} asked
     * @param {(node: TreeNode) => string} words text of a node, for its label
     */
    tell(story, asked, words) {
      tree = growTree(story, asked);
      problem = asked;
      describe = words;
      lay();
    },
    /**
     * @param {number} last the last round to show
     * @param {string} picked name of the node of the chosen solution
     */
    show(last, picked) {
      [round, chosen] = [last, picked];
      show();
    },
    clear() {
      tree = undefined;
      marks.clear();
      svg.replaceChildren();
    },
  };
}

/**
 * @param {string} tag
 * @param {Record<string, string | number>} [attributes]
 * @param {...(Node | string)} children
 * @returns {SVGElement}
 */
function mark(tag, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  node.append(...children);
  return /** @type {SVGElement} */ (node);
}
