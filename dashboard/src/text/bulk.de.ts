// The words of acts on many things at once, in German. Part of de.ts.
import type { bulk as english } from './bulk.en.ts';

export const bulk: Readonly<Record<keyof typeof english, string>> = {
  'bulk.all': 'Alle gezeigten auswählen',
  'bulk.pick': '{name} auswählen',
  'bulk.picked': '{n} ausgewählt',
  'bulk.every': 'Alle passenden auswählen',
  'bulk.going': '{done} von {total}',
  'bulk.stop': 'Hier aufhören',
  'bulk.done': '{n} erledigt',
  'bulk.missed': '{n} nicht',
  'bulk.left': '{n} unverändert',
  'list.more': 'und {n} weitere',
  'bulk.sure.cancel': 'Ihre Arbeit hält an. Sie lassen sich erneut versuchen.',
  'bulk.sure.delete': 'Sie verschwinden mit allen Dateien. Das lässt sich nicht zurücknehmen.',
  'bulk.sure.stop': 'Sie gehen vom Sender.',
};
