-- File conversions for sessions: operations, their files, and how often a client called.
alter table job
  -- Where all its tasks wait instead of the lanes of their kinds; null for those.
  add column lane text check (lane in ('operation-video', 'operation-image', 'operation-audio'));

create table operation (
  id uuid primary key,
  project_id text not null references project (id) on delete cascade,
  session_key text not null,
  -- No reference: a deleted operation outlives its job for a while, as what its files still belong to.
  job_id bigint unique,
  operation text not null,
  media_type text not null check (media_type in ('video', 'image', 'audio')),
  parameters jsonb not null,
  created_at timestamptz not null default now(),
  is_deleted boolean not null default false
);
create index operation_listing on operation (project_id, session_key, id desc) where not is_deleted;
create index operation_deleted on operation (id) where is_deleted;

create table operation_file (
  id uuid primary key,
  project_id text not null references project (id) on delete cascade,
  operation_id uuid not null references operation (id) on delete cascade,
  file_type text not null check (file_type in ('input', 'output')),
  -- Key in managed storage; of an output it lies below its job's prefix and goes with it. Null for what lies in Cloudinary.
  file_path text,
  file_name text not null,
  file_size bigint,
  mime_type text not null,
  cloudinary_public_id text,
  cloudinary_url text,
  metadata jsonb not null,
  unique (operation_id, file_type)
);

-- Times of the calls that a limit counts, of one client. Unlogged: not worth a write to disk, and after a crash everybody begins anew.
create unlogged table rate_limit (
  name text not null,
  client text not null,
  calls timestamptz[] not null,
  last_at timestamptz not null,
  primary key (name, client)
);
create index rate_limit_age on rate_limit (last_at);
