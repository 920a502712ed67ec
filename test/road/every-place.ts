import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { after, before } from 'node:test';
import type { Store } from '#storage/store.ts';
import { makeBucket, openBucket } from '../kit/bucket.ts';
import { makeCertificate } from '../kit/certificate.ts';
import { needTool } from '../kit/decode.ts';
import { type FileServer, servedFile, startFileServer } from '../kit/http-server.ts';
import { type FreshDatabase, freshDatabase } from '../kit/postgres.ts';
import { type RenditionServer, startRendition } from '../kit/rendition-server.ts';
import { type Swift, startSwift, swiftMissing } from '../kit/swift.ts';
import { startVsftpd, type Vsftpd, vsftpdMissing } from '../kit/vsftpd.ts';

/** Each of these words must be found nowhere but where it was sent to. */
export const SECRETS = {
  s3: 'kX3mPq8ZtR5wVn2L',
  sessionToken: 'tok7HsbC1nQwY4eJ',
  ftp: 'fT9pDw6LkXz2Rg5B',
  header: 'hD4rAu8NvMc3Ty7K',
  query: 'qU5yEp1WsGx6Jo9F',
  userInfo: 'uI2nFo7BzHt8Ld4S',
  hook: 'wH6kOo3RmCj9Va1P',
};
export const bucket = 'media';

export let folder = '';
let film = '';
export let fresh: FreshDatabase;
export let swift: Swift;
export let ftp: Vsftpd;
let ftps: Vsftpd;
export let web: FileServer;
let secureWeb: FileServer;
export let store: Store;
export let server: RenditionServer;
/** Requests that arrived without what opens the place. */
export const unopened: string[] = [];

const missing = swiftMissing() || vsftpdMissing();
export const skip = missing ? { skip: missing } : {};

/** Before the tests of the file that imports this; gone behind them. */
before(async () => {
  if (missing) return;
  folder = await mkdtemp(join(tmpdir(), 'rendition-places-'));
  await mkdir(join(folder, 'files'));
  film = join(folder, 'files', 'film.mp4');
  const picture = ['-f', 'lavfi', '-i', 'testsrc2=s=192x108:r=25:d=2'];
  const sound = ['-f', 'lavfi', '-i', 'sine=440:d=2'];
  const encode = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-c:a', 'aac', '-shortest'];
  await needTool('ffmpeg', ['-v', 'error', '-y', ...picture, ...sound, ...encode, film]);
  const certificate = await makeCertificate(folder);
  const opened = (authorization: string | undefined, url: string) =>
    authorization === `Bearer ${SECRETS.header}` ||
    url.includes(`signature=${SECRETS.query}`) ||
    url.startsWith('/open/');
  const guarded = {
    behave: (request: { headers: { authorization?: string | undefined }; url?: string | undefined }) => {
      if (!opened(request.headers.authorization, request.url ?? '')) unopened.push(request.url ?? '');
      return false;
    },
  };
  [fresh, swift, ftp, ftps, web, secureWeb] = await Promise.all([
    freshDatabase(),
    startSwift({ accessKeySecret: SECRETS.s3 }),
    startVsftpd(),
    startVsftpd({ secure: true }),
    startFileServer(guarded),
    startFileServer({ ...guarded, tls: certificate }),
  ]);
  await writeFile(join(folder, 'ca.pem'), certificate.cert + (ftps.certificate?.cert ?? ''));
  await makeBucket(swift, bucket);
  store = openBucket(swift, bucket);
  const bytes = await readFile(film);
  web.files.set('/film.mp4', servedFile(bytes));
  secureWeb.files.set('/film.mp4', servedFile(bytes));
  await store.write('in/film.mp4', bytes);
  for (const one of [ftp, ftps]) await writeFile(join(one.root, 'files', 'film.mp4'), bytes);
  server = await startRendition({
    settings: {
      DATABASE_URL: fresh.url,
      EGRESS_ALLOW: '127.0.0.0/8',
      FILE_ROOTS: join(folder, 'files'),
      LOG_LEVEL: 'trace',
      NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem'),
      SCRATCH_RESERVE_BYTES: '0',
    },
  });
});
after(async () => {
  if (missing) return;
  await server?.stop();
  await store?.close();
  await Promise.all([swift, ftp, ftps, web, secureWeb].map((one) => one?.stop()));
  await fresh?.drop();
  await rm(folder, { recursive: true, force: true });
});

