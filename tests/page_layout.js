// What is wrong with the layout of a page: texts that are cut, that overlap, or that are hard to read.
(() => {
  const problems = [];
  const root = document.documentElement;
  const width = root.clientWidth;  // a phone's innerWidth grows with what is too wide
  if (root.scrollWidth > width) problems.push(`the page is ${root.scrollWidth} pixels wide`);

  for (const list of document.querySelectorAll("table.list"))
    if (list.scrollWidth > list.parentElement.clientWidth) problems.push(`a list is ${list.scrollWidth} pixels wide`);

  // A box as far as the scrolling parts around it show it; null if nothing is left.
  function visible(box, element) {
    let [left, top, right, bottom] = [box.left, box.top, box.right, box.bottom];
    for (let at = element; at && at !== document.body; at = at.parentElement) {
      const style = getComputedStyle(at);
      if (style.overflowX === "visible" && style.overflowY === "visible") continue;
      const own = at.getBoundingClientRect();
      left = Math.max(left, own.left); right = Math.min(right, own.right);
      top = Math.max(top, own.top); bottom = Math.min(bottom, own.bottom);
    }
    return right - left > 1 && bottom - top > 1 ? { left, top, right, bottom } : null;
  }

  function scrolls(element) {
    for (let at = element; at; at = at.parentElement)
      if (["auto", "scroll"].includes(getComputedStyle(at).overflowX) && at !== document.body) return true;
    return false;
  }

  const colourCanvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  function rgba(colour) {
    colourCanvas.clearRect(0, 0, 1, 1);
    colourCanvas.fillStyle = colour;
    colourCanvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = colourCanvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  }

  function ground(element) {
    const layers = [];
    for (let at = element; at; at = at.parentElement) {
      const layer = rgba(getComputedStyle(at).backgroundColor);
      layers.push(layer);
      if (layer[3] === 1) break;
    }
    const lowest = rgba(getComputedStyle(root).getPropertyValue("--ground").trim() || "white");
    return layers.reverse().reduce((under, [r, g, b, a]) =>
      [r, g, b].map((value, at) => value * a + under[at] * (1 - a)), lowest.slice(0, 3));
  }

  function luminance(colour) {
    const [r, g, b] = colour.map((value) => value / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }

  const texts = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode, element = node.parentElement;
    const words = node.textContent.trim().replace(/\s+/g, " ").slice(0, 40);
    if (!words || element.closest("script, style, noscript, option, title")) continue;
    const style = getComputedStyle(element);
    if (style.visibility === "hidden" || Number(style.opacity) === 0) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const isCut = element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 0;
    if (isCut && style.overflowX === "hidden" && style.textOverflow !== "ellipsis") problems.push(`cut: ${words}`);
    const size = parseFloat(style.fontSize);
    const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    for (const box of range.getClientRects()) {
      const shown = visible(box, element);
      if (!shown) continue;
      if ((shown.right > width + 1 || shown.left < -1) && !scrolls(element)) problems.push(`outside: ${words}`);
      texts.push({ ...shown, words });
    }
    if (!texts.length) continue;
    const ink = rgba(element.namespaceURI.includes("svg") ? style.fill : style.color).slice(0, 3);
    const [light, dark] = [luminance(ink), luminance(ground(element))].sort((a, b) => b - a);
    const contrast = (light + 0.05) / (dark + 0.05);
    if (contrast < (isLarge ? 3 : 4.5)) problems.push(`contrast ${contrast.toFixed(2)}: ${words}`);
  }
  texts.sort((a, b) => a.top - b.top);
  texts.forEach((a, at) => {
    for (let next = at + 1; next < texts.length && texts[next].top < a.bottom - 3; next++) {
      const b = texts[next];
      const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (wide > 3 && high > 3) problems.push(`overlap: ${a.words} | ${b.words}`);
    }
  });
  return [...new Set(problems)].slice(0, 12);
})()
