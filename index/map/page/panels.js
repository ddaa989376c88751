// The lists and cards around the map. Text from tags enters the page only as text nodes.

function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("aria-") || name === "role" || name.startsWith("data-")) made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children);
  return made;
}

function byId(id) {
  return document.getElementById(id);
}

// What a person can do, in the words of what they hold: a finger or a mouse with keys.
function hintFor(isDeep) {
  if (matchMedia("(pointer: coarse)").matches)
    return `Drag to ${isDeep ? "turn" : "move"}, pinch to zoom. Tap a track for its nearest neighbours.`;
  const drag = isDeep ? "Drag to turn, right-drag to move" : "Drag to move";
  return `${drag}, wheel to zoom. Click a track for its nearest neighbours. Keys: arrows, + −, 0, / to search, L for the lasso, N to walk on to the next neighbour.`;
}

// On a narrow window the panel is a sheet at the bottom: down (its first rows) or up.
const SHEET_PIXELS = 150;

function setSheet(isUp) {
  byId("panel").classList.toggle("up", isUp);
  byId("sheet").setAttribute("aria-expanded", String(isUp));
  byId("sheet").setAttribute("aria-label", isUp ? "Show less" : "Show colours and tools");
}

function counted(n, word = "track") {
  return `${n.toLocaleString("en")} ${word}${n === 1 ? "" : "s"}`;
}

function swatch(colour, shape, size = 14) {
  const name = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(name, "svg");
  svg.setAttribute("viewBox", "-10 -10 20 20");
  svg.setAttribute("width", size);
  svg.setAttribute("height", size);
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(name, "path");
  path.setAttribute("fill", colour);
  path.setAttribute("d", {
    circle: "M-8,0a8,8 0 1 0 16,0a8,8 0 1 0 -16,0",
    square: "M-7,-7H7V7H-7Z",
    triangle: "M0,-9L9,7H-9Z",
    diamond: "M0,-9L9,0L0,9L-9,0Z",
    plus: "M-3,-9H3V-3H9V3H3V9H-3V3H-9V-3H-3Z",
    wedge: "M0,9L9,-7H-9Z",
    dot: "M-5,0a5,5 0 1 0 10,0a5,5 0 1 0 -10,0",
  }[shape]);
  svg.append(path);
  return svg;
}

function fillLegend(field, colours, shown, actions) {
  byId("legend").replaceChildren(...field.labels.map((label, code) => {
    const entry = element("button",
      { type: "button", className: "entry", "aria-pressed": String(shown[code]), title: label },
      swatch(colours[code], field.shapes[code]),
      element("span", { className: "name" }, label),
      element("span", { className: "count" }, field.counts[code].toLocaleString("en")));
    entry.addEventListener("click", () => actions.toggle(code));
    const only = element("button",
      { type: "button", className: "only", "aria-label": `Show only ${label}` }, "only");
    only.addEventListener("click", () => actions.only(code));
    const item = element("li", {}, entry, only);
    item.addEventListener("pointerenter", () => actions.point(code));
    item.addEventListener("pointerleave", () => actions.point(-1));
    return item;
  }));
  byId("show-all").hidden = shown.every(Boolean);
}

const MOST_RESULTS = 60;

function fillResults(map, rows, active, actions) {
  const list = byId("results");
  const items = rows.slice(0, MOST_RESULTS).map((row, place) => {
    const track = map.track(row);
    const item = element("li", { id: `result-${place}`, role: "option", "aria-selected": String(place === active) },
      track.title, element("small", {}, [track.artist, track.album].filter(Boolean).join(" · ")));
    item.addEventListener("click", () => actions.pick(row));
    return item;
  });
  if (rows.length > 1) {
    const all = element("li", { className: "all", role: "option", "aria-selected": "false" },
      `Choose all ${counted(rows.length)}`);
    all.addEventListener("click", () => actions.chooseAll(rows));
    items.unshift(all);
  }
  if (!rows.length) items.push(element("li", { role: "option", "aria-disabled": "true" }, "No track found"));
  list.replaceChildren(...items);
  list.hidden = false;
  const search = byId("search");
  search.setAttribute("aria-expanded", "true");
  if (active >= 0) {
    search.setAttribute("aria-activedescendant", `result-${active}`);
    byId(`result-${active}`)?.scrollIntoView({ block: "nearest" });
  } else search.removeAttribute("aria-activedescendant");
}

