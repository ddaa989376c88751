// From map coordinates to the screen. A flat map is turned only by a quarter, if it is wide and the window is high.

const PERSPECTIVE = 0.28;
const MOST_ZOOM = 400;
const WIDE = 1.25;
const PLAIN = [1, 0, 0, 0, 1, 0, 0, 0, 1];
const QUARTER = [0, -1, 0, 1, 0, 0, 0, 0, 1];

class Camera {
  constructor(spans, positions) {
    this.spans = spans;
    this.positions = positions;
    this.isFlat = spans.length === 2;
    this.perspective = this.isFlat ? 0 : PERSPECTIVE;
    this.width = this.height = 1;
    this.inset = { left: 0, right: 0, top: 0, bottom: 0 };
    this.reset();
  }

  reset() {
    this.zoom = 1;
    this.centre = [0, 0, 0];
    this.shift = [0, 0];
    this.offset = [0, 0];
    this.rotation = this.isFlat ? PLAIN : multiply(turnX(-0.42), turnY(0.6));
    if (!this.isFlat) this._fit();
  }

  // How wide and high a map in space is, seen from here, and where its middle is: it fills the window.
  _fit() {
    const plain = { rotation: this.rotation, centre: [0, 0, 0], middle: [0, 0], scale: 1, perspective: this.perspective };
    const seen = projectAll(plain, this.positions, new Float32Array(this.positions.length));
    let left = Infinity, right = -Infinity, top = Infinity, bottom = -Infinity;
    for (let at = 0; at < seen.length; at += 3) {
      left = Math.min(left, seen[at]); right = Math.max(right, seen[at]);
      top = Math.min(top, seen[at + 1]); bottom = Math.max(bottom, seen[at + 1]);
    }
    this.extent = [Math.max(right - left, 0.1), Math.max(bottom - top, 0.1)];
    this.offset = [-(left + right) / 2, -(top + bottom) / 2];
  }

  state() {
    const { zoom, centre, shift, offset, rotation } = this;
    return { zoom, centre: [...centre], shift: [...shift], offset: [...offset], rotation };
  }

  restore(state) {
    Object.assign(this, state);
  }

  // The part of the window that the map has: width, height.
  get room() {
    return [
      Math.max(this.width - this.inset.left - this.inset.right, 120),
      Math.max(this.height - this.inset.top - this.inset.bottom, 120),
    ];
  }

  // A wide flat map stands upright in a high window, as that of a phone is.
  turnToFit() {
    if (!this.isFlat) return;
    const [width, height] = this.room;
    const isWide = this.spans[0] > WIDE * this.spans[1];
    this.rotation = isWide && height > WIDE * width ? QUARTER : PLAIN;
  }

  // Pixels per unit of the map.
  get scale() {
    const [width, height] = this.room;
    if (!this.isFlat) return this.zoom * 0.92 * Math.min(width / this.extent[0], height / this.extent[1]);
    const [across, up] = this.rotation === QUARTER ? [this.spans[1], this.spans[0]] : this.spans;
    return this.zoom * 0.45 * Math.min(width / Math.max(across, 0.05), height / Math.max(up, 0.05));
  }

  get middle() {
    const { inset, offset, shift, scale } = this;
    return [
      (inset.left + this.width - inset.right) / 2 + offset[0] * scale + shift[0],
      (inset.top + this.height - inset.bottom) / 2 + offset[1] * scale + shift[1],
    ];
  }

  // [x, y, depth] in CSS pixels; depth grows towards the viewer.
  project(x, y, z) {
    const [a, b, c, d, e, f, g, h, i] = this.rotation;
    const [cx, cy, cz] = this.centre;
    const dx = x - cx, dy = y - cy, dz = z - cz;
    const depth = g * dx + h * dy + i * dz;
    const factor = this.scale / Math.max(1 - this.perspective * depth, 0.05);
    const [mx, my] = this.middle;
    return [mx + (a * dx + b * dy + c * dz) * factor, my - (d * dx + e * dy + f * dz) * factor, depth];
  }

  zoomAt(factor, x, y) {
    const before = this.zoom;
    const [mx, my] = this.middle;
    this.zoom = Math.min(Math.max(this.zoom * factor, 0.4), MOST_ZOOM);
    const grown = this.zoom / before;
    const [nx, ny] = this.middle;
    this.pan(x - (x - mx) * grown - nx, y - (y - my) * grown - ny);
  }

  pan(dx, dy) {
    if (!this.isFlat) {
      this.shift[0] += dx;
      this.shift[1] += dy;
      return;
    }
    const [a, b, , d, e] = this.rotation;
    this.centre[0] -= (a * dx - d * dy) / this.scale;
    this.centre[1] -= (b * dx - e * dy) / this.scale;
  }

  turn(dx, dy) {
    this.rotation = multiply(multiply(turnX(dy * 0.007), turnY(dx * 0.007)), this.rotation);
  }
}

function multiply(p, q) {
  const product = new Array(9);
  for (let row = 0; row < 3; row++)
    for (let column = 0; column < 3; column++)
      product[3 * row + column] =
        p[3 * row] * q[column] + p[3 * row + 1] * q[3 + column] + p[3 * row + 2] * q[6 + column];
  return product;
}

function turnX(angle) {
  const c = Math.cos(angle), s = Math.sin(angle);
  return [1, 0, 0, 0, c, -s, 0, s, c];
}

function turnY(angle) {
  const c = Math.cos(angle), s = Math.sin(angle);
  return [c, 0, s, 0, 1, 0, -s, 0, c];
}

// All points at once: Float32 [3 n] of x, y, depth.
function projectAll(camera, positions, into) {
  const [a, b, c, d, e, f, g, h, i] = camera.rotation;
  const [cx, cy, cz] = camera.centre;
  const [mx, my] = camera.middle;
  const { scale, perspective } = camera;
  for (let at = 0; at < positions.length; at += 3) {
    const dx = positions[at] - cx, dy = positions[at + 1] - cy, dz = positions[at + 2] - cz;
    const depth = g * dx + h * dy + i * dz;
    const factor = scale / Math.max(1 - perspective * depth, 0.05);
    into[at] = mx + (a * dx + b * dy + c * dz) * factor;
    into[at + 1] = my - (d * dx + e * dy + f * dz) * factor;
    into[at + 2] = depth;
  }
  return into;
}
