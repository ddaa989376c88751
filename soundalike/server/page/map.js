// The map of the library: move, zoom, select with a lasso; it follows what plays.

import { follow, get } from "./api.js";
import { el, say, svg } from "./dom.js";
import { current, onSong, playList } from "./player.js";
import { titleOf } from "./rows.js";
import { setSeeds } from "./seeds.js";
import { TEXT } from "./text.js";
import { playlistTracks } from "./workshop.js";

const PADDING = 30;
const HIT_PIXELS = 12;
const MOST_SELECTED = 500;
const WIDE = 1.25;

let lassoOn = false;

/** The view. `focus`: the id of a song, or `playlist`. */
export async function showMap(main, focus) {
  main.classList.add("full");
  main.replaceChildren(el("p", { className: "quiet" }, TEXT.loading));
  const answer = await mapOf(main);
  const library = await get("/library");
  const names = ["genre", "artist", "album", "year", "folder", ...Object.keys(library.fields)];
  const canvas = el("canvas", { tabIndex: 0, role: "img", "aria-label": TEXT.mapLabel(answer.ids.length) });
  const legend = el("ul", { className: "legend" });
  const selection = el("span", { className: "map-side" });
  const lasso = el("button", {
    type: "button", "aria-pressed": String(lassoOn),
    onclick: () => { lassoOn = !lassoOn; lasso.setAttribute("aria-pressed", String(lassoOn)); },
  }, TEXT.lasso);
  const colours = el("select", { onchange: async (event) => { await recolour(event.target.value); } },
    ...[...new Set(names)].map((name) => el("option", { value: name, selected: name === answer.colour.field }, name.replace("measured.", ""))));
  main.replaceChildren(
    el("div", { className: "map-side" }, el("label", {}, `${TEXT.colourBy} `, colours), lasso,
      el("button", { type: "button", onclick: () => { isMoved = false; draw(); } }, TEXT.wholeMap),
      el("span", { className: "quiet" }, TEXT.mapHelp), selection),
    el("div", { className: "map" }, canvas), legend);

  let points = answer.coordinates;
  const placeOf = new Map(answer.ids.map((id, place) => [id, place]));
  let colour = answer.colour;
  let selected = new Set();
  let loop = null;
  let view = null;
  let isMoved = false;  // until then the whole map is shown, whatever size it has
  const isWide = spanOf(points, 0) > WIDE * spanOf(points, 1);
  const context = canvas.getContext("2d");

  /** The whole map; a wide one stands upright on a phone. */
  function wholeView() {
    const isUpright = isWide && canvas.clientHeight > WIDE * canvas.clientWidth;
    points = isUpright ? answer.coordinates.map(([x, y]) => [-y, x]) : answer.coordinates;
    const [left, right] = rangeOf(points, 0);
    const [low, high] = rangeOf(points, 1);
    const scale = Math.min((canvas.clientWidth - 2 * PADDING) / (right - left || 1), (canvas.clientHeight - 2 * PADDING) / (high - low || 1));
    return { x: (left + right) / 2, y: (low + high) / 2, scale };
  }
  const toScreen = (point) => [
    canvas.clientWidth / 2 + (point[0] - view.x) * view.scale,
    canvas.clientHeight / 2 - (point[1] - view.y) * view.scale,
  ];
  function draw() {
    if (!isMoved) view = wholeView();
    const ratio = devicePixelRatio || 1;
    canvas.width = canvas.clientWidth * ratio;
    canvas.height = canvas.clientHeight * ratio;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const isDark = document.documentElement.dataset.theme === "dark";
    const size = Math.max(1.2, Math.min(5, 260 / Math.sqrt(points.length)));
    points.forEach((point, place) => {
      const [x, y] = toScreen(point);
      const swatch = colour.swatches[colour.codes[place]];
      context.fillStyle = isDark ? swatch.dark : swatch.light;
      context.globalAlpha = selected.size && !selected.has(place) ? 0.25 : 1;
      mark(context, swatch.shape, x, y, size);
    });
    context.globalAlpha = 1;
    const ink = getComputedStyle(document.documentElement).getPropertyValue("--text");
    context.strokeStyle = ink;
    context.lineWidth = 2;
    const route = focus === "playlist" ? playlistTracks().map((track) => placeOf.get(track.id)).filter((place) => place !== undefined) : [];
    if (route.length) {
      context.beginPath();
      route.forEach((place, n) => context[n ? "lineTo" : "moveTo"](...toScreen(points[place])));
      context.stroke();
    }
    const ringed = [current()?.id, Number(focus) || null].map((id) => placeOf.get(id)).filter((place) => place !== undefined);
    for (const place of ringed) {
      context.beginPath();
      context.arc(...toScreen(points[place]), size + 6, 0, 2 * Math.PI);
      context.stroke();
    }
    if (loop) {
      context.beginPath();
      loop.forEach((at, n) => context[n ? "lineTo" : "moveTo"](...at));
      context.stroke();
    }
  }
  function drawLegend() {
    legend.replaceChildren(...colour.labels.map((label, number) => {
      const swatch = colour.swatches[number];
      const isDark = document.documentElement.dataset.theme === "dark";
      return el("li", {}, svg("svg", { viewBox: "-6 -6 12 12", "aria-hidden": "true" }, shapeOf(swatch, isDark)), label);
    }));
  }
  async function recolour(field) {
    try {
      colour = (await get("/map", { colour: field })).colour;
      drawLegend();
      draw();
    } catch (error) { say(error.message); }
  }
  function nearest(x, y) {
    let [best, distance] = [-1, HIT_PIXELS ** 2];
    points.forEach((point, place) => {
      const [px, py] = toScreen(point);
      const apart = (px - x) ** 2 + (py - y) ** 2;
      if (apart < distance) [best, distance] = [place, apart];
    });
    return best;
  }
  function select(places) {
    selected = new Set(places);
    draw();
    if (!selected.size) { selection.replaceChildren(); return; }
    const ids = [...selected].slice(0, MOST_SELECTED).map((place) => answer.ids[place]);
    const open = async (then) => {
      try {
        then((await get("/tracks", { id: ids })).tracks);
      } catch (error) { say(error.message); }
    };
    selection.replaceChildren(el("strong", {}, TEXT.selected(selected.size)),
      el("button", { type: "button", onclick: () => open((tracks) => playList(tracks)) }, TEXT.playSelection),
      el("button", { type: "button", onclick: () => open((tracks) => { setSeeds(tracks); location.hash = "#/playlist"; }) }, TEXT.addSelection));
  }

  let start = null;
  const fingers = new Map();
  const at = (event) => [event.offsetX, event.offsetY];
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, at(event));
    if (fingers.size > 1) {
      start = loop = null;
      return;
    }
    start = { at: at(event), view: { ...view }, moved: false };
    if (lassoOn || event.shiftKey) loop = [at(event)];
  });
  canvas.addEventListener("pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    if (before) fingers.set(event.pointerId, at(event));
    if (before && fingers.size === 2) {
      const [other] = [...fingers].filter(([id]) => id !== event.pointerId).map(([, place]) => place);
      const apart = ([x, y]) => Math.max(Math.hypot(x - other[0], y - other[1]), 1);
      zoom(apart(at(event)) / apart(before), (event.offsetX + other[0]) / 2, (event.offsetY + other[1]) / 2);
    }
    if (!start) return;
    const [dx, dy] = [event.offsetX - start.at[0], event.offsetY - start.at[1]];
    if (Math.hypot(dx, dy) > 4) start.moved = true;
    if (loop) loop.push(at(event));
    else if (start.moved) {
      isMoved = true;
      view = { ...view, x: start.view.x - dx / view.scale, y: start.view.y + dy / view.scale };
    }
    draw();
  });
  canvas.addEventListener("pointercancel", (event) => { fingers.delete(event.pointerId); start = loop = null; });
  canvas.addEventListener("pointerup", (event) => {
    fingers.delete(event.pointerId);
    if (loop && start?.moved) {
      const inside = loop;
      loop = null;
      select([...points.keys()].filter((place) => isInside(toScreen(points[place]), inside)));
    } else if (start && !start.moved) {
      loop = null;
      const place = nearest(...at(event));
      if (place >= 0) location.hash = `#/songs/${answer.ids[place]}`;
      else select([]);
    }
    start = null;
  });
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    const factor = Math.exp(-event.deltaY / 500);
    zoom(factor, event.offsetX, event.offsetY);
  }, { passive: false });
  canvas.addEventListener("keydown", (event) => {
    const step = 60 / view.scale;
    const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] };
    if (event.key in moves) {
      isMoved = true;
      view.x += moves[event.key][0];
      view.y += moves[event.key][1];
    } else if (event.key === "+" || event.key === "-") zoom(event.key === "+" ? 1.3 : 1 / 1.3, canvas.clientWidth / 2, canvas.clientHeight / 2);
    else return;
    event.preventDefault();
    event.stopPropagation();
    draw();
  });
  function zoom(factor, x, y) {
    isMoved = true;
    const [dx, dy] = [(x - canvas.clientWidth / 2) / view.scale, -(y - canvas.clientHeight / 2) / view.scale];
    view = { x: view.x + dx * (1 - 1 / factor), y: view.y + dy * (1 - 1 / factor), scale: view.scale * factor };
    draw();
  }
  drawLegend();
  draw();
  canvas.dataset.ready = "true";
  canvas.mapApi = { select, toScreen: (id) => toScreen(points[placeOf.get(id)]) };
  const off = onSong(draw);
  const resize = new ResizeObserver(draw);
  resize.observe(canvas);
  const theme = new MutationObserver(() => { drawLegend(); draw(); });
  theme.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  return () => { off(); resize.disconnect(); theme.disconnect(); };
}

