// The one player that stays: a queue, and songs like the last ones when it ends.

import { audioAddress, get } from "./api.js";
import { say } from "./dom.js";
import { TEXT, clock } from "./text.js";

const audio = document.getElementById("audio");
const position = document.getElementById("position");
const playButton = document.getElementById("play");
const nowPlaying = document.getElementById("now-playing");
const listeners = new Set();
const JUMP_SECONDS = 10;
const RECENT = 5;
const MORE = 10;

let queue = [];
let place = -1;
let stopAt = null;
let afterStop = null;
let played = [];

/** The song that plays now, or null. */
export function current() {
  return queue[place] ?? null;
}

/** Call `listener` whenever another song plays. */
export function onSong(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Play songs, from one of them on. */
export function playList(tracks, start = 0) {
  queue = [...tracks];
  begin(start);
}

/** Play one stretch of a song, and then perhaps another one. */
export function playStretch(track, from, to, then = null) {
  if (current()?.id !== track.id) {
    queue = [track];
    place = 0;
    load(track);
  }
  stopAt = (track.start_seconds ?? 0) + to;
  afterStop = then;
  seekTo((track.start_seconds ?? 0) + from);
  start();
}

export function toggle() {
  if (!current()) return;
  stopAt = null;
  if (audio.paused) start();
  else audio.pause();
}

export async function next() {
  if (place + 1 < queue.length) begin(place + 1);
  else await goOn();
}

export function previous() {
  if (audio.currentTime - offset() > 3 || place <= 0) seekTo(offset());
  else begin(place - 1);
}

export function jump(seconds) {
  if (current()) audio.currentTime = Math.max(offset(), audio.currentTime + seconds);
}

export function jumpBack() { jump(-JUMP_SECONDS); }
export function jumpOn() { jump(JUMP_SECONDS); }

function begin(number) {
  place = number;
  stopAt = null;
  const track = current();
  if (!track) return;
  load(track);
  played = [...played.filter((id) => id !== track.id), track.id];
  seekTo(offset());
  start();
}

function load(track) {
  audio.src = audioAddress(track.id);
  const name = [track.artist, track.title || fileName(track)].filter(Boolean).join(" – ");
  nowPlaying.textContent = name;
  document.title = `${name} · soundalike`;
  for (const listener of listeners) listener(track);
}

function start() {
  audio.play().catch((error) => {
    if (error.name !== "AbortError") say(TEXT.cannotPlay);
  });
}

function seekTo(seconds) {
  const seek = () => { audio.currentTime = seconds; };
  if (audio.readyState >= 1) seek();
  else if (seconds > 0) audio.addEventListener("loadedmetadata", seek, { once: true });
}

function offset() {
  return current()?.start_seconds ?? 0;
}

function end() {
  return current()?.end_seconds ?? audio.duration;
}

async function goOn() {
  if (!document.getElementById("go-on").checked || !played.length) return;
  try {
    const ids = played.slice(-RECENT);
    const answer = await get("/similar", { id: ids, k: MORE + played.length, per_artist: 3, no_duplicates: true });
    const fresh = answer.neighbours.filter((track) => !played.includes(track.id)).slice(0, MORE);
    if (!fresh.length) return;
    queue.push(...fresh);
    begin(place + 1);
  } catch (error) {
    say(error.message);
  }
}

export function fileName(track) {
  return (track.path ?? "").split(/[/\\]/).pop();
}

audio.addEventListener("ended", next);
audio.addEventListener("timeupdate", () => {
  const length = end() - offset();
  document.getElementById("elapsed").textContent = clock(audio.currentTime - offset());
  document.getElementById("length").textContent = clock(length);
  position.value = length > 0 ? ((audio.currentTime - offset()) / length) * 1000 : 0;
  position.setAttribute("aria-valuetext", `${clock(audio.currentTime - offset())} / ${clock(length)}`);
  if (stopAt !== null && audio.currentTime >= stopAt) {
    audio.pause();
    stopAt = null;
    const then = afterStop;
    afterStop = null;
    then?.();
  } else if (current()?.end_seconds && audio.currentTime >= current().end_seconds) next();
});
position.addEventListener("input", () => {
  if (current()) audio.currentTime = offset() + (position.value / 1000) * (end() - offset());
});
for (const name of ["play", "pause"]) {
  audio.addEventListener(name, () => {
    playButton.textContent = audio.paused ? "▶" : "❚❚";
    playButton.setAttribute("aria-label", audio.paused ? TEXT.play : TEXT.pause);
  });
}
audio.addEventListener("error", () => { if (current()) say(TEXT.cannotPlay); });
playButton.addEventListener("click", toggle);
document.getElementById("next").addEventListener("click", next);
document.getElementById("previous").addEventListener("click", previous);
