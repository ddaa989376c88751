// Draws the points without WebGL: slower, and without depth.

class CanvasPoints {
  constructor(canvas, positions) {
    this.name = "canvas";
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.positions = positions;
    this.screen = new Float32Array(positions.length);
    this.states = null;
  }

  setStates(states) {
    this.states = states;
  }

  draw(camera, look) {
    const { context, canvas, states } = this;
    canvas.width = Math.round(camera.width * look.ratio);
    canvas.height = Math.round(camera.height * look.ratio);
    context.setTransform(look.ratio, 0, 0, look.ratio, 0, 0);
    context.clearRect(0, 0, camera.width, camera.height);
    projectAll(camera, this.positions, this.screen);
    for (const emphasis of [0, 1, 2]) {
      context.globalAlpha = emphasis === 0 ? 0.16 : 0.9;
      look.colours.forEach((colour, code) => this._drawCategory(camera, look, code, emphasis));
    }
    context.globalAlpha = 1;
    return states;
  }

  _drawCategory(camera, look, code, emphasis) {
    const { context, screen, states } = this;
    const radius = (look.size / 2) * (emphasis === 2 ? 1.35 : 1) * 0.82;
    const isTiny = radius < 2;
    context.fillStyle = context.strokeStyle = look.colours[code];
    context.lineWidth = Math.max(radius * 0.4, 1);
    for (let row = 0, at = 0; row < states.length; row += 4, at += 3) {
      if (states[row] !== code || !states[row + 1] || states[row + 2] !== emphasis) continue;
      const x = screen[at], y = screen[at + 1];
      if (x < -20 || y < -20 || x > camera.width + 20 || y > camera.height + 20) continue;
      if (isTiny) {
        context.fillRect(x - radius, y - radius, 2 * radius, 2 * radius);
        continue;
      }
      shapePath(context, look.shapes[code], x, y, radius);
      if (states[row + 3]) context.stroke();
      else context.fill();
    }
  }
}

function shapePath(context, shape, x, y, radius) {
  context.beginPath();
  if (shape === "square") context.rect(x - radius * 0.87, y - radius * 0.87, radius * 1.74, radius * 1.74);
  else if (shape === "triangle") {
    context.moveTo(x, y - radius * 1.2);
    context.lineTo(x + radius * 1.1, y + radius * 0.7);
    context.lineTo(x - radius * 1.1, y + radius * 0.7);
    context.closePath();
  } else if (shape === "wedge") {
    context.moveTo(x, y + radius * 1.2);
    context.lineTo(x + radius * 1.1, y - radius * 0.7);
    context.lineTo(x - radius * 1.1, y - radius * 0.7);
    context.closePath();
  } else if (shape === "diamond") {
    const reach = radius * 1.15;
    context.moveTo(x, y - reach);
    context.lineTo(x + reach, y);
    context.lineTo(x, y + reach);
    context.lineTo(x - reach, y);
    context.closePath();
  } else if (shape === "plus") {
    const near = radius * 0.36, far = radius * 1.1;
    const corners = [[-near, -far], [near, -far], [near, -near], [far, -near], [far, near], [near, near],
      [near, far], [-near, far], [-near, near], [-far, near], [-far, -near], [-near, -near]];
    corners.forEach(([dx, dy], at) => (at ? context.lineTo(x + dx, y + dy) : context.moveTo(x + dx, y + dy)));
    context.closePath();
  } else context.arc(x, y, shape === "dot" ? radius * 0.64 : radius, 0, 2 * Math.PI);
}