/** The least and the greatest coordinate of all points on one axis. */
function rangeOf(points, axis) {
  let [least, most] = [Infinity, -Infinity];
  for (const point of points) {
    least = Math.min(least, point[axis]);
    most = Math.max(most, point[axis]);
  }
  return [least, most];
}

function spanOf(points, axis) {
  const [least, most] = rangeOf(points, axis);
  return most - least;
}

/** The map; waits for its layout if there is none yet. */
async function mapOf(main) {
  const answer = await get("/map");
  if (!answer.job) return answer;
  main.replaceChildren(el("p", { className: "quiet" }, TEXT.mapWaits), el("progress", {}));
  const state = await new Promise((resolve) => {
    follow(answer.job.id, (job) => { if (job.state !== "running" && job.finished) resolve(job); });
  });
  if (state.error) throw new Error(state.error);
  return get("/map");
}

function mark(context, shape, x, y, size) {
  context.beginPath();
  if (shape === "square") context.rect(x - size, y - size, 2 * size, 2 * size);
  else if (shape === "triangle") {
    context.moveTo(x, y - 1.2 * size);
    context.lineTo(x + 1.2 * size, y + size);
    context.lineTo(x - 1.2 * size, y + size);
  } else context.arc(x, y, size, 0, 2 * Math.PI);
  context.fill();
}

function shapeOf(swatch, isDark) {
  const fill = isDark ? swatch.dark : swatch.light;
  if (swatch.shape === "square") return svg("rect", { x: -5, y: -5, width: 10, height: 10, fill });
  if (swatch.shape === "triangle") return svg("path", { d: "M0-6 6 5-6 5Z", fill });
  return svg("circle", { r: 5, fill });
}

function isInside([x, y], loop) {
  let inside = false;
  for (let i = 0, j = loop.length - 1; i < loop.length; j = i++) {
    const [[xi, yi], [xj, yj]] = [loop[i], loop[j]];
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) inside = !inside;
  }
  return inside;
}
