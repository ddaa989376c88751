// Mouse, touch and keys.

const KEY_STEP = 40;
const TOUCH_REACH = 22;

Page.prototype._listen = function () {
  listenToPointer(this);
  listenToKeys(this);
  listenToPanel(this);
  addEventListener("resize", () => this.redraw());
};

function listenToPointer(page) {
  const canvas = byId("points");
  const { camera } = page;
  const pointers = new Map();
  let moved = 0, isTurning = false;
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, [event.clientX, event.clientY]);
    moved = 0;
    isTurning = !camera.isFlat && event.button === 0 && !event.ctrlKey;
    if (event.shiftKey && event.button === 0) page.setLassoing(true);
    if (page.isLassoing) page.lasso = [[event.clientX, event.clientY]];
    page.hover(-1);
  });
  canvas.addEventListener("pointermove", (event) => {
    const last = pointers.get(event.pointerId);
    const { clientX: x, clientY: y } = event;
    if (!last) return page.hover(page.rowAt(x, y), x, y);
    const dx = x - last[0], dy = y - last[1];
    moved += Math.abs(dx) + Math.abs(dy);
    if (pointers.size === 2) {
      pinch(page, pointers, event);
      page.movedByHand();
    }
    else if (page.isLassoing) page.lasso.push([x, y]);
    else if (moved > CLICK_PIXELS) {
      canvas.classList.add("dragging");
      if (isTurning) camera.turn(dx, dy);
      else camera.pan(dx, dy);
      page.movedByHand();
    }
    pointers.set(event.pointerId, [x, y]);
    page.redraw();
  });
  const end = (event) => {
    if (!pointers.delete(event.pointerId)) return;
    canvas.classList.remove("dragging");
    if (page.isLassoing && page.lasso.length > 1) {
      const rows = page.closeLasso();
      if (!rows.length) page.say("There is no track inside the lasso.");
    } else if (moved <= CLICK_PIXELS && event.type === "pointerup" && event.button === 0)
      page.select(page.rowAt(event.clientX, event.clientY, event.pointerType === "touch" ? TOUCH_REACH : 0));
  };
  canvas.addEventListener("pointerup", end);
  canvas.addEventListener("pointercancel", end);
  canvas.addEventListener("pointerleave", () => { if (!pointers.size) page.hover(-1); });
  canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    const step = event.deltaMode === 1 ? event.deltaY * 20 : event.deltaY;
    camera.zoomAt(Math.exp(-Math.max(-240, Math.min(240, step)) * 0.0022), event.clientX, event.clientY);
    page.movedByHand();
  }, { passive: false });
}

function pinch(page, pointers, event) {
  const other = [...pointers].find(([id]) => id !== event.pointerId)[1];
  const last = pointers.get(event.pointerId);
  const now = [event.clientX, event.clientY];
  const apart = ([x, y]) => Math.hypot(x - other[0], y - other[1]);
  page.camera.zoomAt(apart(now) / Math.max(apart(last), 1), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
}

function listenToKeys(page) {
  const { camera } = page;
  const move = (dx, dy) => (camera.isFlat ? camera.pan(-dx, -dy) : camera.turn(dx, dy));
  const middle = () => camera.middle;
  const actions = {
    ArrowLeft: () => move(-KEY_STEP, 0),
    ArrowRight: () => move(KEY_STEP, 0),
    ArrowUp: () => move(0, -KEY_STEP),
    ArrowDown: () => move(0, KEY_STEP),
    "+": () => camera.zoomAt(1.25, ...middle()),
    "=": () => camera.zoomAt(1.25, ...middle()),
    "-": () => camera.zoomAt(0.8, ...middle()),
    0: () => camera.reset(),
    l: () => page.setLassoing(!page.isLassoing),
    n: () => page.walkOn(),
  };
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const isTyping = event.target.matches?.("input[type=search], select, audio");
    if (event.key === "Escape") return page.escape();
    if (event.key === "/" && !isTyping) {
      event.preventDefault();
      return byId("search").focus();
    }
    const isMapKey = event.key.startsWith("Arrow") ? event.target === byId("points") || event.target === document.body : true;
    const action = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (isTyping || !isMapKey || !action) return;
    event.preventDefault();
    action();
    if (!["l", "n"].includes(event.key.toLowerCase())) page.movedByHand();
    page.redraw();
  });
}

function listenToPanel(page) {
  const search = byId("search");
  search.addEventListener("input", () => page.search(search.value));
  search.addEventListener("focus", () => { setSheet(true); if (page.hits) page._fillResults(); });
  byId("sheet").addEventListener("click", () => setSheet(byId("sheet").getAttribute("aria-expanded") !== "true"));
  byId("points").addEventListener("pointerdown", () => setSheet(false));
  search.addEventListener("keydown", (event) => {
    if (!page.hits) return;
    const last = Math.min(page.hits.length, MOST_RESULTS) - 1;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const step = event.key === "ArrowDown" ? 1 : -1;
      page.activeResult = Math.max(-1, Math.min(last, page.activeResult + step));
      page._fillResults();
    } else if (event.key === "Enter" && page.hits.length) {
      event.preventDefault();
      page.pick(page.hits[Math.max(page.activeResult, 0)]);
    }
  });
  byId("field").addEventListener("change", (event) => page.setField(Number(event.target.value)));
  byId("show-all").addEventListener("click", () => page.setShown(page.shown.map(() => true)));
  byId("names").addEventListener("change", () => page.redraw());
  byId("honest").addEventListener("change", () => page.restate());
  byId("lasso").addEventListener("click", () => page.setLassoing(!page.isLassoing));
  byId("fit").addEventListener("click", () => { page.camera.reset(); page.movedByHand(); });
  byId("theme").addEventListener("click", () => page.setTheme(page.theme === "dark" ? "light" : "dark"));
  byId("close").addEventListener("click", () => page.select(-1));
  byId("clear").addEventListener("click", () => page.choose([]));
  byId("choose-near").addEventListener("click", () => {
    const row = page.selected;
    page.choose([row, ...page.map.neighbours(row).map((n) => n.row)]);
  });
  byId("save").addEventListener("click", () => {
    const text = playlistText(page.map, page.chosen);
    download("map-selection.m3u8", bytesOf(text), "audio/x-mpegurl");
    page.say(`Playlist of ${counted(page.chosen.length)} saved.`);
  });
}

readMap().then((map) => {
  const page = new Page(map);
  page.draw();
  // For scripts and the browser's console.
  window.soundalike = {
    map,
    page,
    playlist: (rows) => playlistText(map, rows),
    renderer: page.renderer.name,
    bytesOf,
    encodePath,
    relativePath,
  };
  document.documentElement.dataset.ready = "yes";
}).catch((error) => {
  byId("notice").textContent = error.message;
  byId("notice").hidden = false;
  throw error;
});
