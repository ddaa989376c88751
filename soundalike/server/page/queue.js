// The queue of the player: what plays, what comes next.

import { el } from "./dom.js";
import { onQueue, playPlace, takeOut, theQueue } from "./player.js";
import { titleOf } from "./rows.js";
import { TEXT } from "./text.js";

const MARGIN = 50;
const panel = document.getElementById("queue");
const button = document.getElementById("queue-open");

/** Show or hide the queue. */
export function toggleQueue() {
  panel.hidden = !panel.hidden;
  button.setAttribute("aria-expanded", String(!panel.hidden));
  if (panel.hidden) return;
  draw();
  panel.querySelector("[aria-current] button")?.focus();
}

/** Hide it; returns whether it was shown. */
export function closeQueue() {
  if (panel.hidden) return false;
  toggleQueue();
  button.focus();
  return true;
}

function draw() {
  if (panel.hidden) return;
  const { tracks, place } = theQueue();
  const first = Math.max(0, place - MARGIN);
  const shown = tracks.slice(first, place + 4 * MARGIN);
  panel.replaceChildren(
    el("div", { className: "actions" }, el("h2", { id: "queue-title" }, TEXT.queue),
      el("button", { type: "button", onclick: closeQueue }, TEXT.closeHelp)),
    tracks.length ? el("ol", { start: first + 1 }, ...shown.map((track, n) => item(track, first + n, place)))
      : el("p", { className: "quiet" }, TEXT.emptyQueue));
}

function item(track, number, place) {
  const title = titleOf(track);
  const isHere = number === place;
  return el("li", { "aria-current": isHere ? "true" : null },
    el("button", { type: "button", className: "name-of", "aria-label": TEXT.playOne(title), onclick: () => playPlace(number) },
      [track.artist, title].filter(Boolean).join(" – ")),
    el("button", { type: "button", "aria-label": TEXT.takeOut(title), disabled: isHere, onclick: () => takeOut(number) }, "✕"));
}

onQueue(draw);
button.addEventListener("click", toggleQueue);
panel.addEventListener("keydown", (event) => { if (event.key === "Escape" && closeQueue()) event.stopPropagation(); });
