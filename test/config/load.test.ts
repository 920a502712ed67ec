import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ConfigError, loadConfig } from '#config/load.ts';
import { countEdits, findNearest } from '#config/nearest-name.ts';
import { parseDotenv } from '#config/parse-dotenv.ts';

const problemsOf = (env: Record<string, string>, dotenv?: string): readonly string[] => {
  try {
    loadConfig(env, dotenv);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.problems;
  }
  return [];
};

describe('loadConfig', () => {
  test('has a default for everything', () => {
    const config = loadConfig({});
    assert.equal(config.HOST, '127.0.0.1');
    assert.equal(config.PORT, 8080);
    assert.deepEqual(config.ROLES, ['api', 'work', 'live']);
    assert.equal(config.RETENTION_HOURS, 168);
    assert.equal(config.DATABASE_URL, undefined);
    assert.deepEqual(config.FILE_ROOTS, []);
  });

  test('counts the environment before .env, and .env before the default; empty is left out', () => {
    const config = loadConfig({ PORT: '1', HOST: '' }, 'PORT=2\nSEGMENT_SECONDS=4\nHOST=::1\nLOG_LEVEL=\n');
    assert.deepEqual([config.PORT, config.SEGMENT_SECONDS, config.HOST, config.LOG_LEVEL], [1, 4, '::1', 'info']);
  });

  test('takes a second name where the first is not given', () => {
    const second = loadConfig({ ENCODING_WORKERS: '4' }, 'AWS_S3_REGION_NAME=eu-west-1');
    assert.deepEqual([second.WORKER_CONCURRENCY, second.AWS_REGION], [4, 'eu-west-1']);
    assert.equal(loadConfig({ ENCODING_WORKERS: '4', WORKER_CONCURRENCY: '2' }).WORKER_CONCURRENCY, 2);
  });

  test('turns texts into what they mean', () => {
    const config = loadConfig({
      RETENTION_HOURS: 'off',
      APIS: 'jobs, videos',
      EGRESS_ALLOW: '10.0.0.0/8,::1',
      MAX_SOURCE_BYTES: '123456789012',
    });
    assert.deepEqual(
      [config.RETENTION_HOURS, config.APIS, config.EGRESS_ALLOW, config.MAX_SOURCE_BYTES],
      [null, ['jobs', 'videos'], ['10.0.0.0/8', '::1'], 123456789012],
    );
  });

  test('names everything that is wrong at once, what was found, and what is allowed', () => {
    assert.deepEqual(
      problemsOf(
        {
          PORT: '70000',
          ROLES: 'api,wrok',
          SEGMENT_SECONDS: 'long',
          EGRESS_ALLOW: '10.0.0.0/99',
          RETENTION_HOURS: '-1',
        },
        'LOG_LEVEL=loud\nPUBLIC_URL=media.example\nSTORAGE_URL=gs://bucket\nMAX_OUTPUTS=1.5\n',
      ),
      [
        'PORT must be a whole number from 0 to 65535; "70000" is not',
        'ROLES must be a list of api, work, live; "api,wrok" is not',
        '.env: PUBLIC_URL must be an http or https URL; "media.example" is not',
        '.env: LOG_LEVEL must be one of trace, debug, info, warn, error, fatal, silent; "loud" is not',
        '.env: STORAGE_URL must be a directory or s3://bucket/prefix; "gs://bucket" is not',
        'RETENTION_HOURS must be a number of hours, 0 for at once, or off; "-1" is not',
        'SEGMENT_SECONDS must be a number from 1 to 30; "long" is not',
        '.env: MAX_OUTPUTS must be a whole number from 1 to 1000; "1.5" is not',
        'EGRESS_ALLOW must be a list of addresses or CIDRs such as 10.0.0.0/8; "10.0.0.0/99" is not',
      ],
    );
  });

  test('takes no folder in which nothing can be made', () => {
    assert.deepEqual(problemsOf({ DATA_DIR: '/proc/x', TEMP_VIDEOS_DIR: '/proc/x' }, 'STORAGE_URL=//proc'), [
      'DATA_DIR must be a folder that files can be made in; "/proc/x" is not',
      '.env: STORAGE_URL must be a directory that files can be made in, or s3://bucket/prefix; "//proc" is not',
      'TEMP_VIDEOS_DIR must be a folder that files can be made in; "/proc/x" is not',
    ]);
    assert.deepEqual(problemsOf({ DATA_DIR: '/procession', STORAGE_URL: 's3://proc/x' }), []);
  });

  test('shows no secret', () => {
    assert.deepEqual(
      problemsOf({ DATABASE_URL: 'mysql://root:hunter2@db', SECRET_KEY: 'hunter2', ADMIN_KEY: 'hunter2' }),
      [
        'DATABASE_URL must be a postgres:// URL; its value is not',
        'SECRET_KEY must be 32 bytes as 64 hex digits or as base64, or several such keys with commas between; its value is not',
        'ADMIN_KEY must be at least 16 characters without blanks; its value is not',
      ],
    );
  });

  test('names a setting of .env that nobody reads, with the nearest known one; the environment has others', () => {
    assert.deepEqual(problemsOf({ PROT: '1', MYSQL_HOST: 'x' }, 'PROT=9000\nDATABSE_URL=x\n'), [
      '.env: nothing reads PROT; the nearest setting is PORT',
      '.env: nothing reads DATABSE_URL; the nearest setting is DATABASE_URL',
    ]);
  });

  test('names lines of .env that are no setting', () => {
    assert.deepEqual(problemsOf({}, '# fine\nPORT 8080\nHOST="127.0.0.1\n'), [
      '.env line 2 is not NAME=value',
      '.env line 3 is not NAME=value',
    ]);
  });

  test('takes relative paths of .env from the project, of the environment from where it was called', () => {
    const folders = { project: '/project', current: '/current' };
    const config = loadConfig(
      { FILE_ROOTS: 'in,/out', STORAGE_URL: 's3://bucket/a' },
      'TEMP_VIDEOS_DIR=scratch\n',
      folders,
    );
    assert.deepEqual(
      [config.DATA_DIR, config.TEMP_VIDEOS_DIR, config.FILE_ROOTS, config.STORAGE_URL],
      ['/project/data', '/project/scratch', ['/current/in', '/out'], 's3://bucket/a'],
    );
  });
});

test('parseDotenv reads what people write', () => {
  const text = [
    '\uFEFF# comment',
    'PLAIN=a b # comment',
    'HASH=pa#ss',
    'export EXPORTED = spaced ',
    'DOUBLE="a # \\"b\\"\\nc" # comment',
    "SINGLE='a \\n b'",
    'EMPTY=',
    'URL=postgres://u:p@h/d?a=b',
    'TWICE=1',
    'TWICE=2',
  ].join('\r\n');
  assert.deepEqual(parseDotenv(text), {
    values: {
      PLAIN: 'a b',
      HASH: 'pa#ss',
      EXPORTED: 'spaced',
      DOUBLE: 'a # "b"\nc',
      SINGLE: 'a \\n b',
      EMPTY: '',
      URL: 'postgres://u:p@h/d?a=b',
      TWICE: '2',
    },
    malformed: [],
  });
});

test('the nearest name is the one with the fewest edits', () => {
  assert.deepEqual(
    [countEdits('PORT', 'PROT'), countEdits('', 'ABC'), countEdits('HOST', 'HOST'), countEdits('SITTING', 'KITTEN')],
    [1, 3, 0, 3],
  );
  assert.equal(findNearest('data_dirr', ['PORT', 'DATA_DIR', 'DATABASE_URL']), 'DATA_DIR');
});
