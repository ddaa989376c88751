// The library's health: what is in it, what failed, copies, doubtful labels; and indexing.

import { follow, get, post, remove } from "./api.js";
import { el, say } from "./dom.js";
import { songList, titleOf } from "./rows.js";
import { TEXT, number } from "./text.js";

const MOST_FIELDS = 40;
const DOUBTED = "genre";

/** The view. */
export async function showLibrary(main) {
  main.replaceChildren(el("p", { className: "quiet" }, TEXT.loading));
  const [library, failures, copies, jobs] = await Promise.all([
    get("/library"), get("/library/failures"), get("/library/duplicates"), get("/jobs")]);
  const work = el("div", { id: "work" });
  const doubtful = el("div", { id: "doubtful" });
  const labels = Object.entries(library.fields).filter(([name]) => !name.includes(".")).sort((a, b) => b[1] - a[1]).map(([name]) => name);
  const field = el("select", { id: "doubtful-field" },
    ...labels.map((name) => el("option", { value: name, selected: name === DOUBTED }, name)));
  const folder = el("input", { id: "folder", name: "folder", autocomplete: "off" });
  let source = null;
  const watch = (job) => {
    source?.close();
    source = follow(job.id, (state) => drawJob(work, state, () => showLibrary(main)));
  };
  const start = async (event) => {
    event.preventDefault();
    try {
      watch(await post("/jobs", { paths: [folder.value.trim()] }));
    } catch (error) { say(error.message); }
  };
  main.replaceChildren(el("div", { className: "columns" },
    el("div", {},
      el("h1", {}, TEXT.libraryTitle),
      el("p", {}, TEXT.allSongs(library.tracks)),
      el("h2", {}, TEXT.duplicates),
      copies.total ? el("div", { id: "copies" }, ...copies.recordings.map(copiesOfOne)) : el("p", { className: "quiet" }, TEXT.noDuplicates),
      moreOf(copies.recordings.length, copies.total),
      el("h2", {}, TEXT.doubtful),
      el("p", { className: "quiet" }, TEXT.doubtfulHelp),
      el("div", { className: "actions" }, el("label", {}, `${TEXT.doubtfulField} `, field),
        el("button", { type: "button", onclick: () => drawDoubtful(doubtful, field.value) }, TEXT.check)), doubtful,
      el("h2", {}, TEXT.failures),
      failures.total ? el("table", { id: "failures" }, el("tbody", {}, ...failures.failures.map((failure) =>
        el("tr", {}, el("td", {}, failure.path), el("td", {}, failure.reason)))))
        : el("p", { className: "quiet" }, TEXT.noFailures),
      moreOf(failures.failures.length, failures.total)),
    el("aside", {},
      el("form", { className: "panel fields", onsubmit: start },
        el("strong", {}, TEXT.indexFolder),
        el("label", {}, TEXT.folder, folder),
        el("button", { className: "main", type: "submit" }, TEXT.startIndexing), work),
      el("div", { className: "panel", id: "coverage" }, el("h2", {}, TEXT.models), ...Array.from(library.models, (model) => coverage(model, library))),
      el("div", { className: "panel" }, el("h2", {}, TEXT.fields), table(Object.entries(library.fields)
        .sort((a, b) => b[1] - a[1]).slice(0, MOST_FIELDS).map(([name, count]) => [name, number(count)]))))));
  const running = jobs.jobs.find((job) => job.kind === "index" && job.state === "running");
  if (running) watch(running);
  return () => source?.close();
}

/** How many songs have a vector of a model. */
function coverage(model, library) {
  const words = TEXT.covered(model.tracks, library.tracks);
  return el("p", {},
    `${model.name === library.fingerprint ? TEXT.modelInUse : TEXT.otherModel} (${model.name.slice(0, 12)}) `,
    el("meter", { min: 0, max: Math.max(library.tracks, 1), value: model.tracks, "aria-label": words }), ` ${words}`);
}

function copiesOfOne(tracks) {
  const isEqual = new Set(tracks.map((track) => track.audio_digest)).size === 1;
  return el("div", { className: "copies" }, el("p", { className: "quiet" }, isEqual ? TEXT.sameAudio : TEXT.sameRecording),
    songList(tracks, () => null, (track) => el("p", { className: "why" }, track.path)));
}

function moreOf(shown, total) {
  return shown < total ? el("p", { className: "quiet" }, TEXT.moreOf(shown, total)) : null;
}

function table(rows) {
  return el("table", {}, el("tbody", {}, ...rows.map(([name, value]) =>
    el("tr", {}, el("th", { scope: "row" }, name), el("td", {}, value)))));
}

function drawJob(place, job, whenDone) {
  if (job.state === "running") {
    const { done, total, file } = job.progress;
    place.replaceChildren(
      el("progress", total ? { max: total, value: done } : {}),
      el("p", { className: "quiet" }, total ? TEXT.indexing(done, total, file) : TEXT.indexStarts),
      el("button", { type: "button", onclick: () => remove(`/jobs/${job.id}`).catch((error) => say(error.message)) }, TEXT.cancel));
    return;
  }
  if (!job.finished) return;
  place.replaceChildren(el("p", { className: job.error ? "bad" : "quiet" }, job.error ?? TEXT.indexDone(job.result)));
  if (!job.error) {
    say(TEXT.indexDone(job.result));
    whenDone();
  }
}

async function drawDoubtful(place, field) {
  place.replaceChildren(el("progress", {}));
  try {
    const answer = await get("/library/doubtful", { field });
    if (!answer.tracks.length) { place.replaceChildren(el("p", { className: "quiet" }, TEXT.noDoubtful)); return; }
    place.replaceChildren(songList(answer.tracks, () => null, (track) => el("div", { className: "why" },
      el("p", {}, track.evidence),
      el("button", {
        type: "button", "aria-label": `${TEXT.fix(track.label)}: ${titleOf(track)}`,
        onclick: (event) => fix(track, event.target),
      }, TEXT.fix(track.label)))));
  } catch (error) {
    place.replaceChildren(el("p", { className: "bad", role: "alert" }, error.message));
  }
}

async function fix(track, button) {
  try {
    const answer = await post("/labels", { id: track.id, field: track.field, value: track.label });
    say(TEXT.fixed);
    button.replaceWith(el("button", {
      type: "button",
      onclick: async (event) => {
        try {
          await post("/labels/undo", { journal: answer.journal });
          event.target.replaceWith(el("span", {}, TEXT.undone));
        } catch (error) { say(error.message); }
      },
    }, TEXT.undo));
  } catch (error) { say(error.message); }
}
