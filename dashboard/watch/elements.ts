// The few kinds of controls of the player, each with its name for those who cannot see it.
import { type IconName, icon } from './icons.ts';
import type { Option as MenuOption } from './tracks.ts';

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

export type Choice = { readonly box: HTMLLabelElement; readonly select: HTMLSelectElement };

/** Its name stands beside it in a panel; in the row it has a sign where its values do not say what they are of. */
export function choice({ name, hint = name, className, sign }: ChoiceNames, choose: (value: number) => void): Choice {
  const box = element('label', 'choice');
  const text = element('span', 'name');
  text.textContent = name;
  const select = element('select', className);
  select.title = hint;
  select.setAttribute('aria-label', hint);
  select.addEventListener('change', () => choose(Number(select.value)));
  box.append(text, ...(sign ? [icon(sign)] : []), select);
  return { box, select };
}

type ChoiceNames = {
  readonly name: string;
  /** With its key, where it has one. */
  readonly hint?: string;
  readonly className: string;
  readonly sign?: IconName;
};

/** Leaves a list alone that says the same already: somebody may be reading it. */
export function fill({ select }: Choice, options: readonly MenuOption[], chosen: number): void {
  const isSame =
    select.options.length === options.length &&
    options.every(
      ({ index, name }, i) => select.options[i]?.value === String(index) && select.options[i].text === name,
    );
  if (!isSame) select.replaceChildren(...options.map(({ index, name }) => new Option(name, String(index))));
  select.value = String(chosen);
}
