-- Projects and their keys. Every row of every later table names its project.
create table project (
  id text primary key,
  name text not null,
  created_at timestamptz not null default now()
);
insert into project (id, name) values ('default', 'Default');

create table api_key (
  id uuid primary key,
  project_id text not null references project (id) on delete cascade,
  name text not null,
  hash text not null unique,
  scopes text[] not null,
  created_at timestamptz not null default now(),
  last_used_at timestamptz,
  revoked_at timestamptz
);
create index api_key_project on api_key (project_id);
