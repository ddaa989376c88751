// Every song, or those with some words: a list that holds only the rows in view.

import { get } from "./api.js";
import { el, say } from "./dom.js";
import { onSong } from "./player.js";
import { moveBetweenRows, songRow } from "./rows.js";
import { TEXT } from "./text.js";

const PAGE = 100;
const MARGIN = 8;
const rowHeight = () => 3.5 * parseFloat(getComputedStyle(document.documentElement).fontSize);

/** The view; `words` is what is in the search box. */
export function showSongs(main, words) {
  main.classList.add("full");
  const count = el("p", { className: "quiet", id: "count" }, TEXT.loading);
  const rows = el("ul", { className: "rows virtual", onkeydown: moveBetweenRows });
  const scroller = el("div", { className: "scroller", tabIndex: 0, role: "region", "aria-label": TEXT.songsInList }, rows);
  main.replaceChildren(count, scroller);

  const pages = new Map();
  const requested = new Set();
  const shown = new Map();
  const stop = new AbortController();
  let total = 0;

  async function load(page) {
    if (requested.has(page)) return;
    requested.add(page);
    const cursor = page ? `from-${page * PAGE}` : "";
    try {
      const answer = words
        ? await get("/search", { q: words, limit: PAGE, cursor }, stop.signal)
        : await get("/tracks", { limit: PAGE, cursor }, stop.signal);
      pages.set(page, answer.tracks);
      total = answer.total;
      rows.style.height = `${total * rowHeight()}px`;
      count.textContent = total ? (words ? TEXT.found(total, words) : TEXT.allSongs(total))
        : words ? TEXT.noneFound(words) : TEXT.emptyLibrary;
      draw();
    } catch (error) {
      requested.delete(page);
      if (error.name !== "AbortError") { count.textContent = ""; say(error.message); }
    }
  }

  /** The songs of a page, and of those after it that are here. */
  function loadedFrom(page) {
    const tracks = [];
    for (let next = page; pages.has(next); next++) tracks.push(...pages.get(next));
    return tracks;
  }

  function draw() {
    const height = rowHeight();
    const first = Math.max(0, Math.floor(scroller.scrollTop / height) - MARGIN);
    const last = Math.min(total, Math.ceil((scroller.scrollTop + scroller.clientHeight) / height) + MARGIN);
    for (const [place, item] of shown) {
      if ((place < first || place >= last) && !item.contains(document.activeElement)) {
        item.remove();
        shown.delete(place);
      }
    }
    for (let place = first; place < last; place++) {
      const page = Math.floor(place / PAGE);
      if (!pages.has(page)) { load(page); continue; }
      if (shown.has(place)) continue;
      const tracks = pages.get(page);
      const track = tracks[place % PAGE];
      if (!track) continue;
      const item = el("li", { "aria-setsize": total, "aria-posinset": place + 1 },
        songRow(track, { tracks: () => loadedFrom(page), place: place % PAGE }));
      item.style.top = `${place * height}px`;
      shown.set(place, item);
      const after = [...shown.keys()].filter((other) => other > place).sort((a, b) => a - b)[0];
      rows.insertBefore(item, shown.get(after) ?? null);
    }
  }

  scroller.addEventListener("scroll", () => requestAnimationFrame(draw));
  const resize = new ResizeObserver(draw);
  resize.observe(scroller);
  const off = onSong((track) => {
    for (const row of rows.querySelectorAll(".row")) {
      row.classList.toggle("playing", row.dataset.id === String(track.id));
    }
  });
  load(0);
  return () => { stop.abort(); resize.disconnect(); off(); };
}
