// The page: what is shown, selected and chosen.

const MAX_FRAME_RATIO = 2;
const CLICK_PIXELS = 5;

class Page {
  constructor(map) {
    this.map = map;
    this.camera = new Camera(map.spans, map.positions);
    this.states = new Uint8Array(4 * map.n);
    this.screen = new Float32Array(3 * map.n);
    this.place = 0;
    this.selected = this.hovered = this.pointedCode = -1;
    this.hits = null;
    this.chosen = [];
    this.lasso = [];
    this.isLassoing = false;
    this.viewBefore = null;
    this.walked = [];
    this.activeResult = -1;
    this.farRows = new Set();
    this.overlay = new Overlay(byId("overlay"));
    this._makeRenderer();
    this._fillPanel();
    this._listen();
    this.setTheme(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
    this.setField(0);
  }

  _makeRenderer() {
    const wantsCanvas = location.hash.includes("renderer=canvas");
    try {
      this.renderer = wantsCanvas ? null : GlPoints.make(byId("points"), this.map.positions);
    } catch (error) {
      console.warn(error);
      byId("points").replaceWith(byId("points").cloneNode());  // a canvas has only one kind of context
      this.renderer = null;
    }
    if (!this.renderer) {
      this.renderer = new CanvasPoints(byId("points"), this.map.positions);
      this.say("This browser has no WebGL: the map is drawn without it, and moves more slowly.");
    }
    this.renderer.redraw = () => this.redraw();
  }

  _fillPanel() {
    const { map } = this;
    byId("panel").querySelector("h1").textContent = map.title;
    const how = map.method === "umap" ? "UMAP" : "principal components";
    const trust = map.trust === null ? "" : ` · trustworthiness ${map.trust.toFixed(2)}`;
    byId("summary").textContent = `${counted(map.n)} · ${map.dimensions}-D ${how}${trust}`;
    byId("field").replaceChildren(...map.fields.map((field, place) => element("option", { value: place }, field.title)));
    const n = map.arrays.misleads.reduce((sum, flag) => sum + flag, 0);
    byId("n-misleading").textContent = `(${n.toLocaleString("en")})`;
    byId("hint").textContent = hintFor(map.dimensions === 3);
  }

  // --- what is shown ---

  get field() {
    return this.map.fields[this.place];
  }

  get colours() {
    return this.field[this.theme];
  }

  setTheme(theme) {
    this.theme = theme;
    document.documentElement.dataset.theme = theme;
    if (this.shown) this._refreshLegend();
    this.redraw();
  }

  setField(place) {
    this.place = place;
    byId("field").value = place;
    this.codes = this.map.arrays[`codes ${place}`];
    this.shown = this.field.labels.map(() => true);
    this.pointedCode = -1;
    this._refreshLegend();
    this.restate();
  }

  setShown(shown) {
    this.shown = shown.some(Boolean) ? shown : shown.map(() => true);
    this._refreshLegend();
    this.restate();
  }

  _refreshLegend() {
    const focused = document.activeElement?.closest?.("#legend") ? document.activeElement.title : null;
    fillLegend(this.field, this.colours, this.shown, {
      toggle: (code) => this.setShown(this.shown.map((is, at) => (at === code ? !is : is))),
      only: (code) => this.setShown(this.shown.map((_, at) => at === code)),
      point: (code) => { this.pointedCode = code; this.restate(); },
    });
    if (focused) [...byId("legend").querySelectorAll(".entry")].find((e) => e.title === focused)?.focus();
  }

  isShown(row) {
    return this.shown[this.codes[row]];
  }

  // The look of each point: [category, shown, emphasis, misleads] per track.
  restate() {
    const { states, codes, map, shown } = this;
    const marks = byId("honest").checked;
    const marked = this._markedRows();
    const plainEmphasis = marked || this.pointedCode >= 0 ? 0 : 1;
    for (let row = 0, at = 0; row < map.n; row++, at += 4) {
      states[at] = codes[row];
      states[at + 1] = shown[codes[row]] ? 1 : 0;
      states[at + 2] = !marked && codes[row] === this.pointedCode ? 1 : plainEmphasis;
      states[at + 3] = marks ? map.arrays.misleads[row] : 0;
    }
    if (marked) for (const row of marked) states[4 * row + 2] = 2;
    this.renderer.setStates(states);
    this.redraw();
  }

  _markedRows() {
    if (this.selected >= 0) return [this.selected, ...this.map.neighbours(this.selected).map((n) => n.row)];
    if (this.hits) return this.hits;
    return this.chosen.length ? this.chosen : null;
  }

  _project() {
    if (!this.isProjected) projectAll(this.camera, this.map.positions, this.screen);
    this.isProjected = true;
    return this.screen;
  }

  // The visible point under the pointer, or -1; in 3-D the one nearest to the viewer.
  rowAt(x, y, least = 0) {
    const screen = this._project();
    const reach = Math.max(this.pointSize / 2 + 4, 9, least);
    let best = -1, lowest = Infinity;
    for (let row = 0, at = 0; row < this.map.n; row++, at += 3) {
      const dx = screen[at] - x, dy = screen[at + 1] - y;
      const apart = dx * dx + dy * dy;
      if (apart > reach * reach || !this.isShown(row)) continue;
      const cost = apart - screen[at + 2] * (this.camera.isFlat ? 0 : 60);
      if (cost < lowest) { lowest = cost; best = row; }
    }
    return best;
  }

  // --- what is selected and chosen ---

  select(row, { fly = false } = {}) {
    const wasOpen = this.selected >= 0;
    this.selected = row;
    this.hover(-1);
    if (row < 0) {
      byId("card").hidden = true;
      byId("audio").pause();
      this.farRows = new Set();
    } else {
      this.farRows = this._farNeighbours(row);
      fillCard(this.map, row, this.farRows, { select: (other) => this.select(other, { fly: true }) });
    }
    this._follow(row, wasOpen, fly);
    this.restate();
  }

  // To the nearest neighbour that the walk has not met; from a dead end back along the walk.
  walkOn() {
    if (this.selected < 0 || !this.map.k) return;
    if (this.walked.at(-1) !== this.selected) this.walked = [this.selected];
    const met = new Set(this.walked);
    for (let step = this.walked.length - 1; step >= 0; step--) {
      const next = this.map.neighbours(this.walked[step]).find(({ row }) => !met.has(row) && this.isShown(row));
      if (!next) continue;
      this.walked.push(next.row);
      return this.select(next.row, { fly: true });
    }
    this.say("The walk has met every track that neighbours lead to.");
  }

  // Nearest neighbours that are outside the track's surroundings on the map.
  _farNeighbours(row) {
    const p = this.map.positions;
    const apart = (other) => Math.hypot(...[0, 1, 2].map((axis) => p[3 * row + axis] - p[3 * other + axis]));
    const all = Float32Array.from({ length: this.map.n }, (_, other) => apart(other)).sort();
    const limit = all[Math.min(this.map.surroundings, this.map.n - 1)];
    return new Set(this.map.neighbours(row).map((n) => n.row).filter((other) => apart(other) > limit + 1e-6));
  }

  choose(rows) {
    this.chosen = rows;
    if (rows.length && this.selected >= 0) this.select(-1);
    if (rows.length) this._endSearch();
    byId("chosen").hidden = rows.length === 0;
    byId("n-chosen").textContent = `${counted(rows.length)} chosen`;
    this.restate();
  }

  search(text) {
    this.hits = text.trim() ? this.map.search(text) : null;
    this.activeResult = -1;
    if (this.hits) {
      if (this.selected >= 0) this.select(-1);
      this._fillResults();
    } else hideResults();
    this.restate();
  }

  _fillResults() {
    fillResults(this.map, this.hits, this.activeResult, {
      pick: (row) => this.pick(row),
      chooseAll: (rows) => this.choose(rows),
    });
  }

  pick(row) {
    hideResults();
    if (!this.isShown(row)) this.setShown(this.shown.map(() => true));
    this.select(row, { fly: true });
  }

  _endSearch() {
    this.hits = null;
    byId("search").value = "";
    hideResults();
  }

  closeLasso() {
    const rows = this.lasso.length > 2 ? rowsInside(this.lasso, this._project(), (row) => this.isShown(row)) : [];
    this.lasso = [];
    this.setLassoing(false);
    this.choose(rows);
    return rows;
  }

  setLassoing(isOn) {
    this.isLassoing = isOn;
    byId("lasso").setAttribute("aria-pressed", String(isOn));
    byId("points").classList.toggle("lasso", isOn);
  }

  hover(row, x = 0, y = 0) {
    if (row >= 0) {
      fillTip(this.map, row, this.place, this.colours[this.codes[row]], this.field.shapes[this.codes[row]]);
      placeTip(x, y);
    } else byId("tip").hidden = true;
    byId("points").classList.toggle("over", row >= 0);
    if (row === this.hovered) return;
    this.hovered = row;
    this.redraw();
  }

  say(text) {
    const notice = byId("notice");
    notice.textContent = text;
    notice.hidden = false;
    clearTimeout(this.noticeTimer);
    this.noticeTimer = setTimeout(() => { notice.hidden = true; }, 9000);
  }

  escape() {
    if (this.isLassoing) { this.lasso = []; this.setLassoing(false); }
    else if (this.selected >= 0) this.select(-1);
    else if (this.hits) this._endSearch();
    else if (this.chosen.length) this.choose([]);
    this.restate();
  }
}
