// What the window shows: the part that no panel covers, the drawing, and the view to return to.

const NARROW_PIXELS = 760;
const EDGE_PIXELS = 40;

Object.defineProperties(Page.prototype, Object.getOwnPropertyDescriptors({
  redraw() {
    if (this.isDrawing || !this.codes) return;
    this.isDrawing = true;
    requestAnimationFrame(() => { this.isDrawing = false; this.draw(); });
  },

  get isNarrow() {
    return innerWidth <= NARROW_PIXELS;
  },

  // The part of the window that neither the panel nor the card covers.
  freePart() {
    const free = { left: 0, right: innerWidth, top: 0, bottom: innerHeight };
    for (const id of ["panel", "card"]) {
      const box = byId(id).getBoundingClientRect();
      if (!box.width) continue;
      if (this.isNarrow) free.bottom = Math.min(free.bottom, box.top);
      else if (id === "panel") free.left = box.right;
      else free.right = box.left;
    }
    return free;
  },

  // The map lies beside the panel, or above the sheet when it is down. A card does not move it.
  _inset() {
    const inset = { left: 0, right: 0, top: 0, bottom: 0 };
    if (!this.isNarrow) inset.left = byId("panel").getBoundingClientRect().right;
    else inset.bottom = SHEET_PIXELS;
    return inset;
  },

  get pointSize() {
    const base = Math.min(Math.max(120 / Math.pow(this.map.n, 0.36), 2.4), 15);
    const grown = base * Math.pow(Math.max(this.camera.zoom, 0.5), 0.42);
    return Math.min(grown, Math.max(base, 17));
  },

  _measure() {
    this.camera.width = innerWidth;
    this.camera.height = innerHeight;
    this.camera.inset = this._inset();
    this.camera.turnToFit();
  },

  draw() {
    const { camera } = this;
    this._measure();
    const style = getComputedStyle(document.documentElement);
    const look = {
      ratio: Math.min(devicePixelRatio || 1, MAX_FRAME_RATIO),
      size: this.pointSize,
      colours: this.colours,
      shapes: this.field.shapes,
      ground: rgb(style.getPropertyValue("--ground").trim()),
      ink: style.getPropertyValue("--ink").trim(),
      accent: style.getPropertyValue("--accent").trim(),
      halo: this.theme === "dark" ? "rgba(12,15,21,.82)" : "rgba(251,251,250,.88)",
    };
    this.renderer.draw(camera, look);
    this.isProjected = false;
    this.overlay.draw(camera, look, this._scene(look));
  },

  _scene(look) {
    const scene = { lasso: this.lasso, selected: null, names: [], hovered: null };
    if (this.hovered >= 0 && this.hovered !== this.selected) scene.hovered = this.spot(this.hovered);
    if (this.selected >= 0) {
      scene.selected = {
        from: this.spot(this.selected),
        to: this.map.neighbours(this.selected).map(({ row, rank }) =>
          ({ point: this.spot(row), isFar: this.farRows.has(row), rank })),
      };
    } else if (byId("names").checked) {
      const most = Math.max(...this.field.counts);
      const named = this.field.places.flatMap((place, code) => place && this.shown[code] ? [{
        text: this.field.labels[code],
        point: this.camera.project(place[0], place[1], place[2] ?? 0),
        weight: Math.sqrt(this.field.counts[code] / most),
      }] : []);
      const room = new Room(this.freePart(), this._project(), (row) => this.isShown(row), look.size);
      scene.names = this.overlay.placed(named, room);
    }
    return scene;
  },

  spot(row) {
    const p = this.map.positions;
    return this.camera.project(p[3 * row], p[3 * row + 1], p[3 * row + 2]);
  },

  // The view follows a selected track, and returns to where it was when the card closes.
  _follow(row, wasOpen, fly) {
    document.body.classList.toggle("has-card", row >= 0);
    if (row < 0) {
      if (this.viewBefore) this.camera.restore(this.viewBefore);
      this.viewBefore = null;
      this.walked = [];
      return;
    }
    if (!wasOpen) this.viewBefore = this.camera.state();
    this._measure();
    if (fly) this.camera.zoom = Math.max(this.camera.zoom, 1);
    const [x, y] = this.spot(row);
    const { left, right, top, bottom } = this.freePart();
    const isIn = x > left + EDGE_PIXELS && x < right - EDGE_PIXELS && y > top + EDGE_PIXELS && y < bottom - EDGE_PIXELS;
    if (!isIn) this.camera.pan((left + right) / 2 - x, (top + bottom) / 2 - y);
  },

  // What a person does with the map counts as the view from then on.
  movedByHand() {
    this.viewBefore = null;
    this.redraw();
  },
}));
