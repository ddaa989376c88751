// The API for people: what openapi.json says, with an example of each request that can be sent.

import { el } from "./dom.js";
import { TEXT, putTexts } from "./text.js";
import { applyTheme } from "./theme.js";

const token = document.querySelector('meta[name="page-token"]').content;
const METHODS = ["get", "post", "put", "delete"];
const MOST_SHOWN = 20_000;
const EXAMPLES = {
  id: "1", to: "2", q: "song", field: "genre", k: "5", limit: "5", colour: "genre", track_id: "1", job_id: "1", name: "genre",
};
const OPTIONAL_SHOWN = new Set(["id", "k", "limit"]);

putTexts(document);
const description = await (await fetch("/api/openapi.json")).json();
document.getElementById("about").textContent = description.info.description;
const groups = new Map();
for (const [path, methods] of Object.entries(description.paths)) {
  for (const method of METHODS.filter((name) => name in methods)) {
    const operation = methods[method];
    const group = operation.tags?.[0] ?? TEXT.apiOther;
    if (!groups.has(group)) groups.set(group, []);
    groups.get(group).push(section(path, method, operation));
  }
}
document.getElementById("operations").append(...[...groups].map(([name, sections]) =>
  el("section", { id: name, "aria-labelledby": `title-${name}` }, el("h2", { id: `title-${name}` }, name), ...sections)));
document.getElementById("groups").append(...[...groups.keys()].map((name) => el("a", { href: `#${name}` }, name)));
applyTheme();
document.documentElement.dataset.ready = "true";

/** One address with one method; what is in it is made when it is opened. */
function section(path, method, operation) {
  const details = el("details", { className: "panel operation", id: `${method}-${path}` },
    el("summary", {}, el("strong", {}, method.toUpperCase()), " ", el("code", {}, path), " ",
      el("span", { className: "quiet" }, ...marked(firstSentence(operation.description)))));
  details.addEventListener("toggle", () => details.append(...contents(path, method, operation)), { once: true });
  return details;
}

function contents(path, method, operation) {
  const parameters = operation.parameters ?? [];
  const content = operation.requestBody?.content?.["application/json"];
  const body = content ? resolved(content.schema) : null;
  const inputs = parameters.map((parameter) => [parameter, el("input", {
    value: exampleOf(parameter), "aria-label": parameter.name, placeholder: String(parameter.schema?.default ?? ""),
  })]);
  const text = body ? el("textarea", { rows: 5, "aria-label": TEXT.apiBody, value: JSON.stringify(bodyExample(body), null, 1) }) : null;
  const line = el("pre", { className: "line", tabIndex: 0, "aria-label": TEXT.apiCurl });
  const answer = el("pre", { className: "answer", tabIndex: 0, "aria-label": TEXT.apiAnswer, hidden: true });
  const target = () => addressOf(path, inputs);
  const draw = () => { line.textContent = curlOf(method, target(), text?.value); };
  for (const control of [...inputs.map(([, input]) => input), text]) control?.addEventListener("input", draw);
  draw();
  return [
    el("p", {}, ...marked(operation.description ?? "")),
    parameters.length ? el("table", {}, el("tbody", {}, ...inputs.map(([parameter, input]) => el("tr", {},
      el("th", { scope: "row" }, parameter.name, parameter.required ? " *" : ""),
      el("td", {}, input), el("td", {}, ...marked([kindOf(parameter.schema), parameter.description].filter(Boolean).join(". "))))))) : null,
    body ? el("div", {}, text, fieldTable(body)) : null,
    line,
    el("button", { type: "button", className: "main", onclick: () => send(method, target(), text?.value, answer) }, TEXT.apiSend),
    answer].filter(Boolean);
}

