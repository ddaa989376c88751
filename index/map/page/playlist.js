// Paths, playlists and sound. A path that is not UTF-8 has its other bytes as lone surrogates
// U+DC80…U+DCFF; they become bytes again when the path leaves the page.

function bytesOf(text) {
  const bytes = [];
  const encoder = new TextEncoder();
  for (const letter of text) {
    const code = letter.codePointAt(0);
    if (code >= 0xdc80 && code <= 0xdcff) bytes.push(code - 0xdc00);
    else bytes.push(...encoder.encode(letter));
  }
  return new Uint8Array(bytes);
}

function encodePath(path) {
  let encoded = "";
  for (const byte of bytesOf(path)) {
    const letter = String.fromCharCode(byte);
    encoded += /[A-Za-z0-9\-._~/:]/.test(letter) ? letter : `%${byte.toString(16).padStart(2, "0")}`;
  }
  return encoded;
}

// A path relative to a folder; null if they have nothing in common, as on two drives.
function relativePath(path, folder) {
  const parts = path.split(/[\\/]/), from = folder.split(/[\\/]/).filter((part, at) => part || !at);
  let same = 0;
  while (same < from.length && same < parts.length - 1 && parts[same] === from[same]) same++;
  if (same === 0) return null;
  return [...from.slice(same).map(() => ".."), ...parts.slice(same)].join("/");
}

// Addresses of a file to try: relative to the page, then its path when the map was made.
function soundAddresses(path, folder, start, end) {
  const stretch = start >= 0 ? `#t=${start}${end > start ? `,${end}` : ""}` : "";
  const relative = relativePath(path, folder);
  const absolute = path.startsWith("/") ? `file://${encodePath(path)}` : `file:///${encodePath(path.replaceAll("\\", "/"))}`;
  const addresses = [];
  if (relative) addresses.push(encodePath(relative).replace(/^([^/]*):/, "./$1:") + stretch);
  if (location.protocol === "file:") addresses.push(absolute + stretch);
  return addresses;
}

// The order of a playlist: from the leftmost track on, always to the nearest remaining track.
const MOST_WALKED = 3000;

function walkOrder(rows, positions) {
  if (rows.length > MOST_WALKED) return rows;
  const remaining = [...rows].sort((a, b) => positions[3 * a] - positions[3 * b] || a - b);
  const order = remaining.splice(0, 1);
  while (remaining.length) {
    const at = 3 * order[order.length - 1];
    let best = 0, nearest = Infinity;
    for (let place = 0; place < remaining.length; place++) {
      const to = 3 * remaining[place];
      const dx = positions[at] - positions[to], dy = positions[at + 1] - positions[to + 1];
      const dz = positions[at + 2] - positions[to + 2];
      const apart = dx * dx + dy * dy + dz * dz;
      if (apart < nearest) { nearest = apart; best = place; }
    }
    order.push(...remaining.splice(best, 1));
  }
  return order;
}

// A path as a line of a playlist; with control characters in its name it is a URI.
function lineOf(path) {
  return /\p{Cc}/u.test(path) && path.startsWith("/") ? `file://${encodePath(path)}` : path;
}

function playlistText(map, rows) {
  const lines = ["#EXTM3U"];
  const seen = new Set();
  for (const row of walkOrder(rows, map.positions)) {
    const track = map.track(row);
    if (seen.has(track.path)) continue;  // parts of one file
    seen.add(track.path);
    const name = [track.artist, track.title].filter(Boolean).join(" - ");
    const seconds = track.seconds >= 0 ? Math.round(track.seconds) : -1;
    lines.push(`#EXTINF:${seconds},${name.replace(/[\p{Cc}\u2028\u2029]+/gu, " ")}`, lineOf(track.path));
  }
  return `${lines.join("\n")}\n`;
}

function download(name, bytes, type) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([bytes], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
