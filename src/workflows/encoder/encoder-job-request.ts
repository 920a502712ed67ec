// An encoder job in the engine's words: one object of the bucket in, one HLS output into the bucket. Pure; called by submit-encoder-job.ts.
import type { Config } from '#config/settings.ts';
import type { EncoderRequest, QualityPreset } from '#domain/encoder-job.ts';
import { PlatformError } from '#domain/error.ts';
import { type JobRequest, USUAL_PRIORITY } from '#domain/job.ts';
import { ownBucket } from '#domain/location.ts';
import { outputSpec, type RenditionSpec } from '#domain/output.ts';

/** @throws PlatformError `invalid_setting` where no bucket is set */
export function encoderJobRequest(
  config: Pick<Config, 'AWS_STORAGE_BUCKET_NAME'>,
  { projectId, request }: { readonly projectId: string; readonly request: EncoderRequest },
): JobRequest {
  const bucket = config.AWS_STORAGE_BUCKET_NAME;
  if (bucket === undefined)
    throw new PlatformError('invalid_setting', 'The encoder API needs its bucket: set AWS_STORAGE_BUCKET_NAME');
  return {
    projectId,
    api: 'encoder',
    source: ownBucket(bucket, request.originalKey),
    outputs: [
      // No storyboard: the folder holds exactly what its readers expect.
      outputSpec({
        container: 'hls',
        videoCodec: 'h264',
        audioCodec: 'aac',
        preset: request.preset,
        renditions: request.qualityPresets?.map(rendition) ?? null,
        segmentFormat: request.segmentType === 'ts' ? 'ts' : 'cmaf',
        // A quality's own playlist plays alone.
        soundInside: true,
        ownsFolder: true,
        growing: request.masterPlaylist === 'progressive',
        destination: ownBucket(bucket, request.hlsFolderKey),
      }),
    ],
    priority: USUAL_PRIORITY,
    metadata: {
      video_id: request.videoId,
      filename: request.originalKey.slice(request.originalKey.lastIndexOf('/') + 1),
    },
    notificationUrl: null,
    idempotencyKey: null,
  };
}

function rendition(asked: QualityPreset): RenditionSpec {
  const one = typeof asked === 'string' ? { name: asked } : asked;
  return {
    name: one.name,
    height: Number.parseInt(one.name, 10),
    videoBitrate: one.bitrate ?? null,
    audioBitrate: one.audio_bitrate ?? null,
    preset: one.preset ?? null,
  };
}
