// Drawn over the points: names of categories, lines to neighbours, rings, the lasso.

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
    if (scene.names) this._names(camera, look, scene.names);
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

  // The largest categories first; a name that would overlap another is left out.
  _names(camera, look, names) {
    const { context } = this;
    const taken = [];
    context.textAlign = "center";
    context.textBaseline = "middle";
    for (const { text, point, colour, weight } of names) {
      const size = 12 + 7 * weight;
      context.font = `650 ${size}px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif`;
      const shown = text.length > 28 ? `${text.slice(0, 27)}…` : text;
      const half = context.measureText(shown).width / 2 + 5;
      const [x, y] = point;
      const box = [x - half, y - size * 0.75, x + half, y + size * 0.75];
      const isOut = x < camera.inset.left || x > camera.width || y < 0 || y > camera.height;
      if (isOut || taken.some((t) => box[0] < t[2] && box[2] > t[0] && box[1] < t[3] && box[3] > t[1])) continue;
      taken.push(box);
      context.lineWidth = size * 0.32;
      context.strokeStyle = look.halo;
      context.strokeText(shown, x, y);
      context.fillStyle = colour;
      context.fillText(shown, x, y);
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
