// Finds FFmpeg and what it really can do: version, encoders, decoders, filters, hardware that passes a test encode. Called once at start.
import { accessSync, constants, existsSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { HARDWARE, type Hardware, type HwaccelChoice, type VideoCodec } from '#domain/codec.ts';
import { PlatformError } from '#domain/error.ts';
import { runMedia } from '#media/ffmpeg.ts';
import type { ChildLimits, MediaTool } from '#media/tool.ts';

/** Lowest FFmpeg that knows every option we use, as major · 100 + minor. */
export const LOWEST_VERSION = 501;
const USUAL_PATHS = '/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin:/snap/bin';
/** seconds that a list or a test encode may take */
const LIST_LIMIT = 20;
const TEST_LIMIT = 10;

export type DetectOptions = {
  /** A path, or a bare name that is looked for in `searchPath`. */
  readonly ffmpegPath: string;
  readonly ffprobePath: string;
  /** The folders of PATH; left out, the usual ones. */
  readonly searchPath?: string;
  readonly limits: ChildLimits;
  readonly hwaccel: HwaccelChoice;
};

const detected = new Map<string, Promise<MediaTool>>();

/**
 * What the installed FFmpeg can do, asked once a process.
 * @throws PlatformError `ffmpeg_missing` where FFmpeg or ffprobe is missing, does not run or is older than 5.1.
 */
export function detectTool(options: DetectOptions): Promise<MediaTool> {
  const key = JSON.stringify([options.ffmpegPath, options.ffprobePath, options.searchPath, options.hwaccel]);
  const known = detected.get(key);
  if (known) return known;
  const asking = askTool(options).catch((error) => {
    detected.delete(key);
    throw error;
  });
  detected.set(key, asking);
  return asking;
}

async function askTool({
  ffmpegPath,
  ffprobePath,
  searchPath = USUAL_PATHS,
  limits,
  hwaccel,
}: DetectOptions): Promise<MediaTool> {
  const ffmpeg = findProgram(ffmpegPath, searchPath, 'FFMPEG_PATH');
  const ffprobe = findProgram(ffprobePath, searchPath, 'FFPROBE_PATH');
  const ask = (program: string, argument: string) => readOutput(program, ['-hide_banner', argument], limits);
  // The start of a process (dynamic linking) is all the cost: side by side they take little more than one.
  const [version, probeVersion, encoders, decoders, filters] = await Promise.all([
    ask(ffmpeg, '-version'),
    ask(ffprobe, '-version'),
    ask(ffmpeg, '-encoders'),
    ask(ffmpeg, '-decoders'),
    ask(ffmpeg, '-filters'),
  ]);
  const found = parseVersion(version);
  requireVersion(found, ffmpeg);
  requireVersion(parseVersion(probeVersion), ffprobe);
  const names = parseNames(encoders);
  const candidates = hardwareCandidates({ encoders: names, hwaccel, ...thisMachine() });
  return {
    ffmpeg,
    ffprobe,
    version: found.text,
    versionNumber: found.number,
    encoders: new Set([...names].filter((name) => hardwareOf(name) === null && !OTHER_DEVICES.test(name))),
    decoders: parseNames(decoders),
    filters: parseNames(filters),
    ...chooseDevices(await testHardware(ffmpeg, candidates, limits)),
  };
}

/** The absolute path of a program: children get an emptied environment, so that a bare name would not be found again. */
function findProgram(name: string, searchPath: string, setting: string): string {
  const bare = !/[\\/]/.test(name);
  const folders = bare ? searchPath.split(path.delimiter).filter((folder) => folder !== '') : [''];
  const endings = process.platform === 'win32' && !/\.exe$/i.test(name) ? ['.exe', ''] : [''];
  for (const folder of folders) {
    for (const ending of endings) {
      const candidate = path.resolve(folder, name + ending);
      if (isProgram(candidate)) return candidate;
    }
  }
  const where = bare ? `is not installed (not found in ${folders.join(', ')})` : 'is no program that can be run';
  throw new PlatformError('ffmpeg_missing', `${name} ${where}. Install FFmpeg 5.1 or newer, or set ${setting}.`);
}

function isProgram(candidate: string): boolean {
  try {
    accessSync(candidate, constants.X_OK);
    return statSync(candidate).isFile();
  } catch {
    // Not there or not ours to run: either way the search goes on.
    return false;
  }
}

async function readOutput(program: string, args: readonly string[], limits: ChildLimits): Promise<string> {
  let text = '';
  const onStdout = async (stdout: Readable) => {
    for await (const bytes of stdout) text += String(bytes);
  };
  const run = await runMedia({ program, args, limits, timeLimit: LIST_LIMIT, onStdout });
  if (run.exitCode === 0) return text;
  const reason = run.tail.at(-1) ?? `it ended with ${run.exitCode ?? run.signal}`;
  throw new PlatformError('ffmpeg_missing', `${program} does not run: ${reason}`);
}

type Version = { readonly text: string; readonly number: number };

/** Reads the output of `-version`: `5.1.9-0+deb12u1`, `n7.1`, and builds between releases (`N-118193-g5f38c8`) by their libavcodec. */
export function parseVersion(output: string): Version {
  const text = /^\S+ version (\S+)/m.exec(output)?.[1] ?? '';
  const release = /^n?(\d{1,2})\.(\d+)/.exec(text);
  if (release) return { text, number: Number(release[1]) * 100 + Number(release[2]) };
  const library = /libavcodec\s+(\d+)\.\s*(\d+)\./.exec(output);
  if (!library) return { text, number: 0 };
  // libavcodec 59 belongs to FFmpeg 5, 60 to 6, …; 59.37 was 5.1's.
  const [major, minor] = [Number(library[1]), Number(library[2])];
  return { text, number: (major - 54) * 100 + (major === 59 && minor >= 37 ? 1 : 0) };
}

function requireVersion(version: Version, program: string): void {
  if (version.text === '') throw new PlatformError('ffmpeg_missing', `${program} does not answer like FFmpeg.`);
  if (version.number < LOWEST_VERSION) {
    throw new PlatformError(
      'ffmpeg_missing',
      `${program} is version ${version.text}; Rendition needs FFmpeg 5.1 or newer.`,
    );
  }
}

/** Names in the second column of `-encoders`, `-decoders` or `-filters`. */
export function parseNames(list: string): ReadonlySet<string> {
  return new Set([...list.matchAll(/^ [A-Z.|]{2,6} +([^\s=]+) /gm)].map((match) => match[1] ?? ''));
}

export type HardwareEncoder = MediaTool['hardware'][number];

const HARDWARE_CODECS: Readonly<Record<Hardware, readonly VideoCodec[]>> = {
  nvenc: ['h264', 'hevc', 'av1'],
  qsv: ['h264', 'hevc', 'av1', 'vp9'],
  vaapi: ['h264', 'hevc', 'av1', 'vp9'],
  videotoolbox: ['h264', 'hevc'],
};

/** Encoders of devices that are not used: built into FFmpeg, which says nothing of a device being there. */
const OTHER_DEVICES = /_(v4l2m2m|omx|mf|mediacodec|mmal|rkmpp|ohcodec|d3d12va|vulkan)$/;

function hardwareOf(encoder: string): Hardware | null {
  return HARDWARE.find((kind) => encoder.endsWith(`_${kind}`)) ?? null;
}

type Machine = {
  readonly platform: NodeJS.Platform;
  readonly renderNodes: readonly string[];
  readonly nvidia: boolean;
};

function thisMachine(): Machine {
  const nodes = existsSync('/dev/dri')
    ? readdirSync('/dev/dri')
        .filter((name) => name.startsWith('renderD'))
        .sort()
    : [];
  return {
    platform: process.platform,
    renderNodes: nodes.map((name) => `/dev/dri/${name}`),
    // /dev/dxg is the graphics card of a Linux under Windows.
    nvidia: ['/dev/nvidiactl', '/dev/nvidia0', '/dev/dxg'].some((device) => existsSync(device)),
  };
}

/** An encoder, and the render node that it is told; null where it finds its device itself. */
export type HardwareCandidate = { readonly encoder: HardwareEncoder; readonly device: string | null };

/** Hardware encoders worth a test: built in, wished for, and with a device. A machine without any pays nothing. */
export function hardwareCandidates(
  options: Machine & { readonly encoders: ReadonlySet<string>; readonly hwaccel: HwaccelChoice },
): HardwareCandidate[] {
  const { encoders, hwaccel, platform, renderNodes, nvidia } = options;
  const present: Readonly<Record<Hardware, boolean>> = {
    nvenc: platform === 'win32' || nvidia,
    qsv: platform === 'win32' || renderNodes.length > 0,
    vaapi: renderNodes.length > 0,
    videotoolbox: platform === 'darwin',
  };
  return HARDWARE.filter((kind) => present[kind] && (hwaccel === 'auto' || hwaccel === kind)).flatMap((kind) =>
    HARDWARE_CODECS[kind]
      .map((codec) => ({ kind, codec, encoder: `${codec}_${kind}` }))
      .filter(({ encoder }) => encoders.has(encoder))
      // The graphics card that encodes need not be the first one.
      .flatMap((encoder) => (kind === 'vaapi' ? renderNodes : [null]).map((device) => ({ encoder, device }))),
  );
}

/** Being listed says nothing about a driver: only what encodes three real frames is hardware. */
async function testHardware(
  ffmpeg: string,
  candidates: readonly HardwareCandidate[],
  limits: ChildLimits,
): Promise<HardwareCandidate[]> {
  const passed = await Promise.all(
    candidates.map(async (candidate) => {
      const { encoder, device } = candidate;
      const upload = device === null ? [] : ['-init_hw_device', `vaapi=gpu:${device}`, '-filter_hw_device', 'gpu'];
      const filter = device === null ? 'format=nv12' : 'format=nv12,hwupload';
      const run = await runMedia({
        program: ffmpeg,
        args: [
          ...['-hide_banner', '-nostdin', '-v', 'error', ...upload],
          // 256x256: smaller pictures are below what some encoders take.
          ...[
            '-f',
            'lavfi',
            '-i',
            'color=c=gray:s=256x256:r=25',
            '-vf',
            filter,
            '-frames:v',
            '3',
            '-c:v',
            encoder.encoder,
            '-f',
            'null',
            '-',
          ],
        ],
        limits,
        timeLimit: TEST_LIMIT,
      }).catch((error: unknown) => {
        if (error instanceof PlatformError && error.code === 'encode_timeout') return null;
        throw error;
      });
      return run?.exitCode === 0 ? candidate : null;
    }),
  );
  return passed.filter((candidate) => candidate !== null);
}

/** The encoders of the first render node that has any, all nodes that have these, and what needs no node. */
export function chooseDevices(passed: readonly HardwareCandidate[]): Pick<MediaTool, 'hardware' | 'renderNodes'> {
  const nodes = [...new Set(passed.flatMap(({ device }) => device ?? []))].sort();
  const namesOf = (node: string) =>
    passed.filter(({ device }) => device === node).map(({ encoder }) => encoder.encoder);
  const [first] = nodes;
  const wanted = first === undefined ? [] : namesOf(first);
  return {
    hardware: passed.filter(({ device }) => device === null || device === first).map(({ encoder }) => encoder),
    renderNodes: nodes.filter((node) => wanted.every((name) => namesOf(node).includes(name))),
  };
}

/** The render node for a piece of work: they take turns. Undefined where there is none. */
export const renderNodeFor = ({ renderNodes }: Pick<MediaTool, 'renderNodes'>, place: number): string | undefined =>
  renderNodes[place % renderNodes.length];
