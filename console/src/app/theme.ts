// Light, dark, or as the system is. Kept in this browser alone.

import { useState } from "react";

export type Theme = "system" | "light" | "dark";
const NAME = "ringfence.theme";
const ALL: Theme[] = ["system", "light", "dark"];

function stored(): Theme {
  try {
    return ALL.find((it) => it === localStorage.getItem(NAME)) ?? "system";
  } catch {
    return "system";
  }
}

export function applyTheme(theme: Theme = stored()): void {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

export function useTheme(): [Theme, () => void] {
  const [theme, set] = useState(stored);
  const next = () => {
    const to = ALL[(ALL.indexOf(theme) + 1) % ALL.length] ?? "system";
    try {
      localStorage.setItem(NAME, to);
    } catch {
      // A browser that keeps nothing shows it as long as it is open.
    }
    applyTheme(to);
    set(to);
  };
  return [theme, next];
}
