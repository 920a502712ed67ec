// What one chooses: sound, captions, speed, quality, picture in picture. In the row where there is room for it, else in a panel behind a button. Used by controls.ts.
import { togglePictureInPicture } from './acts.ts';
import { button, type Choice, choice, element, fill } from './elements.ts';
import { icon } from './icons.ts';
import type { Stream } from './stream.ts';
import { language, t, withKey } from './text/text.ts';
import { trackName } from './track-name.ts';
import type { Option, Track } from './tracks.ts';

type Parts = {
  readonly frame: HTMLElement;
  readonly bar: HTMLElement;
  readonly row: HTMLElement;
  readonly video: HTMLVideoElement;
  readonly stream: Stream;
};

const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 1.75, 2];

const named = (tracks: readonly Track[]): Option[] =>
  tracks.map((track) => ({ index: track.index, name: trackName(track, language) }));

export function addChoices({ frame, bar, row, video, stream }: Parts): void {
  const { tracks } = stream;
  const show = () => {
    const qualities = stream.qualities();
    const automatic =
      stream.quality() === -1 && stream.shown() !== ''
        ? t('automatic.shown', { shown: stream.shown() })
        : t('automatic');
    fill(quality, [{ index: -1, name: automatic }, ...qualities], stream.quality());
    quality.box.hidden = qualities.length < 2;
    fill(sound, named(tracks.sounds()), tracks.sound());
    sound.box.hidden = tracks.sounds().length < 2;
    fill(captions, [{ index: -1, name: t('captions.none') }, ...named(tracks.texts())], tracks.text());
    captions.box.hidden = tracks.texts().length === 0;
    settings.hidden = [...panel.children].every((one) => (one as HTMLElement).hidden);
  };
  const sound = choice({ name: t('audio'), className: 'audio', sign: 'audio' }, tracks.chooseSound);
  const captions = choice(
    { name: t('captions'), hint: withKey('captions', 'c'), className: 'captions', sign: 'captions' },
    tracks.chooseText,
  );
  const speed = choice({ name: t('speed'), className: 'speed' }, (value) => {
    video.playbackRate = value;
  });
  const quality = choice({ name: t('quality'), className: 'quality' }, (value) => stream.choose(value));
  const speeds = SPEEDS.map((value) => ({ index: value, name: `${value}×` }));
  fill(speed, speeds, 1);
  speed.box.hidden = stream.live !== null;
  video.addEventListener('ratechange', () => fill(speed, speeds, video.playbackRate));
  quality.select.addEventListener('pointerdown', () => stream.refresh());

  const pip = button(withKey('pictureInPicture', 'p'), 'pip', () => void togglePictureInPicture(video));
  const name = element('span', 'name');
  name.textContent = t('pictureInPicture');
  pip.append(name, icon('pip'));
  pip.hidden = !document.pictureInPictureEnabled;

  const panel = element('div', 'choices');
  panel.id = 'choices';
  panel.setAttribute('role', 'group');
  panel.setAttribute('aria-label', t('settings'));
  const choices = [sound, captions, speed, quality];
  panel.append(...choices.map(({ box }) => box), pip);
  const settings = button(t('settings'), 'settings', () => open(!bar.classList.contains('open')));
  settings.append(icon('settings'));
  settings.setAttribute('aria-controls', panel.id);
  const open = (isOpen: boolean) => {
    if (isOpen) stream.refresh();
    bar.classList.toggle('open', isOpen);
    settings.setAttribute('aria-expanded', String(isOpen));
  };
  open(false);
  row.append(settings, panel);
  stream.onChange(show);
  for (const { select } of choices) select.addEventListener('change', show);
  show();

  const close = () => {
    if (bar.classList.contains('open')) open(false);
  };
  document.addEventListener('pointerdown', ({ target }) => {
    if (!panel.contains(target as Node) && !settings.contains(target as Node)) close();
  });
  pip.addEventListener('click', close);
  frame.addEventListener('keydown', ({ key }) => {
    if (key !== 'Escape' || !bar.classList.contains('open')) return;
    close();
    settings.focus();
  });
  for (const one of choices) returnKeys(one, frame, close);
}

/** Who chooses with a pointer is done with the menu then: the keys are the player's again. Who chooses by keys goes through several. */
function returnKeys({ select }: Choice, frame: HTMLElement, close: () => void): void {
  let byPointer = false;
  select.addEventListener('pointerdown', () => {
    byPointer = true;
  });
  select.addEventListener('keydown', () => {
    byPointer = false;
  });
  select.addEventListener('change', () => {
    if (!byPointer) return;
    byPointer = false;
    close();
    frame.focus({ preventScroll: true });
  });
}
