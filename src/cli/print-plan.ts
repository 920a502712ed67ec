// A plan as tables for people. Pure; used by `rendition plan`.
import type { PlanView } from '#api/jobs/plan-view.ts';
import { bitrate, bytes, clock, table } from '#cli/table.ts';

export function printPlan({
  facts,
  findings,
  renditions,
  audio,
  subtitles,
  outputs,
  timelines,
  tasks,
  cost,
  reasons,
}: PlanView): string {
  const video = facts.video;
  const parts = [
    section('Source', describeFacts(facts)),
    findings.length > 0 &&
      section(
        'Findings',
        table(
          ['', 'finding', 'seen', 'what is done'],
          findings.map((one) => [MARKS[one.severity], one.code, one.detail, one.action]),
        ),
      ),
    renditions.length > 0 &&
      section(
        'Renditions',
        table(
          ['name', 'codec', 'size', 'how', 'preset', 'rate'],
          renditions.map((one) => [
            one.name,
            one.codec,
            `${one.width}x${one.height}`,
            one.method === 'encoded' ? one.encoder : one.method,
            one.preset ?? '',
            one.rate ?? '',
          ]),
        ),
      ),
    audio.length > 0 &&
      section(
        'Sound',
        table(
          ['name', 'codec', 'how', 'channels', 'rate', 'bitrate'],
          audio.map((one) => [
            one.name,
            one.codec,
            one.method,
            String(one.channels),
            `${one.sampleRate} Hz`,
            one.bitrate > 0 ? bitrate(one.bitrate) : 'lossless',
          ]),
        ),
      ),
    subtitles.length > 0 &&
      section(
        'Text',
        table(
          ['name', 'language'],
          subtitles.map((one) => [one.name, one.language ?? '']),
        ),
      ),
    timelines.some(({ frames }) => frames > 0 || video === null) &&
      section(
        'Timelines',
        table(
          ['from', 'length', 'fps', 'frames', 'segments', 'chunks', 'keyframes'],
          timelines.map((one) => [
            clock(one.start),
            clock(one.duration),
            one.fps,
            String(one.frames),
            String(one.segments),
            String(one.chunks.length),
            one.keyframes,
          ]),
        ),
      ),
    section(
      'Outputs',
      table(
        ['', 'container', 'how', 'of'],
        outputs.map((one) => [
          String(one.index),
          one.container,
          one.how,
          [...one.renditions, ...one.audio, ...one.subtitles].join(', '),
        ]),
      ),
    ),
    section(
      'Cost',
      `about ${Math.max(1, Math.round(cost.cpuSeconds))} CPU seconds in ${tasks.length} tasks, ${bytes(cost.scratchBytes)} of scratch, ${bytes(cost.outputBytes)} of result, ${cost.outputMinutes} minutes of output`,
    ),
    reasons.length > 0 && section('Why', reasons.map((reason) => `· ${reason}`).join('\n')),
  ];
  return `${parts.filter(Boolean).join('\n\n')}\n`;
}

const MARKS = { note: '·', change: '→', warning: '!' } as const;
const section = (title: string, body: string): string => `${title}\n${body.replace(/^/gm, '  ')}`;

function describeFacts({ container, duration, size, bitrate: rate, still, video, audio }: PlanView['facts']): string {
  const lines = [
    `${container}, ${still ? 'a picture' : clock(duration)}, ${bytes(size)}${still ? '' : `, ${bitrate(rate)}`}`,
  ];
  if (video) {
    const { codec, width, height, shownAs, rotation, fps, bitDepth, hdr } = video;
    const turned = rotation !== 0 || shownAs !== `${width}x${height}` ? `, shown as ${shownAs}` : '';
    lines.push(
      `video: ${codec} ${width}x${height}${turned}${fps ? `, ${fps} fps` : ''}, ${bitDepth} bit${hdr ? `, HDR (${hdr})` : ''}`,
    );
  }
  for (const track of audio)
    lines.push(
      `sound: ${track.codec}, ${track.channelLayout ?? `${track.channels} channels`}, ${track.sampleRate} Hz${track.language ? `, ${track.language}` : ''}`,
    );
  return lines.join('\n');
}
