// Paths through points in pixels.

/** @typedef {[x: number, y: number]} Place */

/**
 * Straight lines from point to point.
 *
 * @param {Place[]} places
 */
export function straight(places) { return places.map((place, i) => `${i ? "L" : "M"}${place}`).join(""); }

/**
 * A smooth curve through the points that never rises or falls beyond them (Steffen 1990).
 *
 * @param {Place[]} places
 */
export function smooth(places) { return places.length ? `M${places[0]}${onward(places)}` : ""; }

/**
 * The area between two smooth curves over the same points.
 *
 * @param {Place[]} upper
 * @param {Place[]} lower
 */
export function between(upper, lower) {
  const back = lower.toReversed();
  return upper.length ? `${smooth(upper)}L${back[0]}${onward(back)}Z` : "";
}

/** @param {Place[]} places */
function onward(places) {
  const gaps = places.slice(1).map(([x, y], i) => {
    const wide = x - places[i][0];
    return { wide, slope: wide ? (y - places[i][1]) / wide : 0 };
  });
  const inner = gaps.slice(1).map((after, i) => {
    const before = gaps[i];
    const mean = (before.slope * after.wide + after.slope * before.wide) / (before.wide + after.wide);
    const least = Math.min(Math.abs(before.slope), Math.abs(after.slope), Math.abs(mean) / 2);
    return (Math.sign(before.slope) + Math.sign(after.slope)) * least || 0;
  });
  return gaps.map(({ wide, slope }, i) => {
    const [[x, y], [toX, toY]] = [places[i], places[i + 1]];
    const third = wide / 3;
    const [start, end] = [inner[i - 1], inner[i]];
    const from = start ?? (end === undefined ? slope : (3 * slope - end) / 2);
    const to = end ?? (start === undefined ? slope : (3 * slope - start) / 2);
    return `C${x + third},${y + third * from},${toX - third},${toY - third * to},${toX},${toY}`;
  }).join("");
}
