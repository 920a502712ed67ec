// A job as it is shown: the words of the request, the state of the work, no secrets. Pure; the jobs API answers with it, webhooks carry it.
import { CONTAINER_FACTS } from '#domain/codec.ts';
import type { Failure } from '#domain/error.ts';
import type { Job, Output } from '#domain/job.ts';
import type { OutputSpec, RateControl, RenditionSpec } from '#domain/output.ts';
import type { Plan } from '#domain/plan.ts';
import type { Rational } from '#domain/source-facts.ts';
import { hideSecrets, nameOfLocation, viewLocation } from '#domain/view-location.ts';

/** @param base `https://host`, in front of links */
export function viewJob(job: Job, outputs: readonly Output[], base: string) {
  return {
    id: job.id,
    uuid: job.uuid,
    name: typeof job.metadata.filename === 'string' ? job.metadata.filename : nameOfLocation(job.source),
    status: job.status,
    progress: job.progress,
    speed: job.speed,
    etaSeconds: job.etaSeconds,
    priority: job.priority,
    source: viewLocation(job.source),
    outputs: outputs.map((output) => viewOutput(job, output, base)),
    notificationUrl: job.notificationUrl && hideSecrets(job.notificationUrl),
    metadata: { ...job.metadata },
    attempts: job.attempt,
    findings: [...job.findings],
    plan: job.plan && summarise(job.plan),
    error: viewFailure(job.error),
    createdAt: job.createdAt.toISOString(),
    startedAt: job.startedAt?.toISOString() ?? null,
    completedAt: job.completedAt?.toISOString() ?? null,
  };
}

const viewFailure = (failure: Failure | null) => failure && { ...failure };

function viewOutput(job: Job, output: Output, base: string) {
  const { id, index, status, progress, spec, result, error } = output;
  return {
    id,
    index,
    status,
    progress: status === 'uploaded' ? 100 : progress,
    spec: viewSpec(spec),
    result: result && { ...result, ...managedLinks(job, output, base) },
    error: viewFailure(error),
  };
}

/** The folder an output is served under. The uuid, which nobody can guess, makes it shareable. */
export const outputUrl = (job: Pick<Job, 'uuid'>, index: number, base: string): string =>
  `${base}/jobs/${job.uuid}/outputs/${index}`;

/** Where an output in managed storage can be had: its playlist or file, and every file beside it. */
function managedLinks(job: Job, { index, spec, result }: Output, base: string): Readonly<Record<string, unknown>> {
  if (!result || (spec.destination && spec.destination.kind !== 'managed')) return {};
  const folder = outputUrl(job, index, base);
  const link = (name: string) => `${folder}/${name.split('/').map(encodeURIComponent).join('/')}`;
  const main = CONTAINER_FACTS[spec.container].kind === 'adaptive' ? entryName(spec) : result.files[0]?.name;
  return {
    ...(main === undefined ? {} : { url: link(main) }),
    files: result.files.map((file) => ({ ...file, url: link(file.name) })),
    thumbnails: result.thumbnails.map((name) => (/^https?:/.test(name) ? name : link(name))),
  };
}

export const entryName = ({ container }: Pick<OutputSpec, 'container'>): string =>
  container === 'dash' ? 'manifest.mpd' : 'master.m3u8';

/** An output in the words of the request; what was not said is left out. */
function viewSpec(spec: OutputSpec): Readonly<Record<string, unknown>> {
  const { rate, fps, audioBitrate, renditions, destination, watermark, ...rest } = spec;
  const fields = {
    ...rest,
    ...viewRate(rate),
    fps: fps && viewRational(fps),
    audioBitrate: viewBitrate(audioBitrate),
    renditions: renditions === null ? null : renditions.map(viewRendition),
    watermark: watermark && { ...watermark, source: viewLocation(watermark.source) },
    destination: viewLocation(destination ?? { kind: 'managed', key: '' }),
  };
  return known(fields);
}

/** Only what was said. */
const known = (fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));

/** bits/s as requests write them: `2500k`. */
const viewBitrate = (rate: number | null): string | null => (rate === null ? null : `${rate / 1000}k`);

const viewRendition = ({ videoBitrate, audioBitrate, ...rest }: RenditionSpec): Readonly<Record<string, unknown>> =>
  known({ ...rest, videoBitrate: viewBitrate(videoBitrate), audioBitrate: viewBitrate(audioBitrate) });

const viewRational = ({ num, den }: Rational): number | string => (den === 1 ? num : `${num}/${den}`);

function viewRate(rate: RateControl): Readonly<Record<string, unknown>> {
  if (rate.mode === 'capped-crf')
    return { rateControl: rate.mode, crf: rate.crf, maxBitrate: viewBitrate(rate.maxBitrate) };
  const maxBitrate = viewBitrate(rate.maxBitrate);
  return { rateControl: rate.mode, videoBitrate: viewBitrate(rate.bitrate), maxBitrate };
}

/** The plan in short: what is made, in how many pieces, and what it costs. */
function summarise(plan: Plan): Readonly<Record<string, unknown>> {
  return {
    renditions: plan.video.map((one) => ({
      name: one.name,
      codec: one.codec,
      method: one.method,
      hardware: one.hardware,
      width: one.width,
      height: one.height,
      preset: one.preset,
      maxBitrate: one.rate.maxBitrate,
    })),
    audio: plan.audio.map(({ name, language, codec, method, bitrate, channels, sampleRate }) => ({
      name,
      language,
      codec,
      method,
      bitrate,
      channels,
      sampleRate,
    })),
    subtitles: plan.subtitles.map(({ name, language }) => ({ name, language })),
    timelines: plan.timelines.map(({ duration, fps, frames, boundaries, chunks }) => ({
      duration,
      fps: viewRational(fps),
      frames,
      segments: boundaries.length - 1,
      chunks: chunks.length,
    })),
    tasks: plan.tasks.length,
    cost: plan.cost,
  };
}
