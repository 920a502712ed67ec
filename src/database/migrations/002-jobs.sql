-- A job, its outputs, its tasks, its log, and the events of everything.
create table job (
  id bigint generated always as identity primary key,
  uuid uuid not null unique,
  project_id text not null references project (id) on delete cascade,
  api text not null,
  status text not null check (status in ('queued', 'processing', 'paused', 'completed', 'failed', 'canceled')),
  source jsonb not null,
  priority integer not null check (priority between 0 and 100),
  metadata jsonb not null,
  notification_url text,
  idempotency_key text,
  request_hash text,
  progress double precision not null default 0,
  speed double precision,
  eta_seconds double precision,
  attempt integer not null default 0,
  tries integer not null default 0,
  worker_id text,
  entry uuid,
  delivery integer,
  source_key text,
  facts jsonb,
  findings jsonb,
  plan jsonb,
  error jsonb,
  created_at timestamptz not null default now(),
  started_at timestamptz,
  completed_at timestamptz,
  updated_at timestamptz not null default now(),
  unique (project_id, idempotency_key)
);
create index job_listing on job (project_id, id desc);
create index job_status on job (project_id, status, id desc);
create index job_expiry on job (completed_at) where completed_at is not null;
-- Progress is written twice a second: room on the page keeps those updates out of the indexes.
alter table job set (fillfactor = 70);

create table output (
  id bigint generated always as identity primary key,
  project_id text not null references project (id) on delete cascade,
  job_id bigint not null references job (id) on delete cascade,
  index integer not null,
  spec jsonb not null,
  status text not null check (status in ('pending', 'processing', 'uploading', 'uploaded', 'failed', 'canceled')),
  progress double precision not null default 0,
  result jsonb,
  error jsonb,
  unique (job_id, index)
);

create table task (
  id bigint generated always as identity primary key,
  project_id text not null references project (id) on delete cascade,
  job_id bigint not null references job (id) on delete cascade,
  kind text not null check (kind in ('first-light', 'chunk', 'copy', 'audio', 'subtitles', 'direct', 'output')),
  subject integer not null,
  index integer not null,
  status text not null check (status in ('pending', 'processing', 'done', 'failed', 'canceled')),
  attempt integer not null default 0,
  tries integer not null default 0,
  weight double precision not null,
  needed_by integer[] not null,
  worker_id text,
  entry uuid,
  delivery integer,
  result jsonb,
  published jsonb,
  progress double precision not null default 0,
  speed double precision,
  error jsonb,
  claimed_at timestamptz,
  beat_at timestamptz,
  done_at timestamptz,
  unique (job_id, kind, subject, index)
);
create index task_running on task (worker_id) where status = 'processing';
alter table task set (fillfactor = 70);

create table event (
  id bigint generated always as identity primary key,
  project_id text not null references project (id) on delete cascade,
  -- No reference: the event that a job was deleted outlives the job.
  job_id bigint,
  type text not null,
  at timestamptz not null default now(),
  data jsonb not null
);
create index event_listing on event (project_id, id);
create index event_job on event (job_id, id) where job_id is not null;

create table job_log (
  id bigint generated always as identity primary key,
  project_id text not null references project (id) on delete cascade,
  job_id bigint not null references job (id) on delete cascade,
  at timestamptz not null default now(),
  task text not null,
  line text not null
);
create index job_log_reading on job_log (job_id, id);
