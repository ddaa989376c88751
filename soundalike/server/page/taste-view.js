// The listener's events: what is stored, export, delete; and the playlists that start from them.

import { EXPORT_ADDRESS, get, remove } from "./api.js";
import { el, say } from "./dom.js";
import { titleOf } from "./rows.js";
import { isRecording, readVerdicts, setRecording, tasteSlider } from "./taste.js";
import { TEXT } from "./text.js";

/** The view. */
export async function showTaste(main) {
  main.replaceChildren(el("p", { className: "quiet" }, TEXT.loading));
  const report = await get("/taste", { limit: 100 });
  const again = async (parameters) => {
    try {
      const { deleted } = await remove("/taste/events", parameters);
      await readVerdicts();
      await showTaste(main);
      say(TEXT.forgotten(deleted));
    } catch (error) { say(error.message); }
  };
  main.replaceChildren(
    el("h1", {}, TEXT.tasteTitle),
    el("p", { className: "quiet" }, TEXT.tasteHelp),
    el("div", { className: "columns" },
      el("div", {},
        el("p", { id: "taste-counts" }, TEXT.tasteCounts(report.counts)),
        el("p", { className: "quiet" }, TEXT.tasteStrength(report.strength)),
        report.events.length ? el("h2", {}, TEXT.latestEvents) : null,
        el("ul", { className: "list", id: "events" }, ...report.events.map((event) => eventItem(event, again)))),
      el("div", { className: "panel fields" },
        tasteSlider(() => {}),
        el("label", { className: "check" }, el("input", {
          id: "record-plays", type: "checkbox", checked: isRecording(), onchange: (change) => setRecording(change.target.checked),
        }), ` ${TEXT.recordPlays}`),
        el("a", { className: "button", href: "#/playlist/rediscover" }, TEXT.rediscover),
        el("a", { className: "button", href: "#/playlist/daily-mix" }, TEXT.dailyMix),
        el("a", { className: "button", id: "export", href: EXPORT_ADDRESS, download: "taste.json" }, TEXT.exportEvents),
        forgetButton(report.events.length, () => again({ everything: true })))));
}

function eventItem(event, again) {
  const title = titleOf(event);
  return el("li", {}, el("div", { className: "event" },
    el("span", { className: "words" }, el("a", { href: `#/songs/${event.id}` }, title),
      el("span", { className: "quiet" }, ` ${[event.artist, TEXT.events[event.event], TEXT.moment(event.time)].filter(Boolean).join(" · ")}`)),
    el("button", { type: "button", "aria-label": TEXT.forgetOne(title), onclick: () => again({ id: event.id }) }, "✕")));
}

/** The first press asks, the second one deletes. */
function forgetButton(nEvents, onForget) {
  const button = el("button", { type: "button", id: "forget", disabled: !nEvents }, TEXT.forgetAll);
  let isSure = false;
  button.addEventListener("click", () => {
    if (isSure) { onForget(); return; }
    isSure = true;
    button.textContent = TEXT.forgetSure;
    button.classList.add("bad");
  });
  button.addEventListener("blur", () => {
    isSure = false;
    button.textContent = TEXT.forgetAll;
    button.classList.remove("bad");
  });
  return button;
}
