// A video's stream over HTTP: playable at once, whole, in every form it is asked for, and to nobody else.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createDecipheriv, createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { signPlayback } from '#domain/playback-token.ts';
import { checkStream, readMaster, readMedia } from '../kit/check-playlists.ts';
import { eventually } from '../kit/eventually.ts';
import { openServer, probe, type TestServer } from './open-server.ts';
import { standardFilm, upload, whenReady } from './stream-client.ts';

const LADDER = '360p,240p';
/** Long before anything is read anew by itself, which is after half a minute. */
const SOON_MS = 15_000;
let server: TestServer;
let film = '';
let id = '';

before(async () => {
  server = await openServer({ works: true, settings: { SEGMENT_SECONDS: '2', CHILD_NICENESS: '0' } });
  film = await standardFilm(server.folder, 9);
  id = await upload(server, film, { qualities: LADDER, title: 'A film <of> "ours"' });
});
after(() => server[Symbol.asyncDispose]());

const get = (name: string, headers: Record<string, string> = {}) =>
  server.call('GET', `/stream/${id}/${name}`, { headers });
const bytesOf = async (url: string) => Buffer.from(await (await fetch(url)).arrayBuffer());

test('as soon as the upload is complete it plays: the source itself is the top quality, to its end', async () => {
  const master = await get('master.m3u8');
  assert.equal(master.status, 200);
  const { variants, problems } = readMaster(master.text);
  assert.deepEqual(problems, []);
  assert.equal(variants[0]?.uri, '360p/playlist.m3u8');
  const list = await get('360p/playlist.m3u8');
  const media = readMedia(list.text);
  assert.deepEqual([media.problems, media.ended, media.segments.length], [[], true, 5]);
  const [init, first] = await Promise.all([
    bytesOf(`${server.base}/stream/${id}/360p/init.mp4`),
    bytesOf(`${server.base}/stream/${id}/360p/segment_00002.m4s`),
  ]);
  const file = path.join(server.folder, 'segment.mp4');
  await writeFile(file, Buffer.concat([init, first]));
  assert.equal((await probe(file))[0]?.nb_read_frames, '50');
});

test('the whole stream keeps to RFC 8216, in CMAF and in MPEG-TS; DASH names the same segments', async () => {
  const { body } = await whenReady(server, id);
  assert.equal((body as { status: string }).status, 'ready');
  assert.deepEqual(await checkStream(`${server.base}/stream/${id}/master.m3u8`), []);
  assert.deepEqual(await checkStream(`${server.base}/stream/${id}/ts/master.m3u8`), []);
  assert.deepEqual(await checkStream(`${server.base}/stream/${id}/master.m3u8?format=ts`), []);
  const manifest = await get('manifest.mpd');
  assert.equal(manifest.headers.get('content-type'), 'application/dash+xml');
  assert.match(manifest.text, /type="static"/);
  for (const name of ['360p', '240p', 'audio']) {
    assert.match(manifest.text, new RegExp(`Representation id="${name}"`));
    assert.equal((await get(`${name}/segment_00001.m4s`)).status, 200);
  }
  for (const place of ['master.m3u8', 'ts/master.m3u8', 'manifest.mpd']) {
    const url = `${server.base}/stream/${id}/${place}`;
    const streams =
      place === 'manifest.mpd' ? [await probe(url, 'v:0'), await probe(url, 'v:1')].flat() : await probe(url);
    const pictures = streams.filter(({ width }) => width !== undefined);
    assert.deepEqual(
      pictures.map(({ nb_read_frames }) => Number(nb_read_frames) >= 225),
      [true, true],
      `${place}: ${pictures.map(({ nb_read_frames }) => nb_read_frames)}`,
    );
  }
});

