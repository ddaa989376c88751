// Light, dark, or as the system is.

import { keep, kept } from "./kept.js";

const NAME = "soundalike-theme";
const THEMES = ["system", "light", "dark"];
const prefersDark = matchMedia("(prefers-color-scheme: dark)");

/** The theme that was chosen. */
export function theme() {
  return THEMES.includes(kept(NAME)) ? kept(NAME) : "system";
}

/** Choose the next theme; returns its name. */
export function nextTheme() {
  keep(NAME, THEMES[(THEMES.indexOf(theme()) + 1) % THEMES.length]);
  applyTheme();
  return theme();
}

/** Show the page in the chosen theme. */
export function applyTheme() {
  const isDark = theme() === "dark" || (theme() === "system" && prefersDark.matches);
  document.documentElement.dataset.theme = isDark ? "dark" : "light";
}

prefersDark.addEventListener("change", applyTheme);
