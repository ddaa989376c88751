// Elements without markup: text from tags is only ever text.

/** An element with properties, event listeners (`onclick`) and children. */
export function el(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key in element && !key.startsWith("aria") && key !== "list") element[key] = value;
    else element.setAttribute(key, value === true ? "" : String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** An element of an SVG picture. */
export function svg(name, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  element.append(...children);
  return element;
}

let timer = 0;
/** One sentence for everybody, screen readers included; it goes after some seconds, unless it `stays`. */
export function say(text, stays = false) {
  const status = document.getElementById("status");
  status.textContent = text;
  clearTimeout(timer);
  if (text && !stays) timer = setTimeout(() => { status.textContent = ""; }, 6000);
}