export const s3 = (path: string) => ({
  kind: 's3',
  bucket,
  path,
  endpoint: swift.endpoint,
  region: 'us-east-1',
  forcePathStyle: true,
  access_key_id: swift.accessKeyId,
  access_key_secret: swift.accessKeySecret,
});
export const ftpPlace = (one: Vsftpd, path: string) => ({
  kind: 'ftp',
  host: '127.0.0.1',
  port: one.port,
  user: one.user,
  password: SECRETS.ftp,
  path: `${one.home}files/${path}`,
});
export const headers = { Authorization: `Bearer ${SECRETS.header}` };

export const SOURCES: Readonly<Record<string, () => object | Promise<object>>> = {
  http: () => ({ kind: 'http', url: `${web.origin}/film.mp4`, headers }),
  https: () => ({ kind: 'https', url: `${secureWeb.origin}/film.mp4?signature=${SECRETS.query}` }),
  s3: () => ({ ...s3('in/film.mp4'), session_token: SECRETS.sessionToken }),
  ftp: () => ftpPlace(ftp, 'film.mp4'),
  ftps: () => ({ ...ftpPlace(ftps, 'film.mp4'), secure: true }),
  inline: async () => ({ kind: 'inline', data: (await readFile(film)).toString('base64'), filename: 'film.mp4' }),
  upload: async () => {
    // What arrived with another job is an upload that any job may name.
    const first = await server.job(await server.submit(film, [{ container: 'mp3' }]));
    return (first as unknown as { source: object }).source;
  },
  file: () => ({ kind: 'file', path: 'film.mp4' }),
};

export const readObject = async (key: string): Promise<Buffer> => buffer(await store.read(key));

type Destination = { readonly place: object /** The bytes that arrived. */; readonly read: () => Promise<Buffer> };
export const served = (from: FileServer, path: string) => async () => from.files.get(path)?.bytes ?? Buffer.alloc(0);

export const DESTINATIONS: Readonly<Record<string, (name: string) => Destination>> = {
  s3: (name) => ({
    place: { ...s3(`out/${name}.mp4`), acl: 'public-read' },
    read: () => readObject(`out/${name}.mp4`),
  }),
  http: (name) => ({
    place: { kind: 'http', url: `${web.origin}/out/${name}.mp4`, headers },
    read: served(web, `/out/${name}.mp4`),
  }),
  post: (name) => ({
    place: { kind: 'http', url: `${web.origin}/post/${name}.mp4?signature=${SECRETS.query}`, method: 'POST' },
    read: served(web, `/post/${name}.mp4`),
  }),
  https: (name) => ({
    place: { kind: 'https', url: `${secureWeb.origin.replace('//', `//me:${SECRETS.userInfo}@`)}/open/${name}.mp4` },
    read: served(secureWeb, `/open/${name}.mp4`),
  }),
  ftp: (name) => ({
    place: ftpPlace(ftp, `out/${name}.mp4`),
    read: () => readFile(join(ftp.root, 'files', 'out', `${name}.mp4`)),
  }),
  ftps: (name) => ({
    place: { ...ftpPlace(ftps, `out/${name}.mp4`), kind: 'ftps' },
    read: () => readFile(join(ftps.root, 'files', 'out', `${name}.mp4`)),
  }),
  file: (name) => ({
    place: { kind: 'file', path: `out/${name}.mp4` },
    read: () => readFile(join(folder, 'files', 'out', `${name}.mp4`)),
  }),
  managed: () => ({ place: { kind: 'managed' }, read: async () => Buffer.alloc(0) }),
};
