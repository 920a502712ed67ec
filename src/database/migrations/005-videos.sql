-- Videos, the jobs that encode them, and uploads that come in pieces.
create table video (
  -- One string is upload_id, video_id and hash; a UUIDv7.
  id uuid primary key,
  project_id text not null references project (id) on delete cascade,
  title text not null,
  description text not null default '',
  tags text[] not null default '{}',
  filename text not null,
  -- bytes of the original; null until it is whole
  size bigint,
  -- Where the original lies in managed storage; null until it is whole.
  storage_key text,
  -- Wanted qualities ('720p'); null takes VIDEO_QUALITY_PRESETS.
  qualities text[],
  -- Encoding begins by itself as soon as the original is whole.
  transcode boolean not null default true,
  -- Somebody wants it not to be encoded now.
  stopped boolean not null default false,
  -- Seconds; null takes the poster's own rule.
  poster_time double precision,
  playback_policy text not null default 'public' check (playback_policy in ('public', 'signed')),
  encryption text not null default 'none' check (encryption in ('none', 'aes-128')),
  -- Sealed; of encrypted ones.
  content_key text,
  -- Sealed where it carries credentials or a query.
  notification_url text,
  base_url text,
  -- Why there is nothing to encode: the upload was no media, its checksum was wrong.
  error jsonb,
  -- When it could first be played.
  playable_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index video_listing on video (project_id, id desc);
create index video_original on video (storage_key);
create index video_tags on video using gin (tags);

-- A video's first job makes what it was uploaded for; each further one a quality that was asked for later.
create table video_job (
  video_id uuid not null references video (id) on delete cascade,
  job_id bigint not null unique references job (id) on delete cascade,
  project_id text not null references project (id) on delete cascade,
  position integer not null,
  primary key (video_id, position)
);

alter table upload
  add column protocol text not null default 'request' check (protocol in ('request', 'chunks', 'tus', 'presigned')),
  -- It becomes the video of the same id.
  add column is_video boolean not null default false,
  -- What was announced, bytes; null where nothing was.
  add column expected_size bigint,
  add column total_chunks integer,
  -- bytes of every chunk but the last: announced, or learnt from the first that came
  add column chunk_size bigint,
  -- hex, announced
  add column sha256 text,
  -- tus: bytes that have come; its metadata as it was sent; a part of a concatenation; the parts of one
  add column received bigint not null default 0,
  add column tus_metadata text,
  add column is_partial boolean not null default false,
  add column concatenates uuid[],
  -- Of a multipart upload that the client sends to S3 itself.
  add column multipart_id text,
  -- The upload token it came under, and how many bytes that allows.
  add column token_id uuid,
  add column max_bytes bigint,
  -- Boot of the machine that bytes were written under which may not be on the disk yet; null where they all are.
  add column boot_id text,
  -- Fences the finishing: joining, checking, handing over to a job.
  add column attempt integer not null default 0,
  add column error jsonb,
  drop constraint upload_status_check,
  add constraint upload_status_check check (status in ('receiving', 'finishing', 'received', 'failed'));
create index upload_token on upload (token_id) where token_id is not null;

-- A chunk of an upload: at its place in the one file that grows into the original, or as an object of its own.
create table upload_part (
  upload_id uuid not null references upload (id) on delete cascade,
  project_id text not null references project (id) on delete cascade,
  index integer not null,
  -- bytes; null while it is written
  size bigint,
  sha256 text,
  -- Null for one that is in its place.
  storage_key text,
  -- Who writes it into its place now; the others take an object of their own.
  claim uuid,
  primary key (upload_id, index)
);

-- Webhooks of videos. No reference: that a video was deleted is told when it is gone.
alter table delivery alter column job_id drop not null;
alter table delivery add column video_id uuid;
create index delivery_video on delivery (video_id, number) where video_id is not null;
