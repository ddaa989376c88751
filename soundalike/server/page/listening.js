// When a song counts as played or as skipped.
//
// Played: half of it, or four minutes, were heard. Skipped: the listener went on to the next song
// before that. A song that the listener leaves in another way, or hears in stretches, is neither.

import { record } from "./taste.js";

const ENOUGH_SECONDS = 240;
const LONGEST_STEP = 2;

let id = null;
let heardSeconds = 0;
let last = null;

/** A song begins; null: nothing that counts. */
export function startListening(trackId) {
  id = trackId;
  heardSeconds = 0;
  last = null;
}

/** The song has come to a place; jumps do not count as heard. */
export function heardUntil(seconds, length) {
  if (id === null) return;
  const step = last === null ? 0 : seconds - last;
  last = seconds;
  if (step > 0 && step < LONGEST_STEP) heardSeconds += step;
  if (length > 0 && heardSeconds >= Math.min(length / 2, ENOUGH_SECONDS)) finish("play");
}

/** The listener goes on to the next song. */
export function skipped() {
  finish("skip");
}

function finish(kind) {
  if (id !== null && kind) record(kind, id);
  id = null;
}
