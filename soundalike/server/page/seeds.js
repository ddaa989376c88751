// The songs that the playlist starts from; kept while the page is open, and over a reload.

const KEY = "soundalike-seeds";
const MOST = 100;
const listeners = new Set();

let seeds = read();

export function allSeeds() {
  return [...seeds];
}

export function addSeed(track) {
  if (!track.id || seeds.some((seed) => seed.id === track.id)) return;
  change([...seeds, track].slice(-MOST));
}

export function removeSeed(id) {
  change(seeds.filter((seed) => seed.id !== id));
}

export function setSeeds(tracks) {
  change(tracks.filter((track) => track.id).slice(0, MOST));
}

export function onSeeds(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function change(next) {
  seeds = next;
  try {
    sessionStorage.setItem(KEY, JSON.stringify(seeds));
  } catch { /* a browser that stores nothing forgets them on a reload */ }
  for (const listener of listeners) listener();
}

function read() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY)) ?? [];
  } catch {
    return [];
  }
}
