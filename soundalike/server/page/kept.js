// What the browser keeps for the page; nothing, if the browser stores nothing.

export function kept(name) {
  try { return localStorage.getItem(name); } catch { return null; }
}

export function keep(name, value) {
  try { localStorage.setItem(name, value); } catch { /* forgotten on a reload */ }
}
