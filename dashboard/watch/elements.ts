// The few kinds of controls of the player, each with its name for those who cannot see it.

export function element<K extends keyof HTMLElementTagNameMap>(name: K, className: string): HTMLElementTagNameMap[K] {
  const made = document.createElement(name);
  made.className = className;
  return made;
}

export function button(label: string, className: string, act: () => void): HTMLButtonElement {
  const made = element('button', className);
  made.type = 'button';
  made.title = label;
  made.setAttribute('aria-label', label);
  made.addEventListener('click', act);
  return made;
}

export function range(label: string, className: string, max: number): HTMLInputElement {
  const made = element('input', className);
  made.type = 'range';
  made.min = '0';
  made.max = String(max);
  made.value = '0';
  made.setAttribute('aria-label', label);
  return made;
}

export function choice(label: string, className: string, choose: (value: number) => void): HTMLSelectElement {
  const made = element('select', className);
  made.title = label;
  made.setAttribute('aria-label', label);
  made.addEventListener('change', () => choose(Number(made.value)));
  return made;
}

export function fill(
  select: HTMLSelectElement,
  options: readonly { index: number; name: string }[],
  chosen: number,
): void {
  select.replaceChildren(...options.map(({ index, name }) => new Option(name, String(index), false, index === chosen)));
}
