// The map's data: a JSON header and typed arrays, gzipped and in base64 (see payload.py).

async function readMap() {
  if (typeof DecompressionStream === "undefined")
    throw new Error("This page needs a browser from 2023 or newer.");
  const text = document.getElementById("map-data").textContent;
  const packed = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const data = await new Response(stream).arrayBuffer();
  const headerLength = new DataView(data).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, headerLength)));
  if (header.format !== 1) throw new Error(`The map's data have format ${header.format}; this page reads format 1.`);
  const kinds = { Uint8Array, Uint16Array, Uint32Array, Float32Array };
  const arrays = {};
  for (const { name, type, offset, length } of header.arrays)
    arrays[name] = new kinds[type](data, 4 + headerLength + offset, length);
  return new MapData(header, arrays);
}

class MapData {
  constructor(header, arrays) {
    Object.assign(this, header);
    this.arrays = arrays;
    this.n = header.n_tracks;
    this.near = arrays.near;
    this.positions = this._positions();
    this._searchTexts = null;
  }

  // Float32 [3 n], the longest axis from -1 to 1; a flat map has z = 0.
  _positions() {
    const positions = new Float32Array(3 * this.n);
    const { coordinates } = this.arrays;
    for (let row = 0; row < this.n; row++)
      for (let axis = 0; axis < this.dimensions; axis++)
        positions[3 * row + axis] =
          ((coordinates[this.dimensions * row + axis] / 65535) * 2 - 1) * this.spans[axis];
    return positions;
  }

  track(row) {
    const { arrays, shown } = this;
    return {
      row,
      title: this.titles[row] || this.files[row],
      artist: shown.artist[arrays.artist[row]],
      album: shown.album[arrays.album[row]],
      genre: shown.genre[arrays.genre[row]],
      seconds: arrays.seconds[row],
      start: arrays.starts[row],
      end: arrays.ends[row],
      path: this.path(row),
      preservation: arrays.preservation[row] / 100,
      misleads: arrays.misleads[row] === 1,
    };
  }

  path(row) {
    const folder = this.folders[this.arrays.folder[row]];
    const separator = folder.includes("\\") && !folder.includes("/") ? "\\" : "/";
    return folder.endsWith(separator) ? folder + this.files[row] : folder + separator + this.files[row];
  }

  // A track's value in a field, as text.
  value(place, row) {
    const field = this.fields[place];
    if (field.values) return field.values[this.arrays[`values ${place}`][row]];
    return this.shown[field.name][this.arrays[field.name][row]];
  }

  neighbours(row) {
    const neighbours = [];
    for (let rank = 0; rank < this.k; rank++) {
      const distance = (this.arrays.far[row * this.k + rank] / 255) * this.widest;
      neighbours.push({ row: this.near[row * this.k + rank], rank: rank + 1, distance });
    }
    return neighbours;
  }

  // Every word must occur in title, artist, album, genre or file name; case and accents are ignored.
  search(text) {
    const words = plain(text).split(/\s+/).filter(Boolean);
    if (!words.length) return [];
    this._searchTexts ??= Array.from({ length: this.n }, (_, row) => {
      const t = this.track(row);
      return plain(`${t.title}\n${t.artist}\n${t.album}\n${t.genre}\n${this.files[row]}`);
    });
    const rows = [];
    for (let row = 0; row < this.n; row++)
      if (words.every((word) => this._searchTexts[row].includes(word))) rows.push(row);
    return rows;
  }
}

function plain(text) {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
}

function clock(seconds) {
  if (!(seconds >= 0)) return "";
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
