// What the listener likes: judgements of songs, plays and skips, and how much they count here.

import { get, postAtLast, put } from "./api.js";
import { el, say, svg } from "./dom.js";
import { kept, keep } from "./kept.js";
import { TEXT } from "./text.js";

const STRENGTH = "soundalike-taste";
const RECORDING = "soundalike-record-plays";
const THUMB = "M2 9h3v9H2zM7 18V9l4-7c1.6 0 2.3 1 2 2.5L12.3 8H17c1.2 0 2 1 1.7 2.2l-1.5 6.3c-.2.9-1 1.5-1.9 1.5z";
const listeners = new Set();

let verdicts = new Map();
let loading = null;

/** "like", "dislike" or undefined. */
export function verdictOf(id) {
  return verdicts.get(id);
}

/** Call `listener` with the id of each song that is judged anew. */
export function onVerdict(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Read all judgements once. */
export function loadVerdicts() {
  loading ??= readVerdicts();
  return loading;
}

/** Read all judgements again, for example after they were deleted. */
export async function readVerdicts() {
  try {
    const { likes, dislikes } = await get("/taste/verdicts");
    verdicts = new Map([...likes.map((id) => [id, "like"]), ...dislikes.map((id) => [id, "dislike"])]);
    for (const listener of listeners) listener(null);
  } catch (error) { say(error.message); }
}

/** Judge a song; the same judgement again takes it back. */
export async function judge(id, verdict) {
  const before = verdicts.get(id);
  const next = before === verdict ? null : verdict;
  show(id, next);
  try {
    await put(`/taste/verdicts/${id}`, { verdict: next });
  } catch (error) {
    show(id, before ?? null);
    say(error.message);
  }
}

function show(id, verdict) {
  if (verdict) verdicts.set(id, verdict);
  else verdicts.delete(id);
  for (const listener of listeners) listener(id);
}

/** Store a play or a skip, unless the listener does not want that. */
export function record(kind, id) {
  if (isRecording()) postAtLast("/taste/events", { events: [{ id, kind }] }).catch((error) => say(error.message));
}

export function isRecording() { return kept(RECORDING) !== "no"; }
export function setRecording(isOn) { keep(RECORDING, isOn ? "yes" : "no"); }

/** How much events change results on this page, from 0 to 1. */
export function strength() {
  return Math.min(1, Math.max(0, Number(kept(STRENGTH)) || 0));
}

/** The slider for it; `onChange` is called when it is let go. */
export function tasteSlider(onChange) {
  const slider = el("input", { id: "taste", type: "range", min: 0, max: 1, step: 0.1, value: strength() });
  slider.addEventListener("change", () => { keep(STRENGTH, slider.value); onChange(Number(slider.value)); });
  return el("label", { className: "taste", title: TEXT.tasteTip }, TEXT.taste, slider,
    el("span", { className: "ends" }, el("span", {}, TEXT.noTaste), el("span", {}, TEXT.muchTaste)));
}

/** The two buttons that judge a song; `track` may change if it is a function. */
export function tasteButtons(track, title) {
  const current = typeof track === "function" ? track : () => track;
  const button = (verdict, name, isDown) => el("button", {
    type: "button", className: `judge ${verdict}`, "data-verdict": verdict, "aria-label": name(title), title: name(title),
    onclick: () => current() && judge(current().id, verdict),
  }, svg("svg", { viewBox: "0 0 20 20", "aria-hidden": "true", ...(isDown ? { transform: "rotate(180)" } : {}) },
    svg("path", { d: THUMB })));
  const buttons = el("span", { className: "judges" }, button("like", TEXT.like, false), button("dislike", TEXT.dislike, true));
  drawJudges(buttons, current()?.id);
  return buttons;
}

/** Show the judgement of a song on its buttons. */
export function drawJudges(place, id) {
  for (const button of place.querySelectorAll(".judge")) {
    button.setAttribute("aria-pressed", String(Boolean(id) && verdictOf(id) === button.dataset.verdict));
    button.disabled = !id;
  }
}

onVerdict((id) => {
  for (const row of document.querySelectorAll(".row")) {
    if (id === null || row.dataset.id === String(id)) drawJudges(row, Number(row.dataset.id));
  }
});