async function send(method, address, body, place) {
  place.hidden = false;
  place.textContent = "…";
  const headers = { "x-soundalike-token": token };
  if (body !== undefined) headers["content-type"] = "application/json";
  try {
    const stop = new AbortController();
    const response = await fetch(address, { method: method.toUpperCase(), headers, body, signal: stop.signal });
    const type = response.headers.get("content-type") ?? "";
    if (!type.startsWith("application/json")) {
      place.textContent = `${response.status} ${type}`;
      stop.abort();
      return;
    }
    const text = JSON.stringify(await response.json(), null, 1);
    place.textContent = `${response.status}\n${text.slice(0, MOST_SHOWN)}${text.length > MOST_SHOWN ? "\n…" : ""}`;
  } catch (error) {
    place.textContent = error.message;
  }
}

function addressOf(path, inputs) {
  const query = new URLSearchParams();
  let address = path;
  for (const [parameter, input] of inputs) {
    if (parameter.in === "path") address = address.replace(`{${parameter.name}}`, encodeURIComponent(input.value));
    else if (input.value !== "") query.append(parameter.name, input.value);
  }
  return query.size ? `${address}?${query}` : address;
}

function curlOf(method, address, body) {
  const parts = ["curl"];
  if (method !== "get") parts.push("-X", method.toUpperCase(), "-H 'x-soundalike-token: TOKEN'");
  if (body !== undefined) parts.push("-H 'content-type: application/json'", `-d '${body.replace(/\s*\n\s*/g, " ")}'`);
  return [...parts, `'${location.origin}${address}'`].join(" ");
}

function exampleOf(parameter) {
  if (!parameter.required && !OPTIONAL_SHOWN.has(parameter.name)) return "";
  return EXAMPLES[parameter.name] ?? String(parameter.schema?.default ?? parameter.schema?.enum?.[0] ?? "");
}

/** A schema without references. */
function resolved(schema) {
  if (!schema?.$ref) return schema ?? {};
  return resolved(schema.$ref.slice(2).split("/").reduce((part, name) => part[name], description));
}

/** An example that a schema names, or one made of its required fields. */
function bodyExample(schema) {
  if (schema.examples) return schema.examples[0];
  const entries = Object.entries(schema.properties ?? {}).filter(([name]) => schema.required?.includes(name));
  return Object.fromEntries(entries.map(([name, field]) => [name, valueOf(resolved(field))]));
}

function valueOf(schema) {
  if (schema.properties) return bodyExample(schema);
  if (schema.enum) return schema.enum[0];
  if (schema.anyOf) return valueOf(resolved(schema.anyOf[0]));
  switch (schema.type) {
    case "array": return [valueOf(resolved(schema.items))];
    case "integer": case "number": return schema.minimum ?? 1;
    case "boolean": return false;
    default: return "";
  }
}

function fieldTable(schema) {
  return el("table", {}, el("tbody", {}, ...Object.entries(schema.properties ?? {}).map(([name, field]) => el("tr", {},
    el("th", { scope: "row" }, name, schema.required?.includes(name) ? " *" : ""),
    el("td", {}, [kindOf(field), field.description].filter(Boolean).join(". "))))));
}

function kindOf(schema) {
  const whole = resolved(schema);
  if (whole.anyOf) return whole.anyOf.map(kindOf).join(TEXT.apiOr);
  if (whole.enum) return whole.enum.map((value) => JSON.stringify(value)).join(", ");
  if (whole.type === "array") return TEXT.apiListOf(kindOf(whole.items));
  const bounds = [[TEXT.apiFrom, whole.minimum], [TEXT.apiTo, whole.maximum]].filter(([, value]) => value !== undefined && Math.abs(value) < 2 ** 53);
  return [whole.type, ...bounds.map((bound) => bound.join(" "))].filter(Boolean).join(" ");
}

function firstSentence(text = "") {
  return text.split(/(?<=\.)\s/)[0];
}

/** Text with `code` in it. */
function marked(text) {
  return text.split("`").map((part, n) => (n % 2 ? el("code", {}, part) : part));
}
