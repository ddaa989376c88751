// One song: what it is, what sounds like it, and why.

import { get } from "./api.js";
import { el, say } from "./dom.js";
import { playList, playNext, playStretch } from "./player.js";
import { moveBetweenRows, scoreOf, songList, titleOf } from "./rows.js";
import { addSeed, setSeeds } from "./seeds.js";
import { strength, tasteButtons, tasteSlider } from "./taste.js";
import { TEXT, clock } from "./text.js";

const HIDDEN = new Set(["title", "artist", "album", "genre"]);
const LONGEST = 60;
const N_NEAR = 20;
const N_STRETCHES = 2;

/** The view of one song. */
export async function showSong(main, id) {
  main.replaceChildren(el("p", { className: "quiet" }, TEXT.loading));
  const near = el("div", { id: "near" });
  const [track] = await Promise.all([get(`/tracks/${id}`), drawNear(near, id)]);
  const title = titleOf(track);
  main.replaceChildren(el("div", { className: "columns" },
    el("section", { "aria-labelledby": "song-title" },
      el("h1", { id: "song-title" }, title),
      el("p", { className: "quiet" }, [track.artist, track.album, track.year].filter(Boolean).join(" · ")),
      el("div", { className: "actions row-of-one", "data-id": track.id },
        el("button", { className: "main", type: "button", onclick: () => playList([track]) }, TEXT.play),
        el("button", { type: "button", onclick: () => { playNext(track); say(TEXT.comesNext(title)); } }, TEXT.playNext),
        el("button", { type: "button", onclick: () => { addSeed(track); say(TEXT.added(title)); } }, TEXT.addToPlaylist),
        el("button", { type: "button", onclick: () => { setSeeds([track]); location.hash = "#/playlist"; } }, TEXT.startPlaylist),
        el("a", { className: "button", href: `#/map/${track.id}` }, TEXT.showOnMap),
        tasteButtons(track, title)),
      el("div", { className: "actions" },
        el("h2", {}, TEXT.soundsLikeThis),
        el("button", { type: "button", id: "why", onclick: () => explain(track, near) }, TEXT.why),
        tasteSlider(() => drawNear(near, id).catch((error) => say(error.message)))),
      near),
    el("aside", { className: "panel" }, el("h2", {}, TEXT.details), details(track))));
}

/** The neighbours of a song, in the order that the slider asks for. */
async function drawNear(place, id) {
  const answer = await get("/similar", { id, k: N_NEAR, taste: strength() || "" });
  const whys = new Map();
  const list = songList(answer.neighbours, scoreOf, (other) => {
    const why = el("div", { className: "why", hidden: true });
    whys.set(other.id, why);
    return why;
  });
  list.addEventListener("keydown", moveBetweenRows);
  place.whys = whys;
  place.replaceChildren(
    ...[answer.closeness ? TEXT.closeness(answer.closeness.word) : "", ...answer.notes].filter(Boolean)
      .map((text) => el("p", { className: "quiet" }, text)),
    list);
}

function details(track) {
  const fields = Object.entries(track.fields ?? {}).filter(([name]) => !HIDDEN.has(name) && !name.startsWith("sounds."));
  const sounds = Object.entries(track.fields ?? {})
    .filter(([name]) => name.startsWith("sounds."))
    .sort((a, b) => Number(b[1][0]) - Number(a[1][0])).slice(0, 6);
  const rows = [[TEXT.length, clock(track.duration_seconds)], [TEXT.genre, track.genre], [TEXT.file, track.path],
    ...fields.map(([name, values]) => [name.replace("measured.", ""), values.join("; ")])];
  return el("div", {},
    sounds.length ? el("ul", { className: "tags" }, ...sounds.map(([name, values]) =>
      el("li", {}, `${name.replace("sounds.", "")} ${Number(values[0]).toFixed(2)}`))) : null,
    el("table", {}, el("tbody", {}, ...rows.filter(([, value]) => value).map(([name, value]) =>
      el("tr", {}, el("th", { scope: "row" }, name),
        el("td", { title: value }, value.length > LONGEST ? `…${value.slice(-LONGEST)}` : value))))));
}

async function explain(track, near) {
  try {
    const answer = await get("/similar", { id: track.id, k: N_NEAR, explain: true, taste: strength() || "" });
    for (const other of answer.neighbours) {
      const place = near.whys.get(other.id);
      if (!place) continue;
      place.replaceChildren(...reasons(track, other));
      place.hidden = false;
    }
  } catch (error) {
    say(error.message);
  }
}

function reasons(track, other) {
  const place = el("div");
  place.append(el("button", { type: "button", className: "find-stretches",
    onclick: (event) => findStretches(track, other, place, event.target) }, TEXT.findStretches));
  return [el("div", {}, other.explanation?.sentence ?? TEXT.noReason), place];
}

/** Both files may have to be read first, which takes about a second. */
async function findStretches(track, other, place, button) {
  button.disabled = true;
  button.textContent = TEXT.findingStretches;
  try {
    const answer = await get("/explain", { id: track.id, to: other.id });
    const stretches = answer.neighbours[0]?.explanation.stretches ?? [];
    place.replaceChildren(...stretches.slice(0, N_STRETCHES).map((stretch) => stretchButtons(track, other, stretch)));
    if (!stretches.length) place.textContent = TEXT.noStretches;
    else place.querySelector("button").focus();
  } catch (error) {
    button.disabled = false;
    button.textContent = TEXT.findStretches;
    say(error.message);
  }
}

function stretchButtons(track, other, { query_seconds: mine, seconds: theirs }) {
  const first = () => playStretch(track, mine[0], mine[1]);
  const second = () => playStretch(other, theirs[0], theirs[1]);
  return el("div", { className: "stretches" },
    el("button", { type: "button", onclick: first }, `▶ ${TEXT.hearFirst(clock(mine[0]), clock(mine[1]))}`),
    el("button", { type: "button", onclick: second }, `▶ ${TEXT.hearSecond(clock(theirs[0]), clock(theirs[1]))}`),
    el("button", { type: "button", onclick: () => playStretch(track, mine[0], mine[1], second) }, TEXT.hearBoth));
}

/** Songs like a sound that is not in the library. */
export function showUpload(main, name, answer) {
  main.replaceChildren(el("h1", {}, TEXT.upload(name)), songList(answer.neighbours, scoreOf,
    (track) => (track.is_duplicate ? el("p", { className: "why" }, TEXT.isCopy) : null)));
}
