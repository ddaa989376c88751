// Requests to the server that sent this page, and to no other.

const token = document.querySelector('meta[name="page-token"]').content;
const ROOT = "/api/v1";

/** What the server answers, as JSON; throws an Error with its one sentence. */
export async function get(path, parameters = {}, signal = undefined) {
  return answer(await fetch(address(path, parameters), { signal }));
}

/** Send JSON, or a file as it is. */
export async function post(path, body, parameters = {}) {
  return change("POST", path, body, parameters);
}

/** Send JSON even if the page is being closed. */
export async function postAtLast(path, body) {
  return change("POST", path, body, {}, true);
}

/** Set something to a new value. */
export async function put(path, body) {
  return change("PUT", path, body, {});
}

/** End or delete something. */
export async function remove(path, parameters = {}) {
  return change("DELETE", path, undefined, parameters);
}

async function change(method, path, body, parameters, keepalive = false) {
  const isFile = body instanceof Blob;
  const headers = { "x-soundalike-token": token };
  if (body !== undefined && !isFile) headers["content-type"] = "application/json";
  const options = { method, headers, keepalive, body: isFile ? body : JSON.stringify(body) };
  return answer(await fetch(address(path, parameters), options));
}

/** A file that the server makes, saved under its name. */
export async function download(path, body, name) {
  const headers = { "x-soundalike-token": token, "content-type": "application/json" };
  const response = await fetch(address(path, {}), { method: "POST", headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(await reason(response));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await response.blob());
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** The progress of a job: `onChange` gets each state, the last one included. */
export function follow(job, onChange) {
  const source = new EventSource(address(`/jobs/${job}/events`, {}));
  source.onmessage = (event) => {
    const state = JSON.parse(event.data);
    if (state.state !== "running") source.close();
    onChange(state);
  };
  source.onerror = () => source.close();
  return source;
}

/** The address of a song's file. */
export function audioAddress(id) {
  return `${ROOT}/tracks/${id}/audio`;
}

/** The address of the file with all events. */
export const EXPORT_ADDRESS = `${ROOT}/taste/export`;

function address(path, parameters) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    for (const part of Array.isArray(value) ? value : [value]) {
      if (part !== "" && part !== null && part !== undefined) query.append(name, part);
    }
  }
  const text = query.toString();
  return ROOT + path + (text ? `?${text}` : "");
}

async function answer(response) {
  if (!response.ok) throw new Error(await reason(response));
  return response.json();
}

async function reason(response) {
  try {
    return (await response.json()).error;
  } catch {
    return `The server answered ${response.status}.`;
  }
}
