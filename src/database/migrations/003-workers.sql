-- Worker processes of the cluster (of no project: they serve all), and what users uploaded.
create table worker (
  id text primary key,
  hostname text not null,
  pid integer not null,
  version text not null,
  concurrency integer not null,
  running jsonb not null,
  encoders jsonb not null,
  started_at timestamptz not null default now(),
  last_heartbeat_at timestamptz not null default now()
);

create table upload (
  id uuid primary key,
  project_id text not null references project (id) on delete cascade,
  filename text not null,
  size bigint not null,
  storage_key text not null,
  status text not null check (status in ('receiving', 'received')),
  created_at timestamptz not null default now(),
  expires_at timestamptz not null
);
create index upload_expiry on upload (expires_at);
