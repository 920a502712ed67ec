-- Webhooks as an outbox; the pause of the queue; what a project may run at once.
create table delivery (
  -- What the receiver gets as webhook-id: the same on every try.
  id uuid primary key,
  -- The order of a job's deliveries.
  number bigint generated always as identity,
  project_id text not null references project (id) on delete cascade,
  job_id bigint not null references job (id) on delete cascade,
  type text not null,
  url text not null,
  -- Sealed: it repeats the job, and with it the queries of its addresses.
  body text not null,
  status text not null check (status in ('pending', 'delivered', 'failed', 'disabled')),
  -- Attempts since it was last asked for: the place in the table of delays.
  tries integer not null default 0,
  -- Attempts ever made: the fence of whoever settles one.
  made integer not null default 0,
  attempts jsonb not null default '[]',
  next_attempt_at timestamptz,
  created_at timestamptz not null default now()
);
create index delivery_listing on delivery (job_id, number);
create index delivery_pending on delivery (job_id) where status = 'pending';

alter table job
  -- What the caller reached the server under, for links where there is no request to tell it.
  add column base_url text,
  -- A receiver answered 410 Gone.
  add column notifications_off boolean not null default false;

alter table project
  -- Entries of the project worked on at once in each lane; null takes PROJECT_CONCURRENCY.
  add column concurrency integer check (concurrency > 0);

-- One row.
create table queue_state (
  id boolean primary key default true check (id),
  state text not null check (state in ('running', 'draining', 'paused')),
  changed_at timestamptz not null default now()
);
insert into queue_state (state) values ('running');
