// The page: addresses after #, the search box, keys, themes, dropped files and the microphone.

import { post } from "./api.js";
import { el, say } from "./dom.js";
import { showLibrary } from "./library.js";
import { showMap } from "./map.js";
import { current, jumpBack, jumpOn, previous, skip, toggle } from "./player.js";
import { closeQueue, toggleQueue } from "./queue.js";
import { showSong, showUpload } from "./song.js";
import { showSongs } from "./songs.js";
import { judge, loadVerdicts } from "./taste.js";
import { showTaste } from "./taste-view.js";
import { TEXT, putTexts } from "./text.js";
import { applyTheme, nextTheme, theme } from "./theme.js";
import { showWorkshop } from "./workshop.js";

putTexts(document);
const main = document.getElementById("main");
const search = document.getElementById("search");
const help = document.getElementById("help");
const TYPING_MS = 120;
const RECORD_MS = 8000;
// A browser's usual corrections are made for speech, and change music.
const SOUND = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
const RECORDED = ["webm", "ogg", "mp4"];
let leave = null;
let round = 0;

/** Show the view that the address names. */
async function route() {
  const [name = "songs", argument = ""] = location.hash.replace(/^#\//, "").split("/");
  const mine = ++round;
  leave?.();
  leave = null;
  main.classList.remove("full");
  for (const link of document.querySelectorAll(".views a")) {
    const isHere = link.hash === `#/${name}`;
    if (isHere) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.documentElement.dataset.view = "";
  try {
    const stop = await view(name, argument);
    if (mine === round) leave = stop ?? null;
    else stop?.();
  } catch (error) {
    if (mine === round) main.replaceChildren(el("p", { className: "bad", role: "alert" }, error.message));
  }
  if (mine !== round) return;
  // What had the focus is gone with the old view: a keyboard goes on from the top of the new one.
  if (mine > 1 && document.activeElement === document.body) main.focus({ preventScroll: true });
  document.documentElement.dataset.view = `${name}/${argument}`;
}

function view(name, argument) {
  switch (name) {
    case "":
    case "songs":
      return argument ? showSong(main, argument) : showSongs(main, search.value.trim());
    case "playlist": return showWorkshop(main, argument);
    case "map": return showMap(main, argument);
    case "library": return showLibrary(main);
    case "taste": return showTaste(main);
    default:
      main.replaceChildren(el("p", {}, TEXT.notFound));
      return null;
  }
}

let timer = 0;
search.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(() => {
    if (/^#?\/?(songs)?$/.test(location.hash)) route();
    else location.hash = "#/songs";
  }, TYPING_MS);
});
search.form.addEventListener("submit", (event) => {
  event.preventDefault();
  main.querySelector(".row .words a")?.focus();
});
search.addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown") {
    main.querySelector(".row .words a")?.focus();
    event.preventDefault();
  }
});

const KEYS = {
  "/": () => { search.focus(); search.select(); },
  "?": () => help.showModal(),
  " ": toggle,
  j: skip, J: skip, k: previous, K: previous,
  l: () => judgeCurrent("like"), L: () => judgeCurrent("like"),
  d: () => judgeCurrent("dislike"), D: () => judgeCurrent("dislike"),
  q: toggleQueue, Q: toggleQueue,
  ArrowLeft: jumpBack, ArrowRight: jumpOn,
  Escape: () => closeQueue() || document.activeElement?.blur(),
};
function judgeCurrent(verdict) {
  if (current()) judge(current().id, verdict);
}
document.addEventListener("keydown", (event) => {
  const isTyping = event.target.matches("input:not([type=checkbox]), select, textarea");
  if (isTyping && event.key === "Escape") event.target.blur();
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey || help.open) return;
  if (event.key === " " && event.target.matches("button, a, input")) return;
  if (event.key === "Escape" && event.target === document.body && !closeQueue()) return;
  const action = KEYS[event.key];
  if (!action) return;
  event.preventDefault();
  action();
});

help.append(
  el("h2", { id: "help-title" }, TEXT.helpTitle),
  el("dl", {}, ...TEXT.keys.flatMap(([key, meaning]) => [el("dt", {}, el("kbd", {}, key)), el("dd", {}, meaning)])),
  el("button", { type: "button", onclick: () => help.close() }, TEXT.closeHelp));
document.getElementById("help-open").addEventListener("click", () => help.showModal());

const themeButton = document.getElementById("theme");
function drawTheme(name) {
  themeButton.querySelector("span").textContent = TEXT.theme(name);
  themeButton.title = TEXT.theme(name);
}
drawTheme(theme());
themeButton.addEventListener("click", () => drawTheme(nextTheme()));
applyTheme();

/** Ask which songs are like a sound that is not in the library. */
async function ask(file, name, shownName = name) {
  say(TEXT.uploading(shownName), true);
  try {
    const answer = await post("/uploads/similar", file, { name, k: 20 });
    leave?.();
    leave = null;
    round++;
    main.classList.remove("full");
    showUpload(main, shownName, answer);
    history.pushState(null, "", "#/sound");
    main.focus();
    say("");
  } catch (error) { say(error.message); }
}

const drop = document.getElementById("drop");
addEventListener("dragover", (event) => {
  if (![...event.dataTransfer.types].includes("Files")) return;
  event.preventDefault();
  drop.hidden = false;
});
addEventListener("dragleave", (event) => { if (!event.relatedTarget) drop.hidden = true; });
addEventListener("drop", (event) => {
  drop.hidden = true;
  const [file] = event.dataTransfer?.files ?? [];
  if (!file) return;
  event.preventDefault();
  ask(file, file.name);
});

document.getElementById("listen").addEventListener("click", async (event) => {
  const button = event.currentTarget;
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ audio: SOUND });
  } catch {
    say(TEXT.noMicrophone);
    return;
  }
  button.disabled = true;
  say(TEXT.recording, true);
  const recorder = new MediaRecorder(stream);
  const parts = [];
  recorder.ondataavailable = (part) => parts.push(part.data);
  recorder.onstop = () => {
    for (const track of stream.getTracks()) track.stop();
    button.disabled = false;
    const suffix = RECORDED.find((name) => recorder.mimeType.includes(name)) ?? "webm";
    ask(new Blob(parts, { type: recorder.mimeType }), `microphone.${suffix}`, TEXT.microphone);
  };
  recorder.start();
  setTimeout(() => recorder.stop(), RECORD_MS);
});

loadVerdicts();
addEventListener("hashchange", route);
route();
