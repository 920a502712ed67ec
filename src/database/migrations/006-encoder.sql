-- The encoder API: what it knows of its jobs, its log, callbacks in order, and segments that are delivered while the rest is encoded.
create table encoder_job (
  job_id bigint primary key references job (id) on delete cascade,
  project_id text not null references project (id) on delete cascade,
  video_id text not null,
  s3_original_key text not null,
  s3_hls_folder_key text not null,
  input_file_size bigint,
  duration double precision,
  quality_presets jsonb,
  preset text,
  segment_type text not null check (segment_type in ('ts', 'fmp4')),
  master_playlist text not null check (master_playlist in ('last', 'progressive')),
  is_open boolean not null default true,
  worker_id text,
  is_external boolean not null default false,
  output_file_size bigint,
  told_progress integer not null default 0,
  entry text
);
-- The same video and key, still unfinished, is not encoded twice.
create unique index encoder_job_open on encoder_job (project_id, video_id, s3_original_key) where is_open;
create index encoder_job_listing on encoder_job (project_id, job_id desc);
create index encoder_job_video on encoder_job (project_id, video_id, job_id desc);
create index encoder_job_entry on encoder_job (entry) where entry is not null;
create index encoder_job_external on encoder_job (job_id) where is_external and is_open;

create table encoder_log (
  id bigint generated always as identity primary key,
  project_id text not null references project (id) on delete cascade,
  job_id bigint not null references job (id) on delete cascade,
  level text not null check (level in ('debug', 'info', 'warning', 'error')),
  at timestamptz not null default now(),
  message text not null
);
create index encoder_log_listing on encoder_log (job_id, id);

alter table delivery
  -- Sealed: headers of its own, like the key of a backend.
  add column headers text,
  -- Sent only when the earlier ones of its job are settled.
  add column is_ordered boolean not null default false,
  -- To an address that the operator set, which may be private.
  add column is_own boolean not null default false;

alter table task drop constraint task_kind_check;
alter table task add constraint task_kind_check
  check (kind in ('first-light', 'chunk', 'copy', 'audio', 'subtitles', 'direct', 'upload', 'output'));
