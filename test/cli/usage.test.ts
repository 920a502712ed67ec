// Help, wrong usage and wrong surroundings: what is said, and the exit code.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { type Command, helpOf } from '#cli/command.ts';
import { run, start } from './run-cli.ts';

let folder: string;
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'rendition-cli-'));
});
after(() => rm(folder, { recursive: true, force: true }));

const commandOf = async (name: string): Promise<Command> =>
  ((await import(path.resolve(import.meta.dirname, `../../src/cli/${name}.ts`))) as { command: Command }).command;

test('version and help', async () => {
  assert.deepEqual(await run(['version']), { code: 0, out: '0.1.0\n', err: '' });
  const help = await run([]);
  assert.equal(help.code, 0);
  const names = ['serve', 'work', 'encode', 'plan', 'doctor', 'migrate', 'keys', 'retention', 'reseal', 'openapi'];
  for (const name of names) {
    assert.match(help.out, new RegExp(`^  ${name} `, 'm'));
    assert.match(helpOf(await commandOf(name)), new RegExp(`^rendition ${name}`));
  }
  assert.deepEqual(await run(['plan', '--help']), { code: 0, out: helpOf(await commandOf('plan')), err: '' });
});

test('whoever reads may go before the end', async () => {
  const { child, output, ended } = start(['version']);
  child.stdout?.destroy();
  assert.deepEqual([await ended, output.err], [0, '']);
});

const USAGE: readonly (readonly [args: readonly string[], said: RegExp])[] = [
  [['pln'], /no command "pln"; the nearest is plan/],
  [['encode'], /needs more: rendition encode FILE\|URL/],
  [['encode', 'a', 'b'], /does not take "b"/],
  [['encode', 'a', '--laddr', '720p'], /no option --laddr; the nearest is --ladder/],
  [['encode', 'a', '--ladder'], /--ladder/],
  [['encode', 'gopher://x/y'], /gopher:\/\/ is no kind of source/],
  [['plan', 'http://'], /http:\/\/ is no valid URL/],
  [['plan', 'ftp://x/%zz'], /per cent sign/],
  [['live', '--x'], /live takes no options; it was given --x/],
  [['keys', 'make'], /keys create/],
  [['keys', 'create', '--name', 'x', '--scopes', 'all'], /admin, write, read, worker/],
];
for (const [args, expected] of USAGE) {
  test(`exit code 2 for ${args.join(' ')}`, async () => {
    const { code, out, err } = await run(args, { env: { DATA_DIR: folder } });
    assert.deepEqual([code, out], [2, '']);
    assert.match(err, expected);
    assert.equal(err.trim().split('\n').length, 1, err);
  });
}

test('wrong values of options are wrong usage, too', async () => {
  const film = path.join(folder, 'film.mp4');
  await writeFile(film, 'x');
  for (const [args, expected] of [
    [['--mp4', '--codec', 'vp10'], /--codec: one of h264/],
    [['--ladder', 'big'], /--ladder: a name such as "720p"/],
    [['--mp4', '--crf', 'x'], /--crf/],
    [['--mp4', '--to', 'ftp://x'], /--to takes a folder or s3/],
  ] as const) {
    const { code, err } = await run(['encode', film, ...args], { env: { DATA_DIR: folder }, cwd: folder });
    assert.equal(code, 2, err);
    assert.match(err, expected);
  }
});

test('surroundings that do not fit are told in one line', async () => {
  await using taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const address = taken.address();
  const port = String(typeof address === 'object' ? address?.port : 0);
  const file = path.join(folder, 'a-file');
  await writeFile(file, '');
  const cases: readonly (readonly [args: readonly string[], env: Record<string, string>, said: RegExp])[] = [
    [['serve'], { PORT: port, DATA_DIR: folder }, new RegExp(`Port ${port} of 127.0.0.1 is taken`)],
    [['serve'], { PORT: '0', DATA_DIR: path.join(file, 'data') }, /data directory .* is not writable/],
    [
      ['serve'],
      { PORT: '0', DATA_DIR: folder, TEMP_VIDEOS_DIR: path.join(file, 'x') },
      /scratch folder .* is not writable; choose another with TEMP_VIDEOS_DIR/,
    ],
    // Where even root can make no file.
    ...(process.platform === 'linux'
      ? ([[['serve'], { PORT: '0', DATA_DIR: '/sys/fs' }, /\/sys\/fs is not writable/]] as const)
      : []),
    [['serve'], { PORT: 'eighty', DATA_DIR: folder }, /PORT must be a whole number/],
    [['serve'], { PORT: '0', HOST: '203.0.113.1', DATA_DIR: folder }, /HOST=203.0.113.1 is no address of this machine/],
    [
      ['serve'],
      { PORT: '0', DATA_DIR: folder, DATABASE_URL: 'postgres://u:hidden@127.0.0.1:1/x' },
      /PostgreSQL at 127.0.0.1:1\/x can't be reached/,
    ],
    [['plan', file], { DATA_DIR: folder, FFMPEG_PATH: '/nowhere/ffmpeg' }, /\/nowhere\/ffmpeg .*FFMPEG_PATH/],
    [['work'], { DATA_DIR: path.join(folder, 'none') }, /set DATABASE_URL, or start "rendition serve"/],
    [['plan', path.join(folder, 'missing.mp4')], { DATA_DIR: folder }, /There is no file .*missing\.mp4/],
  ];
  for (const [args, env, expected] of cases) {
    const { code, out, err } = await run(args, { env });
    assert.deepEqual([code, out], [1, ''], err);
    assert.match(err, expected);
    assert.equal(err.trim().split('\n').length, 1, err);
    assert.doesNotMatch(err, /hidden/);
  }
});