test('segments are cached for ever, playlists are not; ranges, conditions and HEAD are answered', async () => {
  const segment = await get('360p/segment_00000.m4s');
  assert.match(segment.headers.get('cache-control') ?? '', /immutable/);
  assert.equal(segment.headers.get('access-control-allow-origin'), '*');
  assert.equal(segment.headers.get('content-type'), 'video/mp4');
  const etag = segment.headers.get('etag') ?? '';
  assert.equal((await get('360p/segment_00000.m4s', { 'if-none-match': etag })).status, 304);
  const part = await fetch(`${server.base}/stream/${id}/360p/segment_00000.m4s`, { headers: { range: 'bytes=4-7' } });
  assert.deepEqual([part.status, await part.text()], [206, 'moof']);
  assert.equal((await get('360p/segment_00000.m4s', { range: 'bytes=99999999-' })).status, 416);
  const head = await server.call('HEAD', `/stream/${id}/360p/segment_00000.m4s`);
  assert.equal(head.headers.get('content-length'), segment.headers.get('content-length'));
  const list = await get('360p/playlist.m3u8');
  assert.match(list.headers.get('cache-control') ?? '', /no-cache/);
  assert.equal(list.headers.get('content-type'), 'application/vnd.apple.mpegurl');
});

test('players of any other site may ask, also with headers of their own; nothing else is opened to them', async () => {
  const preflight = async (path: string) => {
    const asked = { origin: 'https://player.example', 'access-control-request-method': 'GET' };
    const headers = { ...asked, 'access-control-request-headers': 'range,x-session' };
    const answer = await server.call('OPTIONS', path, { headers });
    const [origin, credentials] = ['access-control-allow-origin', 'access-control-allow-credentials'].map((name) =>
      answer.headers.get(name),
    );
    return [answer.status, origin, credentials, answer.headers.get('access-control-allow-headers')];
  };
  assert.deepEqual(await preflight(`/stream/${id}/360p/segment_00000.m4s`), [204, '*', null, 'range,x-session']);
  assert.deepEqual(await preflight(`/stream/${id}/qualities`), [204, '*', null, 'range,x-session']);
  assert.deepEqual(await preflight('/live/news/master.m3u8'), [204, '*', null, 'range,x-session']);
  assert.equal((await preflight(`/videos/${id}`))[1], null);
});

test('the original and every quality can be had as files', async () => {
  const sha = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
  assert.equal(sha(await bytesOf(`${server.base}/stream/${id}/original`)), sha(await readFile(film)));
  for (const [quality, width] of [
    ['360p', 640],
    ['240p', 426],
  ] as const) {
    const answer = await fetch(`${server.base}/stream/${id}/download/${quality}.mp4`);
    const name = `attachment; filename="${path.parse(film).name} ${quality}.mp4"`;
    assert.ok(answer.headers.get('content-disposition')?.startsWith(name), name);
    const file = path.join(server.folder, 'download.mp4');
    await writeFile(file, Buffer.from(await answer.arrayBuffer()));
    const [video, audio] = await probe(file);
    assert.deepEqual(
      [video?.codec_name, video?.width, video?.nb_read_frames, audio?.codec_name],
      ['h264', width, '225', 'aac'],
    );
  }
  const list = (await get('qualities')).body as { qualities: { quality: string; complete: boolean }[] };
  assert.deepEqual(
    list.qualities.map(({ quality, complete }) => [quality, complete]),
    [
      ['360p', true],
      ['240p', true],
    ],
  );
});

