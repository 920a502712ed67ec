// Playlists of live channels (RFC 8216): a window that moves, out of the moments in the database. Pure; served below /live/.

export type LivePiece = {
  readonly sequence: number;
  readonly discontinuities: number;
  readonly isBreak: boolean;
  readonly startsAt: Date;
  readonly seconds: number;
  readonly parts: readonly {
    readonly rendition: string;
    readonly size: number;
    readonly codecs: string;
    readonly width: number | null;
    readonly height: number | null;
    readonly frameRate: number | null;
  }[];
};

/** `?token=…` for every address of a playlist, or nothing. */
export type LiveAddressing = { readonly query: string };

/** Renditions of the newest moment, the largest rate first; null while nothing can be played. */
export function liveMaster(pieces: readonly LivePiece[], { query }: LiveAddressing): string | null {
  const newest = pieces.at(-1);
  if (!newest) return null;
  const variants = newest.parts.map((part) => {
    const same = pieces.flatMap(({ seconds, parts }) => {
      const one = parts.find(({ rendition }) => rendition === part.rendition);
      return one ? [{ seconds, bits: one.size * 8 }] : [];
    });
    const peak = Math.max(...same.map(({ bits, seconds }) => bits / seconds));
    const total = same.reduce((sum, { bits }) => sum + bits, 0) / same.reduce((sum, { seconds }) => sum + seconds, 0);
    return { part, peak: Math.ceil(peak), average: Math.ceil(total) };
  });
  const lines = ['#EXTM3U', '#EXT-X-VERSION:6', '#EXT-X-INDEPENDENT-SEGMENTS'];
  for (const { part, peak, average } of variants.sort((a, b) => b.peak - a.peak)) {
    const { rendition, codecs, width, height, frameRate } = part;
    const attributes = [
      `BANDWIDTH=${peak}`,
      `AVERAGE-BANDWIDTH=${average}`,
      ...(codecs === '' ? [] : [`CODECS="${codecs}"`]),
      ...(width === null || height === null ? [] : [`RESOLUTION=${width}x${height}`]),
      ...(frameRate === null ? [] : [`FRAME-RATE=${frameRate.toFixed(3)}`]),
      ...(width === null ? [] : ['CLOSED-CAPTIONS=NONE']),
    ];
    lines.push(`#EXT-X-STREAM-INF:${attributes.join(',')}`, `${rendition}/playlist.m3u8${query}`);
  }
  return `${lines.join('\n')}\n`;
}

export type LiveWindow = LiveAddressing & {
  readonly rendition: string;
  /** seconds that a segment has as a rule */
  readonly segmentSeconds: number;
  readonly gopSeconds: number;
  /** The channel was stopped: nothing will follow. */
  readonly ended: boolean;
};

/** One rendition's window; null where the channel has no such. */
export function liveMedia(pieces: readonly LivePiece[], window: LiveWindow): string | null {
  const listed = ownPieces(pieces, window.rendition);
  const [first] = listed;
  if (!first) return null;
  const planned = Math.ceil(window.segmentSeconds / window.gopSeconds) * window.gopSeconds;
  // It must never change (§6.2.1): what is planned, unless a copied stream has longer groups.
  const longest = Math.max(Math.ceil(planned), ...listed.map(({ seconds }) => Math.round(seconds)));
  const lines = [
    '#EXTM3U',
    '#EXT-X-VERSION:6',
    `#EXT-X-TARGETDURATION:${longest}`,
    `#EXT-X-MEDIA-SEQUENCE:${first.sequence}`,
    `#EXT-X-DISCONTINUITY-SEQUENCE:${first.discontinuities}`,
    '#EXT-X-INDEPENDENT-SEGMENTS',
  ];
  listed.forEach((piece, i) => {
    // The first one's break is counted by the line above.
    if (piece.isBreak && i > 0) lines.push('#EXT-X-DISCONTINUITY');
    if (piece.isBreak || i === 0) lines.push(`#EXT-X-PROGRAM-DATE-TIME:${piece.startsAt.toISOString()}`);
    lines.push(`#EXTINF:${piece.seconds.toFixed(6)},`, `${piece.sequence}.ts${window.query}`);
  });
  if (window.ended) lines.push('#EXT-X-ENDLIST');
  return `${lines.join('\n')}\n`;
}

/** From the newest back to the first that lacks the rendition: numbers follow from the order, so none may be left out. */
function ownPieces(pieces: readonly LivePiece[], rendition: string): LivePiece[] {
  const listed: LivePiece[] = [];
  for (const piece of [...pieces].reverse()) {
    if (!piece.parts.some((part) => part.rendition === rendition)) break;
    const after = listed[0];
    if (after && after.sequence !== piece.sequence + 1) break;
    listed.unshift(piece);
  }
  return listed;
}
