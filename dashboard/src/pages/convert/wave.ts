// A sound file as peaks, by the browser's own decoder, and how they are drawn. Used by compare-sounds.tsx.

/** The highest and lowest sample of each of so many equal parts, −1 to 1. */
export type Wave = { duration: number; highs: Float32Array; lows: Float32Array };

const PARTS = 1200;
/** Decoded it is some ten times as large. */
const LARGEST = 80 * 1024 ** 2;

type Source = { size: number | null; read: () => Promise<ArrayBuffer> };

/** @throws Error where the browser cannot decode it, or it is too large to be drawn */
export async function loadWave({ size, read }: Source): Promise<Wave> {
  if (size !== null && size > LARGEST) throw new Error('too large to be drawn');
  // Offline: nothing is played, so no gesture is asked for.
  const sound = await new OfflineAudioContext(1, 1, 44_100).decodeAudioData(await read());
  return { duration: sound.duration, ...peaks(channelsOf(sound), PARTS) };
}

const channelsOf = (sound: AudioBuffer): Float32Array[] =>
  Array.from({ length: sound.numberOfChannels }, (_, channel) => sound.getChannelData(channel));

export function peaks(channels: readonly Float32Array[], parts: number): Pick<Wave, 'highs' | 'lows'> {
  const length = channels[0]?.length ?? 0;
  const [highs, lows] = [new Float32Array(parts), new Float32Array(parts)];
  for (let part = 0; part < parts; part++) {
    const [from, to] = [Math.floor((part * length) / parts), Math.floor(((part + 1) * length) / parts)];
    let [high, low] = [0, 0];
    for (const samples of channels) {
      for (let i = from; i < to; i++) {
        const value = samples[i] ?? 0;
        if (value > high) high = value;
        if (value < low) low = value;
      }
    }
    highs[part] = high;
    lows[part] = low;
  }
  return { highs, lows };
}

/** dB below full scale. */
export function peakDecibels({ highs, lows }: Pick<Wave, 'highs' | 'lows'>): number {
  const highest = Math.max(...highs, ...lows.map((low) => -low));
  return highest > 0 ? Math.max(-120, 20 * Math.log10(highest)) : -120;
}

/** @param share of it that was played */
export function drawWave(canvas: HTMLCanvasElement, { highs, lows }: Wave, share: number): void {
  const { clientWidth: width, clientHeight: height } = canvas;
  const scale = devicePixelRatio || 1;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const pen = canvas.getContext('2d');
  if (!pen || width === 0) return;
  pen.scale(scale, scale);
  const style = getComputedStyle(canvas);
  const middle = height / 2;
  const bars = Math.floor(width / 3);
  for (let bar = 0; bar < bars; bar++) {
    const [from, to] = [Math.floor((bar * highs.length) / bars), Math.floor(((bar + 1) * highs.length) / bars)];
    const high = Math.max(0, ...highs.subarray(from, Math.max(to, from + 1)));
    const low = Math.min(0, ...lows.subarray(from, Math.max(to, from + 1)));
    pen.fillStyle = style.color;
    pen.globalAlpha = bar / bars < share ? 1 : 0.42;
    const top = middle - high * (middle - 2);
    pen.fillRect(bar * 3, top, 2, Math.max(1, middle - low * (middle - 2) - top));
  }
}
