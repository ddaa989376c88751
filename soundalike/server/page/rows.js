// A song as a row of a list: play it, open it, take it into the playlist.

import { el, say } from "./dom.js";
import { current, fileName, playList } from "./player.js";
import { addSeed } from "./seeds.js";
import { tasteButtons } from "./taste.js";
import { TEXT, clock } from "./text.js";

/** The title of a song, or the name of its file. */
export function titleOf(track) {
  return track.title || fileName(track);
}

/** The row of a song. `tracks` gives the list that goes on after it; `extra` stands before the length. */
export function songRow(track, { tracks = () => [track], place = 0, extra = null } = {}) {
  const title = titleOf(track);
  const line = [track.artist, track.album].filter(Boolean).join(" · ");
  const isKnown = Boolean(track.id);
  return el("div", { className: `row${isKnown && current()?.id === track.id ? " playing" : ""}`, "data-id": track.id },
    el("button", {
      type: "button", "aria-label": TEXT.playOne(title), disabled: !isKnown,
      onclick: () => playList(tracks(), place),
    }, "▶"),
    el("div", { className: "words" },
      isKnown ? el("a", { href: `#/songs/${track.id}` }, title) : el("strong", {}, title),
      el("span", {}, line)),
    extra ?? el("span", { className: "length quiet" }, clock(track.duration_seconds)),
    isKnown ? tasteButtons(track, title) : el("span"),
    el("button", {
      type: "button", "aria-label": TEXT.addOne(title), disabled: !isKnown,
      onclick: () => { addSeed(track); say(TEXT.added(title)); },
    }, "+"));
}

/** Songs below each other. */
export function songList(tracks, extraOf = () => null, afterOf = () => null) {
  const playable = tracks.filter((track) => track.id);
  return el("ul", { className: "list" }, ...tracks.map((track) => el("li", {},
    songRow(track, { tracks: () => playable, place: playable.indexOf(track), extra: extraOf(track) }),
    afterOf(track))));
}

/** The likeness of a neighbour, as a bar and a number. */
export function scoreOf(track) {
  const score = track.score.toFixed(2);
  return el("span", { className: "score" },
    el("meter", { min: 0, max: 1, value: track.score, "aria-label": TEXT.likeness(score) }), score);
}

/** Arrow keys move between the rows of a list. */
export function moveBetweenRows(event) {
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  const links = [...event.currentTarget.querySelectorAll(".row .words a")];
  const rows = links.map((link) => link.closest(".row"));
  const here = rows.findIndex((row) => row.contains(document.activeElement));
  const target = links[event.key === "ArrowDown" ? here + 1 : Math.max(0, here - 1)];
  if (target) {
    target.focus();
    event.preventDefault();
  }
}
