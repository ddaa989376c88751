// The playlist workshop: songs and rules in; keep and drop; the flow; save.

import { download, get, post } from "./api.js";
import { el, say, svg } from "./dom.js";
import { playList } from "./player.js";
import { songRow, titleOf } from "./rows.js";
import { allSeeds, onSeeds, removeSeed } from "./seeds.js";
import { TEXT } from "./text.js";

const WAIT_MS = 250;
const MEASURES = [["energy", ["measured.energy", "energy"]], ["tempo", ["measured.tempo", "tempo", "bpm"]]];

const state = { length: 20, per_artist: "", spacing: "", where: "", arc: "", drift: 0, to: "", kept: new Set(), dropped: new Set(), tracks: [] };

/** The tracks of the last playlist, for the map. */
export function playlistTracks() {
  return state.tracks;
}

/** The view. */
export function showWorkshop(main) {
  const chips = el("ul", { className: "chips", id: "seeds" });
  const result = el("section", { "aria-label": TEXT.result });
  const to = el("select", { onchange: (event) => set("to", event.target.value) });
  main.replaceChildren(el("h1", {}, TEXT.workshop), el("div", { className: "columns" },
    result,
    el("form", { className: "panel fields", onsubmit: (event) => event.preventDefault() },
      el("div", {}, el("strong", {}, TEXT.startFrom), chips),
      field(TEXT.songsInList, input("length", { type: "number", min: 1, max: 500 })),
      el("label", {}, TEXT.adventure, input("drift", { type: "range", min: 0, max: 1, step: 0.05 }),
        el("span", { className: "ends" }, el("span", {}, TEXT.close), el("span", {}, TEXT.adventurous))),
      field(TEXT.arc, el("select", { onchange: (event) => set("arc", event.target.value) },
        ...TEXT.arcs.map(([value, name]) => el("option", { value, selected: value === state.arc }, name)))),
      field(TEXT.lastSong, to),
      field(TEXT.perArtist, input("per_artist", { type: "number", min: 0, max: 100, placeholder: TEXT.any })),
      field(TEXT.spacing, input("spacing", { type: "number", min: 0, max: 100, placeholder: TEXT.any })),
      field(TEXT.where, input("where", { type: "text", placeholder: TEXT.wherePlaceholder })))));

  let timer = 0;
  let round = 0;
  function solveSoon() {
    clearTimeout(timer);
    result.setAttribute("aria-busy", "true");
    timer = setTimeout(solve, WAIT_MS);
  }
  function set(name, value) {
    state[name] = value;
    solveSoon();
  }
  function input(name, properties) {
    return el("input", { ...properties, id: `rule-${name}`, value: state[name], oninput: (event) => set(name, event.target.value) });
  }
  function judge(track, isKept) {
    const [into, outOf] = isKept ? [state.kept, state.dropped] : [state.dropped, state.kept];
    outOf.delete(track.id);
    if (into.has(track.id)) into.delete(track.id);
    else into.add(track.id);
    solveSoon();
  }
  function drawSeeds() {
    const seeds = allSeeds();
    chips.replaceChildren(...seeds.map((track) => el("li", {}, el("button", {
      type: "button", "aria-label": TEXT.remove(titleOf(track)), onclick: () => removeSeed(track.id),
    }, `${titleOf(track)} ✕`))));
    to.replaceChildren(el("option", { value: "" }, TEXT.any),
      ...seeds.slice(1).map((track) => el("option", { value: track.id, selected: String(track.id) === state.to }, titleOf(track))));
    if (!seeds.some((track) => String(track.id) === state.to)) state.to = "";
  }
  async function solve() {
    const seeds = allSeeds();
    if (!seeds.length && !state.where) {
      result.replaceChildren(el("p", { className: "quiet" }, TEXT.noSeeds));
      result.setAttribute("aria-busy", "false");
      return;
    }
    const mine = ++round;
    result.setAttribute("aria-busy", "true");
    try {
      const answer = await post("/playlist", question(seeds));
      if (mine !== round) return;
      state.tracks = answer.tracks;
      drawResult(result, answer, judge);
    } catch (error) {
      if (mine === round) result.replaceChildren(el("p", { className: "bad", role: "alert" }, error.message));
    }
    if (mine === round) result.setAttribute("aria-busy", "false");
  }
  const off = onSeeds(() => {
    state.kept.clear();
    state.dropped.clear();
    drawSeeds();
    solveSoon();
  });
  drawSeeds();
  solve();
  return () => { off(); clearTimeout(timer); round++; };
}

