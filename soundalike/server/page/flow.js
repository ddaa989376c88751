// Energy and tempo over a playlist, as two lines.

import { el, svg } from "./dom.js";
import { TEXT } from "./text.js";

/** A picture of numbers by name, such as `{energy: [0.2, null, 0.9]}`; null if there is nothing to draw. */
export function flowPicture(flow) {
  const lines = Object.entries(flow ?? {}).filter(([, values]) => values.filter(Number.isFinite).length > 1);
  if (!lines.length) return null;
  const picture = svg("svg", { class: "flow", viewBox: "0 0 100 100", preserveAspectRatio: "none", role: "img", "aria-label": inWords(lines) });
  for (const [name, values] of lines) {
    const finite = values.filter(Number.isFinite);
    const [low, high] = [Math.min(...finite), Math.max(...finite)];
    const points = values
      .map((value, n) => [(n / Math.max(values.length - 1, 1)) * 100, value === null ? NaN : 95 - ((value - low) / (high - low || 1)) * 90])
      .filter(([, y]) => Number.isFinite(y));
    picture.append(svg("polyline", { class: name, points: points.map((point) => point.join(",")).join(" ") }));
  }
  return el("div", {}, picture, el("p", { className: "quiet" }, inWords(lines)));
}

function inWords(lines) {
  return lines.map(([name, values]) => {
    const finite = values.filter(Number.isFinite);
    const places = name === "tempo" ? 0 : 2;
    return TEXT.flow[name](finite[0].toFixed(places), finite.at(-1).toFixed(places),
      Math.min(...finite).toFixed(places), Math.max(...finite).toFixed(places));
  }).join(" ");
}
