// The rules of a playlist as controls. Rules that exclude each other are not shown as if both held.

import { el } from "./dom.js";
import { strength } from "./taste.js";
import { TEXT } from "./text.js";

const DEFAULT_LENGTH = 20;
const state = {
  kind: "", length: DEFAULT_LENGTH, minutes: "", per_artist: "", per_album: "", spacing: "", where: "", arc: "",
  drift: 0, to: "", mix: false,
};
export const kept = new Set();
export const dropped = new Set();

/** Start from the listener's events: `rediscover` or `daily-mix`; empty: from songs. */
export function setKind(kind) {
  state.kind = kind;
}

/** Whether there is anything to start from. */
export function hasStart(seeds) {
  return Boolean(seeds.length || state.where || state.kind);
}

/** The controls; `onChange` is called after each change. */
export function ruleControls(onChange) {
  const form = el("div", { className: "fields" });
  const set = (name, value) => {
    state[name] = value;
    markExcluded(form);
    onChange();
  };
  const input = (name, properties) => el("input", {
    ...properties, id: `rule-${name}`, value: state[name], oninput: (event) => set(name, event.target.value),
  });
  const choice = (name, options) => el("select", { id: `rule-${name}`, onchange: (event) => set(name, event.target.value) },
    ...options.map(([value, text]) => el("option", { value, selected: value === state[name] }, text)));
  const number = (name, min, max, placeholder = TEXT.any) => input(name, { type: "number", min, max, placeholder });
  form.append(
    field(TEXT.kind, choice("kind", TEXT.kinds)),
    field(TEXT.songsInList, number("length", 1, 500)),
    field(TEXT.orMinutes, number("minutes", 1, 1000, "")),
    el("label", {}, TEXT.adventure, input("drift", { type: "range", min: 0, max: 1, step: 0.05 }),
      el("span", { className: "ends" }, el("span", {}, TEXT.close), el("span", {}, TEXT.adventurous))),
    field(TEXT.arc, choice("arc", TEXT.arcs)),
    field(TEXT.lastSong, el("select", { id: "rule-to", onchange: (event) => set("to", event.target.value) })),
    el("label", { className: "check" }, el("input", {
      id: "rule-mix", type: "checkbox", checked: state.mix, onchange: (event) => set("mix", event.target.checked),
    }), ` ${TEXT.mix}`),
    field(TEXT.perArtist, number("per_artist", 0, 100)),
    field(TEXT.perAlbum, number("per_album", 0, 100)),
    field(TEXT.spacing, number("spacing", 0, 100)),
    field(TEXT.where, input("where", { type: "text", placeholder: TEXT.wherePlaceholder })));
  markExcluded(form);
  return form;
}

/** Offer the seeds as last songs. */
export function offerLastSongs(form, seeds, titleOf) {
  if (!seeds.some((track) => String(track.id) === state.to)) state.to = "";
  form.querySelector("#rule-to").replaceChildren(el("option", { value: "" }, TEXT.any),
    ...seeds.slice(1).map((track) => el("option", { value: track.id, selected: String(track.id) === state.to }, titleOf(track))));
  markExcluded(form);
}

/** Disable the rules that have no effect beside others. */
export function markExcluded(form) {
  const isJudged = kept.size + dropped.size > 0;
  const excluded = {
    kind: isJudged,
    to: isJudged || state.kind !== "" || state.mix,
    drift: hasLast() || state.arc !== "" || state.mix,
    arc: hasLast() || state.mix,
    mix: false,
  };
  for (const [name, isExcluded] of Object.entries(excluded)) {
    const control = form.querySelector(`#rule-${name}`);
    if (!control) continue;
    control.disabled = isExcluded;
    control.closest("label").title = isExcluded ? TEXT.excluded : "";
  }
  form.querySelector("#rule-length").disabled = state.minutes !== "";
}

function hasLast() {
  return state.to !== "" && !(kept.size + dropped.size) && state.kind === "" && !state.mix;
}

/** The request for a playlist. `tracks` is the list that was judged. */
export function question(seeds, tracks) {
  const body = { where: state.where, seeds: seeds.map((track) => track.id), taste: strength(), mix: state.mix };
  if (state.minutes !== "") body.minutes = Number(state.minutes);
  else body.length = Number(state.length) || DEFAULT_LENGTH;
  for (const name of ["per_artist", "per_album", "spacing"]) if (state[name] !== "") body[name] = Number(state[name]);
  if (hasLast()) return { ...body, seeds: body.seeds.slice(0, 1), to: Number(state.to) };
  if (state.arc && !state.mix) body.arc = state.arc;
  else if (Number(state.drift) && !state.mix) body.drift = Number(state.drift);
  if (!kept.size && !dropped.size) return { ...body, kind: state.kind };
  // What was kept or dropped before need not be in the present list.
  const judged = [...new Set([...tracks.map((track) => track.id), ...kept, ...dropped])];
  return { ...body, judged, keep: [...kept], drop: [...dropped] };
}

function field(name, control) {
  return el("label", {}, name, control);
}
