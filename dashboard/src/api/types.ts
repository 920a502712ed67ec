// What the server answers, as far as pages look: generated from its OpenAPI document, narrowed where that leaves open what stands inside.
import type { Answer } from '../../../client/types.ts';

type Shown = Answer<'GET /jobs/{id}'>;
export type JobStatus = Shown['status'];
export type Failure = NonNullable<Shown['error']>;
export type Finding = Shown['findings'][number];
type StoredFile = { name: string; size: number; mediaType: string; url?: string };
export type Rendition = {
  name: string;
  width: number;
  height: number;
  codecs: string;
  averageBitrate: number;
  peakBitrate: number;
};
type OutputResult = {
  url: string;
  container: string;
  size: number;
  duration: number;
  width: number | null;
  height: number | null;
  files: StoredFile[];
  renditions: Rendition[];
  thumbnails: string[];
};
export type Output = Omit<Shown['outputs'][number], 'spec' | 'result'> & {
  spec: { container: string } & Record<string, unknown>;
  result: OutputResult | null;
};
export type PlanSummary = {
  renditions: {
    name: string;
    codec: string;
    method: string;
    hardware: string | null;
    width: number;
    height: number;
    preset: string;
    maxBitrate: number;
  }[];
  audio: { name: string; codec: string; method: string; bitrate: number; channels: number }[];
  timelines: { duration: number; fps: number | string; frames: number; segments: number; chunks: number }[];
  tasks: number;
  cost: { cpuSeconds: number; outputBytes: number };
};
export type Job = Omit<Shown, 'outputs' | 'plan' | 'source'> & {
  outputs: Output[];
  plan: PlanSummary | null;
  source: { kind: string } & Record<string, unknown>;
};
export type AcceptedJob = Answer<'POST /jobs'>;
export type Task = Answer<'GET /jobs/{id}/tasks'>['tasks'][number];
export type Attempt = Answer<'GET /jobs/{id}/attempts'>['attempts'][number];
export type Delivery = Answer<'GET /jobs/{id}/deliveries'>['deliveries'][number];
export type Overview = Answer<'GET /overview'>;
export type Load = Answer<'GET /system/load'>;
export type Storage = Answer<'GET /admin/storage'>;
export type Worker = Answer<'GET /workers'>['workers'][number];
export type Queue = Answer<'GET /queue'>;
export type Session = Answer<'GET /session'>;
export type ApiKey = Answer<'GET /admin/keys'>['keys'][number];
export type NewApiKey = Answer<'POST /admin/keys'>;
export type SettingReport = Answer<'GET /admin/settings'>['settings'][number];
export type Health = Answer<'GET /health'>;

export type Video = Answer<'GET /videos/{hash}'>;
export type VideoPage = Answer<'GET /videos'>;

export type Definition = Answer<'GET /api/v1/operation-definitions/{name}'>['data'];
export type Parameter = Definition['parameters'][string];
export type Operation = Answer<'GET /api/v1/operations/{id}'>['data'];
export type OperationStatus = Operation['status'];
export type OperationState = Answer<'GET /api/v1/operations/{id}/status'>['data'];
export type OperationPage = Answer<'GET /api/v1/operations'>;
export type ResultFile = NonNullable<Operation['output_file']>;
export type MediaType = Definition['media_type'];
export type Enveloped<T> = { success: true; data: T; message?: string };

type AbrProfile = Record<string, unknown> & {
  output_type?: string;
  output_url?: string;
  output_multicast_ip?: string;
  resolution?: string | null;
  video_bitrate?: number | null;
  audio_bitrate?: number | null;
};
/** With every field that it was made with. */
export type Channel = Omit<Answer<'GET /api/channels/{id}'>, 'abr'> &
  Record<string, unknown> & {
    input_type: string;
    output_type: string;
    is_abr: boolean;
    abr: AbrProfile[];
  };
export type ChannelJob = Answer<'GET /api/job/{id}'>;
export type ChannelStatus = ChannelJob['status'];
export type ChannelMoment = Answer<'GET /api/job/{id}/history'>['events'][number];
export type Metrics = Omit<Answer<'GET /api/metrics'>, 'channels'>;
