// Drawn over the points: names of categories, lines to neighbours, rings, the lasso.

const LEADER_PIXELS = 14;

function nameFont(size) {
  return `650 ${size}px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif`;
}

class Overlay {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
  }

  draw(camera, look, scene) {
    const { context, canvas } = this;
    canvas.width = Math.round(camera.width * look.ratio);
    canvas.height = Math.round(camera.height * look.ratio);
    context.setTransform(look.ratio, 0, 0, look.ratio, 0, 0);
    context.lineJoin = context.lineCap = "round";
    if (scene.selected) this._lines(look, scene.selected);
    this.names = scene.names;
    this._names(look, scene.names);
    if (scene.hovered) this._ring(scene.hovered, look.size * 0.7 + 4, look.ink, 1.5);
    if (scene.lasso.length > 1) this._lasso(scene.lasso, look);
  }

  // From the selected track to its nearest neighbours; dashed if they are far away on the map.
  _lines(look, { from, to }) {
    const { context } = this;
    context.strokeStyle = look.ink;
    for (const { point, isFar, rank } of to) {
      context.globalAlpha = 0.75 - rank * 0.035;
      context.lineWidth = rank <= 3 ? 1.8 : 1.2;
      context.setLineDash(isFar ? [3, 6] : []);
      context.beginPath();
      context.moveTo(from[0], from[1]);
      context.lineTo(point[0], point[1]);
      context.stroke();
    }
    context.setLineDash([]);
    context.globalAlpha = 1;
    for (const { point } of to) this._ring(point, look.size * 0.7 + 2, look.ink, 1.2);
    this._ring(from, look.size * 0.7 + 6, look.accent, 3);
  }

  _ring([x, y], radius, colour, width) {
    const { context } = this;
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.stroke();
  }

  // Names with a box each, the largest categories first; a name without room is left out.
  placed(names, room) {
    const { context } = this;
    return names.flatMap(({ text, point, weight }) => {
      const size = 12 + 6 * weight;
      const shown = text.length > 28 ? `${text.slice(0, 27)}…` : text;
      context.font = nameFont(size);
      const box = room.place(point, context.measureText(shown).width + 8, size * 1.35);
      return box ? [{ text: shown, point, box, size }] : [];
    });
  }

  // A thin line leads from a name that is not among its tracks to them.
  _names(look, names) {
    const { context } = this;
    context.textAlign = "center";
    context.textBaseline = "middle";
    for (const { text, point: [px, py], box, size } of names) {
      const x = (box[0] + box[2]) / 2, y = (box[1] + box[3]) / 2;
      const ex = Math.min(Math.max(px, box[0]), box[2]), ey = Math.min(Math.max(py, box[1]), box[3]);
      if (Math.hypot(ex - px, ey - py) > LEADER_PIXELS) {
        context.globalAlpha = 0.55;
        context.strokeStyle = look.ink;
        context.lineWidth = 1;
        context.beginPath();
        context.moveTo(ex, ey);
        context.lineTo(px, py);
        context.stroke();
        context.globalAlpha = 1;
      }
      context.font = nameFont(size);
      context.lineWidth = size * 0.3;
      context.strokeStyle = look.halo;
      context.strokeText(text, x, y);
      context.fillStyle = look.ink;
      context.fillText(text, x, y);
    }
  }

  _lasso(points, look) {
    const { context } = this;
    context.beginPath();
    points.forEach(([x, y], at) => (at ? context.lineTo(x, y) : context.moveTo(x, y)));
    context.closePath();
    context.fillStyle = look.accent;
    context.globalAlpha = 0.12;
    context.fill();
    context.globalAlpha = 1;
    context.strokeStyle = look.accent;
    context.lineWidth = 2;
    context.setLineDash([6, 5]);
    context.stroke();
    context.setLineDash([]);
  }
}

// Rows of the points inside a polygon; screen: x, y, depth of each.
function rowsInside(polygon, screen, isShown) {
  let left = Infinity, right = -Infinity, top = Infinity, bottom = -Infinity;
  for (const [x, y] of polygon) {
    left = Math.min(left, x); right = Math.max(right, x);
    top = Math.min(top, y); bottom = Math.max(bottom, y);
  }
  const rows = [];
  for (let row = 0, at = 0; at < screen.length; row++, at += 3) {
    const x = screen[at], y = screen[at + 1];
    if (x < left || x > right || y < top || y > bottom || !isShown(row)) continue;
    let isInside = false;
    for (let i = 0, j = polygon.length - 1; i < polygon.length; j = i++) {
      const [ax, ay] = polygon[i], [bx, by] = polygon[j];
      if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) isInside = !isInside;
    }
    if (isInside) rows.push(row);
  }
  return rows;
}
