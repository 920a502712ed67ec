// What the options of an output are tried on: a film with numbered frames, sounds too quiet, with peaks and all around, and tracks in three languages. Used by options.test.ts.
import { writeFile } from 'node:fs/promises';
import { needTool } from '../kit/decode.ts';
import { makeFilm } from './film.ts';

/** Pixels. */
export const WIDTH = 192;
export const FPS = 25;

export const make = (...args: string[]) => needTool('ffmpeg', ['-v', 'error', '-y', '-nostdin', ...args]);

/** film.mp4, quiet.wav, peaks.wav, surround.wav, tracks.mkv */
export async function makeSources(folder: string): Promise<void> {
  await makeFilm({
    path: `${folder}/film.mp4`,
    width: WIDTH,
    height: 108,
    fps: String(FPS),
    seconds: 30,
    output: ['-preset', 'ultrafast', '-g', '100'],
  });
  // Speech-like and far too quiet; loud with sharp peaks, so that no single gain will do.
  const quiet = "anoisesrc=c=pink:d=9:seed=1:r=48000,volume='0.02*(1+gt(mod(t,1),0.5))':eval=frame";
  const peaks = "anoisesrc=c=pink:d=9:seed=2:r=48000,volume='0.1+0.9*lt(mod(t,3),0.05)':eval=frame";
  await make('-f', 'lavfi', '-i', quiet, `${folder}/quiet.wav`);
  await make('-f', 'lavfi', '-i', peaks, `${folder}/peaks.wav`);
  // Each channel has a tone of its own.
  const tones = [300, 500, 700, 60, 900, 1100].map((tone) => `0.05*sin(2*PI*${tone}*t)`).join('|');
  await make('-f', 'lavfi', '-i', `aevalsrc=${tones}:c=5.1:d=6:s=48000`, `${folder}/surround.wav`);
  const text = '1\n00:00:01,000 --> 00:00:02,000\nHello\n\n2\n00:00:06,500 --> 00:00:07,500\nAgain & <i>again</i>\n';
  await writeFile(`${folder}/text.srt`, text);
  await make(
    ...['-i', `${folder}/film.mp4`, '-f', 'lavfi', '-i', 'sine=880', '-i', `${folder}/text.srt`, '-t', '10'],
    ...['-map', '0:v', '-map', '0:a', '-map', '1:a', '-map', '2:s', '-c:v', 'copy', '-c:a', 'aac', '-c:s', 'srt'],
    ...[
      '-metadata:s:a:0',
      'language=eng',
      '-metadata:s:a:1',
      'language=deu',
      '-metadata:s:s:0',
      'language=fra',
      '-disposition:a:0',
      'default',
    ],
    `${folder}/tracks.mkv`,
  );
}