function question(seeds) {
  const body = { length: Number(state.length) || 20, where: state.where };
  for (const name of ["per_artist", "spacing"]) if (state[name] !== "") body[name] = Number(state[name]);
  const isJudged = state.kept.size || state.dropped.size;
  if (isJudged) {
    // What was kept or dropped before need not be in the present list.
    const judged = [...new Set([...state.tracks.map((track) => track.id), ...state.kept, ...state.dropped])];
    const keep = state.kept.size ? [...state.kept] : [];
    return { ...body, seeds: seeds.map((track) => track.id), judged, keep, drop: [...state.dropped] };
  }
  if (state.to) return { ...body, seeds: [seeds[0].id], to: Number(state.to), via: [] };
  if (state.arc) return { ...body, seeds: seeds.map((track) => track.id), arc: state.arc };
  if (Number(state.drift)) body.drift = Number(state.drift);
  return { ...body, seeds: seeds.map((track) => track.id) };
}

function field(name, control) {
  return el("label", {}, name, control);
}

function drawResult(result, answer, judge) {
  const tracks = answer.tracks;
  const dropped = Object.entries(answer.dropped).filter(([, count]) => count).map(([rule, count]) => `${count} by ${rule}`);
  const name = el("input", { id: "list-name", value: "playlist", "aria-label": TEXT.listName });
  const ids = () => tracks.map((track) => track.id);
  const save = (format) => download("/playlist/file", { ids: ids(), format, name: name.value }, `${name.value || "playlist"}.${format}`)
    .catch((error) => say(error.message));
  const flow = el("div", {});
  result.replaceChildren(
    el("p", {}, `${TEXT.allSongs(tracks.length)}, ${TEXT.minutes(answer.seconds / 60)}`),
    dropped.length ? el("p", { className: "quiet", id: "left-out" }, TEXT.keptOut(dropped)) : null,
    ...answer.notes.map((note) => el("p", { className: "quiet" }, note)),
    el("div", { className: "actions" },
      el("button", { className: "main", type: "button", onclick: () => playList(tracks) }, TEXT.playAll),
      name,
      ...["m3u8", "xspf", "json"].map((format) => el("button", { type: "button", onclick: () => save(format) }, TEXT.save(format.toUpperCase()))),
      el("button", { type: "button", onclick: () => keepForPlayers(name.value, ids()) }, TEXT.keepForPlayers),
      el("button", { type: "button", onclick: () => sendToMpd(ids()) }, TEXT.sendToMpd),
      el("a", { className: "button", href: "#/map/playlist" }, TEXT.showOnMap)),
    flow,
    el("ol", { className: "list", id: "playlist" }, ...tracks.map((track, place) => el("li", {},
      songRow(track, { tracks, place, extra: judgement(track, judge) })))));
  drawFlow(flow, tracks);
}

function judgement(track, judge) {
  const title = titleOf(track);
  return el("span", {},
    el("button", { type: "button", title: TEXT.keep, "aria-label": TEXT.keepOne(title), "aria-pressed": String(state.kept.has(track.id)), onclick: () => judge(track, true) }, "✓"),
    " ",
    el("button", { type: "button", title: TEXT.drop, "aria-label": TEXT.dropOne(title), "aria-pressed": String(state.dropped.has(track.id)), onclick: () => judge(track, false) }, "✕"));
}

async function keepForPlayers(name, ids) {
  try {
    await post("/playlist/keep", { ids, name });
    say(TEXT.keptForPlayers);
  } catch (error) { say(error.message); }
}

async function sendToMpd(ids) {
  try {
    const answer = await post("/playlist/mpd", { ids });
    say([TEXT.queued(answer.n_queued), ...answer.problems].join(" "));
  } catch (error) { say(error.message); }
}

async function drawFlow(place, tracks) {
  let details;
  try {
    details = await Promise.all(tracks.slice(0, 60).map((track) => get(`/tracks/${track.id}`)));
  } catch { return; }
  const lines = MEASURES.map(([name, fields]) => [name, details.map((track) => {
    const values = fields.map((field) => track.fields[field]?.[0]).find(Boolean);
    return values === undefined ? NaN : Number(values);
  })]).filter(([, values]) => values.filter(Number.isFinite).length > 1);
  if (!lines.length) return;
  const picture = svg("svg", { class: "flow", viewBox: "0 0 100 100", preserveAspectRatio: "none", role: "img", "aria-label": TEXT.flow });
  for (const [name, values] of lines) {
    const finite = values.filter(Number.isFinite);
    const [low, high] = [Math.min(...finite), Math.max(...finite)];
    const points = values.map((value, n) => [(n / Math.max(values.length - 1, 1)) * 100, 95 - ((value - low) / (high - low || 1)) * 90])
      .filter(([, y]) => Number.isFinite(y));
    picture.append(svg("polyline", { class: name, points: points.map((point) => point.join(",")).join(" ") }));
  }
  place.replaceChildren(picture, el("p", { className: "quiet" }, TEXT.flow));
}
