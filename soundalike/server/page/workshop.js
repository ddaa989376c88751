// The playlist workshop: songs and rules in; keep and drop; the flow; save.

import { download, post } from "./api.js";
import { el, say } from "./dom.js";
import { flowPicture } from "./flow.js";
import { playList } from "./player.js";
import { songRow, titleOf } from "./rows.js";
import { dropped, hasStart, kept, markExcluded, offerLastSongs, question, ruleControls, setKind } from "./rules.js";
import { allSeeds, onSeeds, removeSeed } from "./seeds.js";
import { tasteSlider } from "./taste.js";
import { TEXT } from "./text.js";

const WAIT_MS = 250;
const KINDS = ["rediscover", "daily-mix"];
const HAS_NAVIDROME = document.querySelector('meta[name="navidrome"]').content === "yes";
const FORMATS = ["m3u8", "xspf", "json"];
const isNarrow = matchMedia("(max-width: 46rem)");
let tracks = [];

/** The tracks of the last playlist, for the map. */
export function playlistTracks() {
  return tracks;
}

/** The view; `kind` may name a playlist that starts from the listener's events. */
export function showWorkshop(main, kind) {
  if (KINDS.includes(kind)) {
    setKind(kind);
    kept.clear();
    dropped.clear();
  }
  const chips = el("ul", { className: "chips", id: "seeds" });
  const result = el("section", { "aria-label": TEXT.result });
  const rules = ruleControls(solveSoon);
  main.replaceChildren(el("h1", {}, TEXT.workshop), el("div", { className: "columns" },
    result,
    el("details", { className: "panel rules", open: !isNarrow.matches },
      el("summary", {}, TEXT.rules),
      el("form", { className: "fields", onsubmit: (event) => event.preventDefault() },
        el("div", {}, el("strong", {}, TEXT.startFrom), chips), rules, tasteSlider(solveSoon)))));

  let timer = 0;
  let round = 0;
  function solveSoon() {
    clearTimeout(timer);
    result.setAttribute("aria-busy", "true");
    timer = setTimeout(solve, WAIT_MS);
  }
  function judge(track, isKept) {
    const [into, outOf] = isKept ? [kept, dropped] : [dropped, kept];
    outOf.delete(track.id);
    if (into.has(track.id)) into.delete(track.id);
    else into.add(track.id);
    markExcluded(rules);
    solveSoon();
  }
  function drawSeeds() {
    const seeds = allSeeds();
    chips.replaceChildren(...seeds.map((track) => el("li", {}, el("button", {
      type: "button", "aria-label": TEXT.remove(titleOf(track)), onclick: () => removeSeed(track.id),
    }, `${titleOf(track)} ✕`))));
    offerLastSongs(rules, seeds, titleOf);
  }
  async function solve() {
    const seeds = allSeeds();
    if (!hasStart(seeds)) {
      result.replaceChildren(el("p", { className: "quiet" }, TEXT.noSeeds));
      result.setAttribute("aria-busy", "false");
      return;
    }
    const solving = ++round;
    result.setAttribute("aria-busy", "true");
    try {
      const answer = await post("/playlist", question(seeds, tracks));
      if (solving !== round) return;
      tracks = answer.tracks;
      drawResult(result, answer, judge);
    } catch (error) {
      if (solving === round) result.replaceChildren(el("p", { className: "bad", role: "alert" }, error.message));
    }
    if (solving === round) result.setAttribute("aria-busy", "false");
  }
  const off = onSeeds(() => {
    kept.clear();
    dropped.clear();
    drawSeeds();
    solveSoon();
  });
  drawSeeds();
  solve();
  return () => { off(); clearTimeout(timer); round++; };
}

function drawResult(result, answer, judge) {
  const counts = Object.entries(answer.dropped).filter(([, count]) => count);
  const name = el("input", { id: "list-name", value: TEXT.playlistName, "aria-label": TEXT.listName });
  const ids = tracks.map((track) => track.id);
  const save = (format) => attempt(() => download("/playlist/file", { ids, format, name: name.value }, `${name.value || TEXT.playlistName}.${format}`));
  const focused = document.activeElement?.getAttribute("aria-label");
  result.replaceChildren(...[
    el("p", {}, `${TEXT.allSongs(tracks.length)}, ${TEXT.minutes(answer.seconds / 60)}`),
    counts.length ? el("p", { className: "quiet", id: "left-out" }, TEXT.keptOut(counts)) : null,
    ...answer.notes.map((note) => el("p", { className: "quiet" }, note)),
    el("div", { className: "actions" },
      el("button", { className: "main", type: "button", onclick: () => playList(tracks) }, TEXT.playAll),
      name,
      ...FORMATS.map((format) => el("button", { type: "button", onclick: () => save(format) }, TEXT.save(format.toUpperCase()))),
      el("button", { type: "button", onclick: () => attempt(() => keepForPlayers(name.value, ids)) }, TEXT.keepForPlayers),
      el("button", { type: "button", onclick: () => attempt(() => sendToMpd(ids)) }, TEXT.sendToMpd),
      HAS_NAVIDROME ? el("button", { type: "button", onclick: () => attempt(() => sendToNavidrome(name.value, ids)) }, TEXT.sendToNavidrome) : null,
      el("a", { className: "button", href: "#/map/playlist" }, TEXT.showOnMap)),
    flowPicture(answer.flow),
    el("ol", { className: "list", id: "playlist" }, ...tracks.map((track, place) => el("li", {},
      songRow(track, { tracks: () => tracks, place, extra: judgement(track, judge) }))))].filter(Boolean));
  if (focused && document.activeElement === document.body) {
    [...result.querySelectorAll("button")].find((button) => button.getAttribute("aria-label") === focused)?.focus();
  }
}

function judgement(track, judge) {
  const title = titleOf(track);
  const button = (text, tip, label, isOn, isKept) => el("button", {
    type: "button", title: tip, "aria-label": label, "aria-pressed": String(isOn), onclick: () => judge(track, isKept),
  }, text);
  return el("span", { className: "judges" },
    button("✓", TEXT.keep, TEXT.keepOne(title), kept.has(track.id), true),
    button("✕", TEXT.drop, TEXT.dropOne(title), dropped.has(track.id), false));
}

async function attempt(action) {
  try { await action(); } catch (error) { say(error.message); }
}

async function keepForPlayers(name, ids) {
  await post("/playlist/keep", { ids, name });
  say(TEXT.keptForPlayers);
}

async function sendToMpd(ids) {
  const answer = await post("/playlist/mpd", { ids });
  say([TEXT.queued(answer.n_queued), ...answer.problems].join(" "));
}

async function sendToNavidrome(name, ids) {
  const answer = await post("/navidrome/playlists", { ids, name });
  say(TEXT.sentToNavidrome(answer.sent, answer.missing));
}
