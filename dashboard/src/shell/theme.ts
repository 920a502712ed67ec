// Light, dark, or as the system is; kept for the next visit.
import { useSyncExternalStore } from 'react';

export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];
const STORE = 'rendition-theme';
const stored = localStorage.getItem(STORE);
let theme: Theme = THEMES.find((one) => one === stored) ?? 'system';
const listeners = new Set<() => void>();

export function applyTheme(): void {
  if (theme === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}
export function setTheme(next: Theme): void {
  theme = next;
  localStorage.setItem(STORE, next);
  applyTheme();
  for (const listener of listeners) listener();
}
const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};
export const useTheme = (): Theme => useSyncExternalStore(subscribe, () => theme);