test('poster and storyboard; a poster of another time is another picture', async () => {
  const before = await fetch(`${server.base}/stream/${id}/poster.jpg`);
  assert.equal(before.headers.get('content-type'), 'image/jpeg');
  const usual = Buffer.from(await before.arrayBuffer());
  assert.match((await get('storyboard.vtt')).text, /storyboard\.jpg#xywh=/);
  assert.equal((await get('storyboard.jpg')).status, 200);
  await server.call('PUT', `/videos/${id}`, { body: { poster_time: 7 } });
  const chosen = path.join(server.folder, 'poster.jpg');
  // Before what is kept of the stream would be read anew by itself.
  const bytes = await eventually(
    async () => {
      const now = await bytesOf(`${server.base}/stream/${id}/poster.jpg`);
      assert.ok(!now.equals(usual));
      return now;
    },
    { within: SOON_MS },
  );
  await writeFile(chosen, bytes);
  assert.equal((await probe(chosen))[0]?.width, 640);
});

test('whom it plays for is heard of at once by what is kept in memory', async () => {
  const ask = async () => (await fetch(`${server.base}/stream/${id}/master.m3u8`)).status;
  for (const [policy, status] of [
    ['public', 200],
    ['signed', 403],
    ['public', 200],
  ] as const) {
    await server.call('PUT', `/videos/${id}`, { body: { playback_policy: policy } });
    await eventually(async () => assert.equal(await ask(), status), { within: SOON_MS });
  }
});

test('a video of which nothing is encoded has a poster and a storyboard as well', async () => {
  const alone = await upload(server, film, { qualities: '360p' });
  const { body } = await whenReady(server, alone);
  assert.deepEqual((body as { qualities: string[] }).qualities, ['360p']);
  const cues = await (await fetch(`${server.base}/stream/${alone}/storyboard.vtt`)).text();
  assert.equal(cues.match(/storyboard\.jpg#xywh=/g)?.length, 5);
  for (const [name, width] of [
    ['poster.jpg', 640],
    ['storyboard.jpg', 480],
  ] as const)
    assert.equal((await probe(`${server.base}/stream/${alone}/${name}`))[0]?.width, width, name);
});

test('the poster of sound is its cover; sound without one has none', async () => {
  const cover = path.join(server.folder, 'cover.png');
  const make = (...args: string[]) => promisify(execFile)('ffmpeg', ['-v', 'error', '-y', ...args]);
  await make('-f', 'lavfi', '-i', 'color=c=0x2060c0:s=300x200:d=1', '-frames:v', '1', cover);
  const tone = ['-f', 'lavfi', '-i', 'sine=d=3'];
  for (const [name, ...more] of [
    ['with.mp3', '-i', cover, '-map', '0', '-map', '1', '-c:v', 'copy', '-disposition:v', 'attached_pic'],
    ['without.mp3'],
  ] as const) {
    const song = path.join(server.folder, name);
    await make(...tone, ...more, song);
    const sound = await upload(server, song);
    await whenReady(server, sound);
    const poster = await fetch(`${server.base}/stream/${sound}/poster.jpg`);
    const bytes = Buffer.from(await poster.arrayBuffer());
    // What is not there is not named either.
    const page = await (await fetch(`${server.base}/watch/${sound}`)).text();
    assert.equal(page.includes('/poster.jpg'), more.length > 0, name);
    assert.doesNotMatch(page, /storyboard\.vtt/);
    if (more.length === 0) assert.equal(poster.status, 404);
    else {
      assert.deepEqual([poster.status, poster.headers.get('content-type')], [200, 'image/jpeg']);
      const { data, info } = await sharp(bytes).raw().toBuffer({ resolveWithObject: true });
      assert.deepEqual([info.width, info.height], [300, 200]);
      const pixel = [...data.subarray(0, 3)];
      assert.ok(
        [0x20, 0x60, 0xc0].every((value, i) => Math.abs(value - (pixel[i] ?? 0)) < 12),
        pixel.join(),
      );
    }
  }
});

test('nothing outside of the video is ever reached, and what is not there is said so', async () => {
  for (const name of [
    '../../etc/passwd',
    '..%2f..%2foriginal',
    '360p/..%2f..%2f..%2fx',
    '360p/../../x',
    'nothing',
    '240p/',
    'key',
  ]) {
    const answer = await fetch(`${server.base}/stream/${id}/${name}`);
    assert.equal(answer.status, 404, name);
  }
  for (const other of ['01a1fc8b-5603-7464-89ed-0638b450aae2', 'nonsense', '..'])
    assert.equal((await server.call('GET', `/stream/${other}/master.m3u8`)).status, 404, other);
});

test('an encrypted video: segments are AES-128 by media sequence, the key opens them, players get nothing in the clear', async () => {
  const secret = await upload(server, film, { qualities: LADDER, encryption: 'aes-128', playback_policy: 'signed' });
  const place = `${server.base}/stream/${secret}`;
  assert.equal((await fetch(`${place}/master.m3u8`)).status, 403);
  const signed = await server.call('POST', `/videos/${secret}/playback_url`, { body: { expires_in: 600 } });
  const { token, master_url } = signed.body as { token: string; master_url: string };
  await whenReady(server, secret);
  assert.deepEqual(await checkStream(master_url), []);
  const list = readMedia(await (await fetch(`${place}/360p/playlist.m3u8?token=${token}`)).text());
  const [, second] = list.segments;
  assert.equal(second?.key?.get('METHOD'), 'AES-128');
  const address = new URL((second?.key?.get('URI') ?? '').replaceAll('"', ''), `${place}/360p/playlist.m3u8`);
  assert.equal(address.searchParams.get('token'), token);
  const key = await bytesOf(address.href);
  const iv = Buffer.alloc(16);
  iv.writeUInt32BE(1, 12);
  const sealed = await bytesOf(`${place}/360p/${second?.uri}`);
  const cipher = createDecipheriv('aes-128-cbc', key, iv);
  const clear = Buffer.concat([cipher.update(sealed), cipher.final()]);
  assert.equal(clear.toString('latin1', 4, 8), 'moof');
  for (const name of [
    'original',
    'download/360p.mp4',
    'manifest.mpd',
    'master.m3u8',
    'key',
    'poster.jpg',
    'storyboard.vtt',
  ]) {
    const [without, withToken] = await Promise.all([
      fetch(`${place}/${name}`),
      fetch(`${place}/${name}?token=${token}`),
    ]);
    const wanted = { original: 403, 'download/360p.mp4': 403, 'manifest.mpd': 404 }[name] ?? 200;
    assert.deepEqual([without.status, withToken.status], [403, wanted], name);
  }
  const seen = await (await fetch(`${place}/storyboard.vtt?token=${token}`)).text();
  assert.match(seen, new RegExp(`storyboard\\.jpg\\?token=${token}#xywh=`));
});

test('a token opens its own video until its time is over, and no other', async () => {
  const keys = server.platform.keysFor('playback-token');
  const now = Date.now() / 1000;
  const ask = async (token: string) => {
    const answer = await server.call('GET', `/stream/${id}/master.m3u8?token=${token}`);
    return [answer.status, (answer.body as { code?: string }).code];
  };
  assert.deepEqual(await ask(signPlayback(id, now + 60, keys)), [200, undefined]);
  assert.deepEqual(await ask(signPlayback(id, now - 1, keys)), [403, 'playback_expired']);
  assert.deepEqual(await ask(signPlayback('01a1fc8b-5603-7464-89ed-0638b450aae2', now + 60, keys)), [
    403,
    'playback_denied',
  ]);
  assert.deepEqual(await ask('x'), [403, 'playback_denied']);
});

test('pages to watch on, for search engines and for other sites', async () => {
  const watch = await server.call('GET', `/watch/${id}`);
  assert.equal(watch.status, 200);
  assert.match(watch.text, /<title>A film &#60;of&#62; &#34;ours&#34;<\/title>/);
  assert.match(watch.text, new RegExp(`property="og:image" content="${server.base}/stream/${id}/poster.jpg"`));
  assert.match(watch.text, /application\/json\+oembed/);
  const [, data = ''] = /<script type="application\/ld\+json">(.*?)<\/script>/.exec(watch.text) ?? [];
  const { '@type': kind, name, contentUrl, embedUrl } = JSON.parse(data) as Record<string, string>;
  assert.deepEqual(
    [kind, name, contentUrl, embedUrl],
    ['VideoObject', 'A film <of> "ours"', `${server.base}/stream/${id}/master.m3u8`, `${server.base}/embed/${id}`],
  );
  assert.match(watch.headers.get('content-security-policy') ?? '', /default-src 'none';.*frame-ancestors 'none'/);
  assert.equal(watch.headers.get('x-frame-options'), 'DENY');
  const embed = await server.call('GET', `/embed/${id}`);
  assert.match(embed.headers.get('content-security-policy') ?? '', /frame-ancestors \*/);
  assert.equal(embed.headers.get('x-frame-options'), null);
  const about = await server.call(
    'GET',
    `/oembed?format=json&maxwidth=160&url=${encodeURIComponent(`${server.base}/watch/${id}`)}`,
  );
  const { type, width, height, html } = about.body as Record<string, unknown>;
  assert.deepEqual([type, width, height], ['video', 160, 90]);
  assert.match(String(html), new RegExp(`<iframe src="${server.base}/embed/${id}"`));
  // Who opens a link that leads nowhere reads why, on a page; a program gets the problem document.
  const browser = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };
  for (const [place, status, trouble, isEmbedded] of [
    ['watch/nope', 404, 'missing', false],
    [`embed/${id}?token=x`, 403, 'denied', true],
    ['live/nope/embed', 404, 'missing', true],
  ] as const) {
    const lost = await fetch(`${server.base}/${place}`, { headers: browser });
    const [, said = ''] = /id="video">(.*?)<\/script>/.exec(await lost.text()) ?? [];
    assert.deepEqual([lost.status, JSON.parse(said)], [status, { trouble, isEmbedded }]);
    assert.equal(lost.headers.get('x-frame-options'), isEmbedded ? null : 'DENY');
    const { code } = (await server.call('GET', `/${place}`)).body as { code: string };
    assert.equal(code, status === 404 ? 'not_found' : 'playback_denied');
  }
  assert.equal((await server.call('GET', '/oembed?url=https%3A%2F%2Fexample.com%2Fwatch%2F1')).status, 404);
  assert.equal((await server.call('GET', `/oembed?format=xml&url=${server.base}/watch/${id}`)).status, 501);
});

test('where keys are asked for, addresses that are given out carry a token, and nothing plays without one', async () => {
  const key = 'a-key-of-the-owner-0123456789';
  await using closed = await openServer({ settings: { AUTH: 'on', ADMIN_KEY: key, PLAYBACK_URL_TTL: '60' } });
  const headers = { authorization: `Bearer ${key}` };
  const made = await closed.call('POST', '/videos', { body: { title: 'Ours' }, headers });
  const { hash, master_url, poster_url } = made.body as Record<string, string>;
  for (const [address, name] of [
    [master_url, 'master.m3u8'],
    [poster_url, 'poster.jpg'],
  ] as const) {
    const url = new URL(address ?? '');
    assert.match(url.searchParams.get('token') ?? '', /^[\w-]{30}$/);
    // Let through: there is only nothing yet.
    assert.equal((await fetch(url)).status, 404);
    assert.equal((await fetch(`${closed.base}/stream/${hash}/${name}`)).status, 401);
    assert.equal((await closed.call('GET', `/stream/${hash}/${name}`, { headers })).status, 404);
  }
  const signed = await closed.call('POST', `/videos/${hash}/playback_url`, { body: { expires_in: 3600 }, headers });
  const { watch_url, expires_at } = signed.body as Record<string, string>;
  assert.ok(Math.abs(Date.parse(expires_at ?? '') - Date.now() - 3_600_000) < 60_000);
  const page = await fetch(watch_url ?? '');
  assert.equal(page.status, 200);
  assert.match(await page.text(), /\/stream\/[0-9a-f-]+\/master\.m3u8\?token=/);
  assert.equal((await fetch(`${closed.base}/watch/${hash}`)).status, 401);
});

test('what is sent from memory is sent no longer than it holds: not after the token, not after the video', async () => {
  const keys = server.platform.keysFor('playback-token');
  const places = ['360p/playlist.m3u8', '360p/segment_00000.m4s'];
  const ask = (query = '') =>
    Promise.all(places.map(async (name) => (await fetch(`${server.base}/stream/${id}/${name}${query}`)).status));
  const askThrice = async (query: string) => {
    for (let times = 0; times < 3; times++) assert.deepEqual(await ask(query), [200, 200]);
  };
  // A machine that is too busy to ask while it lasts gets another.
  const short = await eventually(async () => {
    const token = signPlayback(id, Date.now() / 1000 + 5, keys);
    await askThrice(`?token=${token}`);
    return token;
  });
  await askThrice('');
  await eventually(async () => assert.deepEqual(await ask(`?token=${short}`), [403, 403]));
  assert.deepEqual(await ask(), [200, 200]);
  assert.equal((await server.call('DELETE', `/videos/${id}`)).status, 204);
  await eventually(async () => assert.deepEqual(await ask(), [404, 404]), { within: SOON_MS });
});
