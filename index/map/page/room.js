// Finds room for a text where it hides no point, no other text, and no panel hides it.

const CELL_PIXELS = 6;
const RING_PIXELS = 9;
const MOST_RINGS = 34;

class Room {
  // free: the part of the window to use; screen: x, y and depth of each point.
  constructor(free, screen, isShown, size) {
    this.free = free;
    this.taken = [];
    this.columns = Math.ceil(Math.max(free.right - free.left, 0) / CELL_PIXELS);
    this.rows = Math.ceil(Math.max(free.bottom - free.top, 0) / CELL_PIXELS);
    this._sum(this._cells(screen, isShown, size * 0.5 + 1));
  }

  // The cells that a point covers.
  _cells(screen, isShown, radius) {
    const { free, columns, rows } = this;
    const cells = new Uint8Array(columns * rows);
    for (let row = 0, at = 0; at < screen.length; row++, at += 3) {
      if (!isShown(row)) continue;
      const x = screen[at] - free.left, y = screen[at + 1] - free.top;
      const from = Math.max(Math.floor((x - radius) / CELL_PIXELS), 0);
      const to = Math.min(Math.floor((x + radius) / CELL_PIXELS), columns - 1);
      const last = Math.min(Math.floor((y + radius) / CELL_PIXELS), rows - 1);
      for (let r = Math.max(Math.floor((y - radius) / CELL_PIXELS), 0); r <= last; r++)
        for (let c = from; c <= to; c++) cells[r * columns + c] = 1;
    }
    return cells;
  }

  // Sums of all cells above and to the left, so that a box is counted in four look-ups.
  _sum(cells) {
    const { columns, rows } = this;
    const width = columns + 1;
    this.sums = new Uint32Array(width * (rows + 1));
    for (let r = 0; r < rows; r++)
      for (let c = 0, line = 0; c < columns; c++) {
        line += cells[r * columns + c];
        this.sums[(r + 1) * width + c + 1] = this.sums[r * width + c + 1] + line;
      }
  }

  _isFree([left, top, right, bottom]) {
    const { free, sums } = this;
    if (left < free.left + 4 || right > free.right - 4 || top < free.top + 4 || bottom > free.bottom - 4) return false;
    if (this.taken.some((t) => left < t[2] && right > t[0] && top < t[3] && bottom > t[1])) return false;
    const width = this.columns + 1;
    const c = Math.floor((left - free.left) / CELL_PIXELS), r = Math.floor((top - free.top) / CELL_PIXELS);
    const d = Math.ceil((right - free.left) / CELL_PIXELS), s = Math.ceil((bottom - free.top) / CELL_PIXELS);
    return sums[s * width + d] - sums[r * width + d] - sums[s * width + c] + sums[r * width + c] === 0;
  }

  // The free box nearest to a point, or null; above is tried first.
  place([x, y], width, height) {
    if (x < this.free.left || x > this.free.right || y < this.free.top || y > this.free.bottom) return null;
    for (let ring = 0; ring <= MOST_RINGS; ring++) {
      const n = ring ? 8 + 4 * Math.min(ring, 6) : 1;
      for (let turn = 0; turn < n; turn++) {
        const side = (turn % 2 ? -1 : 1) * Math.ceil(turn / 2);
        const angle = -Math.PI / 2 + (2 * Math.PI * side) / n;
        const cx = x + Math.cos(angle) * ring * RING_PIXELS * 1.5, cy = y + Math.sin(angle) * ring * RING_PIXELS;
        const box = [cx - width / 2, cy - height / 2, cx + width / 2, cy + height / 2];
        if (!this._isFree(box)) continue;
        this.taken.push(box);
        return box;
      }
    }
    return null;
  }
}
