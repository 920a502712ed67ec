// What FFmpeg's last words mean for a channel: whose fault, and whether another try can help. Pure; used by the live room.
import { type ErrorCode, PlatformError } from '#domain/error.ts';

type Sign = {
  readonly pattern: RegExp;
  readonly code: ErrorCode;
  readonly isPermanent: boolean;
  readonly say?: string;
  /** FFmpeg's own line adds nothing for users. */
  readonly isAllSaid?: boolean;
};

/** The first that fits counts: what is surely wrong stands before what may pass. */
const SIGNS: readonly Sign[] = [
  {
    pattern:
      /_(nvenc|qsv|vaapi|videotoolbox) @|Device creation failed|No VA display|Error initializing an internal MFX|Cannot load (lib(cuda|nvidia-encode)|nv(cuda|EncodeAPI))|OpenEncodeSessionEx failed|Failed to set value .* for option 'vaapi_device'/i,
    code: 'hardware_failed',
    isPermanent: false,
  },
  { pattern: /Unknown encoder|Encoder .* not found|No such filter/i, code: 'unsupported_codec', isPermanent: true },
  {
    pattern: /matches no streams|does not contain any stream/i,
    code: 'no_video',
    isPermanent: true,
    say: 'The input has no picture; where it is sound alone, set video_codec to none',
    isAllSaid: true,
  },
  { pattern: /not on whitelist/i, code: 'unsupported_media', isPermanent: true },
  {
    pattern: /No such device|Cannot assign requested address/i,
    code: 'invalid_request',
    isPermanent: true,
    say: 'There is no such interface or local address',
  },
  { pattern: /Permission denied/i, code: 'source_denied', isPermanent: true },
  {
    pattern: /Address already in use/i,
    code: 'port_taken',
    isPermanent: false,
    say: 'The port is taken by another program or channel',
  },
  {
    pattern: /404 Not Found|No such file|Stream not found|NetStream\.Play\.StreamNotFound/i,
    code: 'source_not_found',
    isPermanent: false,
  },
  {
    // Asked again and again with the same wrong password, cameras lock the account.
    pattern: /401 Unauthorized|authorization failed|ERROR:BADSECRET|BADAUTH/i,
    code: 'source_denied',
    isPermanent: true,
    say: 'The user name, password, passphrase or stream key is not accepted',
  },
  // Our own word for it, of the proxy that FFmpeg asks.
  { pattern: /HTTP error 495/i, code: 'source_tls', isPermanent: true },
  // What the proxy that FFmpeg asks, or a server, could not get; the proxy says why.
  { pattern: /HTTP error 5\d\d/i, code: 'source_unreachable', isPermanent: false },
  { pattern: /403 Forbidden|Unauthorized/i, code: 'source_denied', isPermanent: false },
  {
    pattern:
      /Connection refused|timed out|No route to host|Network is unreachable|Name or service|Connection setup failure|Input\/output error|Connection reset|Broken pipe|End of file/i,
    code: 'source_unreachable',
    isPermanent: false,
  },
  { pattern: /Invalid data found|could not find codec parameters/i, code: 'not_media', isPermanent: false },
  { pattern: /No space left/i, code: 'disk_full', isPermanent: false },
];

/** What a server answered is only a warning to FFmpeg, and the error after it says less. */
const TELLING = /\[(error|fatal|panic)\]|\[warning\] HTTP error/i;
/** Lines that only follow from one that says more. */
const ECHO =
  /Conversion failed|Error writing trailer|av_interleaved_write_frame|decode_slice_header|Exiting normally|Error splitting the argument list|^\[(info|verbose|debug)\]/i;

/** @param role whose fault a connection that fails is */
export function explainLive(
  tail: readonly string[],
  { role, exit }: { readonly role: 'source' | 'destination'; readonly exit: string },
): { readonly error: PlatformError; readonly isPermanent: boolean } {
  const telling = tail.filter((line) => TELLING.test(line) && !ECHO.test(line));
  const lines = telling.length > 0 ? telling : tail.filter((line) => /\[warning\]/i.test(line));
  for (const { pattern, code, isPermanent, say, isAllSaid = false } of SIGNS) {
    const line = lines.findLast((one) => pattern.test(one));
    if (line === undefined) continue;
    const message = say === undefined ? plain(line) : isAllSaid ? say : `${say}: ${plain(line)}`;
    return { error: new PlatformError(roleCode(code, role), message, { retryable: !isPermanent }), isPermanent };
  }
  const last = lines.at(-1);
  return {
    error: new PlatformError('encode_failed', last === undefined ? `FFmpeg ended ${exit}` : plain(last)),
    isPermanent: false,
  };
}

/** `[tcp @ 0x55d] [error] Connection refused` without what only FFmpeg's authors need. */
const plain = (line: string): string =>
  line
    .replace(/\[[^\]]* @ 0x[0-9a-f]+\]\s*/gi, '')
    .replace(/\[(error|fatal|panic|warning)\]\s*/gi, '')
    .trim()
    .slice(0, 500);

function roleCode(code: ErrorCode, role: 'source' | 'destination'): ErrorCode {
  if (role === 'source') return code;
  const other: Partial<Record<ErrorCode, ErrorCode>> = {
    source_not_found: 'destination_not_found',
    source_denied: 'destination_denied',
    source_unreachable: 'destination_unreachable',
    not_media: 'destination_refused',
  };
  return other[code] ?? code;
}
