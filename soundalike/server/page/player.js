// The one player that stays: a queue, and songs like the last ones when it ends.

import { audioAddress, get } from "./api.js";
import { say } from "./dom.js";
import { heardUntil, skipped, startListening } from "./listening.js";
import { drawJudges, onVerdict, strength, tasteButtons } from "./taste.js";
import { TEXT, clock } from "./text.js";

let queue = [];
let place = -1;
let stopAt = null;
let afterStop = null;
let played = [];

const audio = document.getElementById("audio");
const position = document.getElementById("position");
const playButton = document.getElementById("play");
const nowPlaying = document.getElementById("now-playing");
const judges = tasteButtons(current, TEXT.thisSong);
const listeners = new Set();
const queueListeners = new Set();
const JUMP_SECONDS = 10;
const RECENT = 5;
const MORE = 10;


/** The song that plays now, or null. */
export function current() {
  return queue[place] ?? null;
}

/** Call `listener` whenever another song plays. */
export function onSong(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The songs of the queue, and the place of the one that plays. */
export function theQueue() {
  return { tracks: [...queue], place };
}

/** Call `listener` whenever the queue or the place in it changes. */
export function onQueue(listener) {
  queueListeners.add(listener);
  return () => queueListeners.delete(listener);
}

/** Play songs, from one of them on. */
export function playList(tracks, start = 0) {
  queue = [...tracks];
  begin(start);
}

/** Play a song of the queue. */
export function playPlace(number) {
  begin(number);
}

/** Put a song behind the one that plays. */
export function playNext(track) {
  if (!current()) { playList([track]); return; }
  queue.splice(place + 1, 0, track);
  queueChanged();
}

/** Take a song out of the queue; the one that plays stays. */
export function takeOut(number) {
  if (number === place) return;
  queue.splice(number, 1);
  if (number < place) place--;
  queueChanged();
}

function queueChanged() {
  for (const listener of queueListeners) listener();
}

/** Play one stretch of a song, and then perhaps another one. */
export function playStretch(track, from, to, then = null) {
  if (current()?.id !== track.id) {
    queue = [track];
    place = 0;
    load(track);
  }
  startListening(null);
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

/** Go on because the listener wants to. */
export function skip() {
  skipped();
  return next();
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
  startListening(track.id);
  played = [...played.filter((id) => id !== track.id), track.id];
  seekTo(offset());
  start();
}

function load(track) {
  audio.src = audioAddress(track.id);
  const name = [track.artist, track.title || fileName(track)].filter(Boolean).join(" – ");
  nowPlaying.textContent = name;
  document.title = `${name} · soundalike`;
  drawJudges(judges, track.id);
  for (const listener of listeners) listener(track);
  queueChanged();
  if ("mediaSession" in navigator) {
    navigator.mediaSession.metadata = new MediaMetadata({
      title: track.title || fileName(track), artist: track.artist ?? "", album: track.album ?? "",
    });
  }
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
    const answer = await get("/similar", { id: ids, k: MORE + played.length, per_artist: 3, no_duplicates: true, taste: strength() || "" });
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
  heardUntil(audio.currentTime - offset(), length);
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
document.getElementById("next").addEventListener("click", skip);
document.getElementById("judges").replaceWith(judges);
onVerdict(() => drawJudges(judges, current()?.id));
for (const [name, action] of [["play", toggle], ["pause", toggle], ["nexttrack", skip], ["previoustrack", previous]]) {
  navigator.mediaSession?.setActionHandler(name, action);
}
document.getElementById("previous").addEventListener("click", previous);
