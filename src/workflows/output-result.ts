// What a finished output is, said to the user: where it plays, its size, its renditions. Pure; called by commit-task.ts.
import type { Job, Output, OutputResult } from '#domain/job.ts';
import type { Location } from '#domain/location.ts';
import type { OutputPlan, Plan } from '#domain/plan.ts';
import type { Task, TaskResult } from '#domain/task.ts';
import { bitrates, type Package, type PackagedTrack, packageOutput } from '#media/package.ts';

export type FinishedOutput = {
  readonly job: Pick<Job, 'uuid'>;
  readonly plan: Plan;
  readonly outputs: readonly Pick<Output, 'index' | 'spec'>[];
  readonly done: readonly Task[];
  /** The `output` task that finished it, and what it made. */
  readonly task: Pick<Task, 'subject'>;
  readonly result: TaskResult;
};

/** Path on this server below which an output in managed storage is served. */
const outputPath = (uuid: string, index: number): string => `/media/${uuid}/${index}`;

export function outputResult({ job, plan, outputs, done, task, result }: FinishedOutput): OutputResult {
  const output = plan.outputs[task.subject];
  const destination = outputs.find(({ index }) => index === task.subject)?.spec.destination ?? null;
  if (!output) throw new TypeError(`The plan has no output ${task.subject}`);
  const isAdaptive = output.method === 'adaptive';
  const whole = output.method === 'direct' || output.method === 'image' ? null : packageOutput(plan, output, done);
  const largest = whole?.video
    .map(({ rendition }) => rendition)
    .sort((a, b) => b.width * b.height - a.width * a.height)[0];
  const files = result.files.map(({ name, size, mediaType }) => ({ name, size, mediaType }));
  const main = isAdaptive ? (output.container === 'dash' ? 'manifest.mpd' : 'master.m3u8') : (files[0]?.name ?? '');
  const pictures = isAdaptive ? files : files.slice(1);
  return {
    url: placeOf(destination, { main, isAdaptive, managed: outputPath(job.uuid, output.index) }),
    container: output.container,
    size:
      result.deliveredBytes ??
      files.reduce((sum, file) => sum + file.size, 0) + (isAdaptive && whole ? packageSize(whole) : 0),
    // A picture out of a film shows one moment of it.
    duration:
      output.direct?.kind === 'image' ? 0 : (plan.timelines[output.timeline]?.duration ?? output.direct?.duration ?? 0),
    width: largest?.width ?? output.direct?.width ?? null,
    height: largest?.height ?? output.direct?.height ?? null,
    videoCodec: largest?.codec ?? (output.direct?.kind === 'copy' ? 'copy' : (output.direct?.film?.codec ?? null)),
    audioCodec: whole?.audio[0]?.rendition.codec ?? output.direct?.audioCodec ?? null,
    frames: largest ? framesOf(plan, output) : null,
    renditions: (whole?.video ?? []).map((track) => {
      const { name, width, height } = track.rendition;
      const { average, peak } = bitrates(track);
      return { name, width, height, codecs: track.codecs, averageBitrate: average, peakBitrate: peak };
    }),
    files,
    thumbnails: pictures.filter(({ mediaType }) => mediaType.startsWith('image/')).map(({ name }) => name),
  };
}

const framesOf = (plan: Plan, output: OutputPlan): number | null => plan.timelines[output.timeline]?.frames || null;

function packageSize(whole: Package): number {
  const tracks: PackagedTrack[] = [...whole.video, ...whole.audio];
  const segments = tracks.reduce(
    (sum, track) => sum + track.segments.reduce((bytes, segment) => bytes + segment.size, 0),
    0,
  );
  return segments + whole.texts.reduce((sum, { file }) => sum + file.size, 0);
}

/** A destination as text, without credentials or query; in managed storage the path that serves it. */
function placeOf(
  destination: Location | null,
  { main, isAdaptive, managed }: { readonly main: string; readonly isAdaptive: boolean; readonly managed: string },
): string {
  if (!destination || destination.kind === 'managed') return `${managed}/${main}`;
  const within = (place: string): string => (isAdaptive ? `${place.replace(/\/+$/, '')}/${main}` : place);
  switch (destination.kind) {
    case 'http':
    case 'https':
      return within(destination.url.replace(/[?#].*$/, '').replace(/^(\w+:\/\/)[^/]*@/, '$1'));
    case 's3':
      return within(`s3://${destination.bucket}/${destination.path.replace(/^\//, '')}`);
    case 'ftp':
    case 'ftps':
      return within(
        `${destination.kind}://${destination.host}:${destination.port}/${destination.path.replace(/^\//, '')}`,
      );
    case 'file':
      return within(destination.path);
    case 'cloudinary':
      return `cloudinary:${destination.path}`;
    case 'inline':
    case 'upload':
      return '';
  }
}
