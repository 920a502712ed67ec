// What the server answers, as far as pages look: generated from its OpenAPI document, narrowed where that leaves open what stands inside.
import type { Answer } from '../../../client/types.ts';

type Shown = Answer<'GET /jobs/{id}'>;
export type JobStatus = Shown['status'];
export type Failure = NonNullable<Shown['error']>;
export type Finding = Shown['findings'][number];
export type StoredFile = { name: string; size: number; mediaType: string; url?: string };
export type Rendition = {
  name: string;
  width: number;
  height: number;
  codecs: string;
  averageBitrate: number;
  peakBitrate: number;
};
export type OutputResult = {
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
export type SettingReport = Answer<'GET /admin/settings'>['settings'][number];
export type WebhookHealth = Answer<'GET /admin/webhooks'>;
export type Health = Answer<'GET /health'>;

export type VideoStatus = 'uploading' | 'uploaded' | 'queued' | 'processing' | 'ready' | 'stopped' | 'failed';
export type Video = {
  hash: string;
  title: string;
  description?: string | null;
  tags?: string[];
  filename: string;
  size: number;
  duration: number | null;
  width: number | null;
  height: number | null;
  status: VideoStatus;
  progress: number;
  stopped: boolean;
  qualities: string[];
  master_url: string | null;
  /** When it could be watched first; null until then. */
  playable_at?: string | null;
  poster_url: string | null;
  storyboard_url?: string | null;
  error?: string | { message: string } | null;
  created_at: string;
  updated_at: string;
};
export type VideoPage = { videos: Video[]; total: number; page: number; page_size: number };
export type TranscodeStatus = {
  upload_id: string;
  status: VideoStatus;
  progress: number;
  eta_seconds: number | null;
  qualities: Record<string, { status: string; progress: number; segments_ready: number; segments_total: number }>;
  error: string | { message: string } | null;
};

export type Parameter = {
  type: string;
  required: boolean;
  default?: unknown;
  min?: number | null;
  max?: number | null;
  choices?: readonly (string | number)[] | null;
  description?: string;
};
export type Definition = {
  name: string;
  media_type: 'video' | 'image' | 'audio';
  description: string;
  parameters: Record<string, Parameter>;
  input_formats: string[];
  output_formats: string[];
  max_file_size: number;
};
export type OperationStatus = 'pending' | 'queued' | 'processing' | 'completed' | 'failed' | 'cancelled';
export type OperationFile = { file_name: string; file_size: number; mime_type: string };
export type Operation = {
  id: string;
  operation: string;
  status: OperationStatus;
  progress: number;
  parameters: Record<string, unknown>;
  error_message?: string | null;
  created_at: string;
  input_file?: OperationFile | null;
  output_file?: OperationFile | null;
};
export type Enveloped<T> = { success: true; data: T; message?: string };

export type ChannelStatus = 'stopped' | 'pending' | 'running' | 'retrying' | 'error';
export type AbrProfile = Record<string, unknown> & {
  output_type?: string;
  output_url?: string;
  output_multicast_ip?: string;
  resolution?: string | null;
  video_bitrate?: number | null;
  audio_bitrate?: number | null;
};
export type Channel = Record<string, unknown> & {
  id: number;
  name: string;
  input_type: string;
  output_type: string;
  is_abr: boolean;
  abr: AbrProfile[];
};
export type ChannelJob = {
  id: number;
  channel: number;
  channel_name?: string;
  status: ChannelStatus;
  start_time: string | null;
  end_time: string | null;
  ffmpeg_pid: number | null;
  error_message: string | null;
  retries: number;
  uptime_seconds: number | null;
  fps: number | null;
  speed: number | null;
  bitrate: number | null;
};
export type NetworkInterface = {
  name: string;
  ip: string;
  family: string | number;
  is_up: boolean;
  multicast: boolean;
};