function hideResults() {
  byId("results").hidden = true;
  byId("search").setAttribute("aria-expanded", "false");
  byId("search").removeAttribute("aria-activedescendant");
}

function fillTip(map, row, place, colour, shape) {
  const track = map.track(row);
  const field = map.fields[place];
  const parts = [element("b", {}, track.title)];
  if (track.artist) parts.push(element("span", {}, track.artist));
  const facts = [track.album, clock(track.seconds)].filter(Boolean).join(" · ");
  if (facts) parts.push(element("small", {}, facts));
  const value = map.value(place, row) || "unknown";
  parts.push(element("small", { className: "swatch" }, swatch(colour, shape, 11), `${field.title}: ${value}`));
  if (track.genre && field.name !== "genre") parts.push(element("small", {}, `genre: ${track.genre}`));
  if (track.misleads) parts.push(element("small", {}, "⚠ far from its neighbours"));
  byId("tip").replaceChildren(...parts);
}

function placeTip(x, y) {
  const tip = byId("tip");
  tip.hidden = false;
  const { width, height } = tip.getBoundingClientRect();
  const left = x + 16 + width > innerWidth ? x - 16 - width : x + 16;
  tip.style.left = `${Math.max(left, 4)}px`;
  tip.style.top = `${Math.min(Math.max(y + 14, 4), innerHeight - height - 4)}px`;
}

function fillCard(map, row, farRows, actions) {
  const card = byId("card");
  const track = map.track(row);
  card.querySelector("h2").textContent = track.title;
  card.querySelector(".by").textContent = track.artist;
  const facts = [track.album, track.genre, clock(track.seconds)].filter(Boolean).join(" · ");
  card.querySelector(".facts").textContent = facts;
  const nearby = Math.round(track.preservation * map.k);
  const place = card.querySelector(".place");
  place.classList.toggle("misleads", track.misleads);
  place.hidden = map.k === 0;
  place.textContent =
    `${nearby} of its ${map.k} nearest neighbours are nearby on the map. ` +
    (track.misleads ? "Its place is misleading: use the list below." : "");
  const near = map.neighbours(row).map(({ row: other, rank, distance }) => {
    const neighbour = map.track(other);
    const bar = element("i");
    bar.style.width = `${Math.max(4, 100 * (1 - distance / map.widest))}%`;
    const name = element("span", { className: "name", title: [neighbour.title, neighbour.artist].filter(Boolean).join(" – ") },
      neighbour.title, element("small", {}, neighbour.artist));
    const item = element("li", { tabIndex: 0, role: "button", className: farRows.has(other) ? "far" : "" },
      element("span", { className: "rank" }, String(rank)), name, element("span", { className: "bar" }, bar));
    item.addEventListener("click", () => actions.select(other));
    item.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); actions.select(other); }
    });
    return item;
  });
  byId("near").replaceChildren(...near);
  prepareSound(map, track);
  card.hidden = false;
}

function prepareSound(map, track) {
  const audio = byId("audio");
  const status = byId("card").querySelector(".sound");
  const addresses = soundAddresses(track.path, map.page_folder, track.start, track.end);
  status.hidden = true;
  audio.hidden = addresses.length === 0;
  let wantsToPlay = false;
  audio.onplay = () => { wantsToPlay = true; };
  audio.onerror = () => {
    if (!addresses.length) {
      audio.hidden = true;
      status.hidden = false;
      status.textContent = `This page cannot open ${track.path}`;
      return;
    }
    audio.src = addresses.shift();
    if (wantsToPlay) audio.play().catch(() => {});
  };
  if (addresses.length) audio.src = addresses.shift();
  else audio.onerror();
}
