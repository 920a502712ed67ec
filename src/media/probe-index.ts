// Takes a container's index for the packets that ffprobe would read one by one: the same facts without reading the file. Used by probe.ts.
import type { ProbeOutput, RawStream } from '#media/probe-output.ts';
import { StreamScan } from '#media/probe-packets.ts';
import { field, numberField } from '#media/probe-streams.ts';
import type { IndexedTrack, SourceIndex } from '#media/source-index.ts';
import { isTurn, turn } from '#media/turn.ts';

/** Seconds by which index and headers may differ in where a stream begins. */
const SAME_START = 0.001;

/**
 * Fills the scans of a probe that has read the headers alone; track_ID by stream index. Null where index and headers contradict each other in any stream: then
 * only the packets themselves tell, and nothing was filled.
 * @param size bytes of the whole file
 */
export async function scanIndex(
  index: SourceIndex,
  output: ProbeOutput,
  size: number,
): Promise<Record<number, number> | null> {
  const scans = new Map<number, StreamScan>();
  for (const [number, stream] of output.streams) {
    const scan = await scanStream(index, stream);
    if (!scan) return null;
    scans.set(number, scan);
  }
  // A file that was cut off has less than its index tells of.
  const bytes = [...scans.values()].reduce((sum, scan) => sum + scan.bytes, 0);
  if (bytes > size) return null;
  for (const [number, scan] of scans) output.scans.set(number, scan);
  const media = [...output.streams].filter(([number]) => ['video', 'audio'].includes(scans.get(number)?.type ?? ''));
  return Object.fromEntries(media.map(([number, stream]) => [number, trackId(stream)]));
}

/** ffprobe writes it as hexadecimal: `0x1`. */
const trackId = (stream: RawStream): number => Number(field(stream, 'id'));

async function scanStream(index: SourceIndex, stream: RawStream): Promise<StreamScan | null> {
  const type = stream.values.get('codec_type') ?? '';
  const scan = new StreamScan(type);
  if (type !== 'video' && type !== 'audio') {
    // Of texts and data only whether there are any counts.
    scan.packets = numberField(stream, 'nb_frames') ?? 0;
    return scan;
  }
  const track = index.tracks.find((one) => one.id === trackId(stream) && one.kind === type);
  // How FFmpeg trims the ends of other sound it alone knows.
  if (type === 'audio' && field(stream, 'codec_name') !== 'aac') return null;
  if (!track || field(stream, 'time_base') !== `1/${track.timescale}`) return null;
  const { count, times, durations, sizes, keys } = track.packets;
  for (let i = 0; i < count; i++) {
    if (isTurn(i)) await turn();
    const pts = Math.round((times[i] ?? 0) * track.timescale);
    const whole = Math.round((durations[i] ?? 0) * track.timescale);
    // FFmpeg cuts the last frame of sound where the edit ends.
    const duration = type === 'audio' ? Math.min(whole, Math.round(track.editEnd * track.timescale) - pts) : whole;
    const isDiscarded = isHidden(track, { pts, duration: whole });
    const isKey = keys[i] === 1;
    scan.add({
      type,
      pts,
      dts: null,
      duration: Math.max(0, duration),
      size: sizes[i] ?? 0,
      isKey,
      isDiscarded,
      isEncrypted: false,
    });
  }
  return agrees(stream, scan, track) ? scan : null;
}

/** Outside the track's edit, in its ticks. Of sound, what reaches into it is shown in part. */
function isHidden(
  { kind, editEnd, timescale }: IndexedTrack,
  { pts, duration }: { pts: number; duration: number },
): boolean {
  return (kind === 'audio' ? pts + duration <= 0 : pts < 0) || pts >= editEnd * timescale;
}

function agrees(stream: RawStream, scan: StreamScan, { timescale }: IndexedTrack): boolean {
  const [frames, start] = [numberField(stream, 'nb_frames'), numberField(stream, 'start_time')];
  if (scan.packets === 0 || (frames !== null && frames !== scan.packets)) return false;
  // Sound begins with its encoder's delay, which the header leaves out.
  return start === null || scan.type === 'audio' || Math.abs(scan.start / timescale - start) <= SAME_START;
}
