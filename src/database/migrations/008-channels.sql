-- Live channels: what is wanted, what is, which machine holds it, and the segments that can be played.
create table channel (
  id bigint generated always as identity primary key,
  project_id text not null references project (id) on delete cascade,
  name text not null,
  -- The name as it stands in addresses below /live/: of the whole installation, for there is no project in them.
  slug text not null unique,
  -- Addresses with credentials are sealed.
  spec jsonb not null,
  -- Raised by every change: who runs an older one starts it anew.
  revision integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (project_id, name)
);

create table channel_profile (
  id bigint generated always as identity primary key,
  project_id text not null references project (id) on delete cascade,
  channel_id bigint not null references channel (id) on delete cascade,
  position integer not null,
  spec jsonb not null
);
create index channel_profile_listing on channel_profile (channel_id, position);

-- A process that runs channels.
create table live_machine (
  id text primary key,
  hostname text not null,
  -- bootid/pid/starttime and the process namespace it holds in: by them a successor on the same host knows that it is dead.
  mark text not null,
  namespace text not null,
  cores real not null,
  started_at timestamptz not null default now(),
  beat_at timestamptz not null default now()
);

create table channel_job (
  id bigint generated always as identity primary key,
  project_id text not null references project (id) on delete cascade,
  channel_id bigint not null unique references channel (id) on delete cascade,
  -- What the user asked for …
  wanted boolean not null default false,
  -- … and how often: a restart raises it.
  generation integer not null default 0,
  -- What is.
  status text not null default 'stopped' check (status in ('stopped', 'pending', 'running', 'retrying', 'error')),
  -- Who makes it so. The lease is the fence of every write.
  machine_id text,
  lease integer not null default 0,
  start_time timestamptz,
  end_time timestamptz,
  running_since timestamptz,
  ffmpeg_pid integer,
  error jsonb,
  retries integer not null default 0,
  restarts integer not null default 0,
  -- An alarm was given and not yet taken back.
  is_down boolean not null default false,
  -- Which input is on air: primary, fallback, slate.
  input text not null default 'primary',
  figures jsonb not null default '{}',
  outputs jsonb not null default '[]',
  updated_at timestamptz not null default now()
);
create index channel_job_wanted on channel_job (machine_id) where wanted;

-- The same moment of all renditions: they are published together or not at all, so that one number means one time in all of them.
create table live_moment (
  project_id text not null references project (id) on delete cascade,
  channel_id bigint not null references channel (id) on delete cascade,
  sequence bigint not null,
  -- How many breaks came before it, its own included.
  discontinuities integer not null,
  is_break boolean not null,
  starts_at timestamptz not null,
  seconds double precision not null,
  parts jsonb not null,
  expires_at timestamptz not null,
  primary key (channel_id, sequence)
);
create index live_moment_expiry on live_moment (expires_at);

-- What must outlive the moments: numbers that never fall.
create table live_clock (
  channel_id bigint primary key references channel (id) on delete cascade,
  next_sequence bigint not null default 0,
  discontinuities integer not null default 0,
  -- The newest picture of what is on air: key and size in managed storage.
  thumbnail jsonb
);

-- Alarms of channels are webhooks without a job.
alter table delivery alter column job_id drop not null;
alter table delivery add column channel_id bigint references channel (id) on delete cascade;
create index delivery_channel on delivery (channel_id, number) where channel_id is not null;
