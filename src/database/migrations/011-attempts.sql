-- What people look back at: every try of every piece of work, the load of every machine, what lies in storage.

-- One try: of a task, or (task_id null) of fetching, probing and planning its job. Written by triggers, so that no
-- road of a task past its end can forget it, in the transaction that changed the task.
create table attempt (
  id bigint generated always as identity primary key,
  project_id text not null references project (id) on delete cascade,
  job_id bigint not null references job (id) on delete cascade,
  task_id bigint references task (id) on delete cascade,
  -- The fencing number of that try.
  number integer not null,
  worker_id text,
  started_at timestamptz not null,
  ended_at timestamptz,
  -- returned: given back, because its worker stopped or the job was paused. lost: its worker fell silent.
  outcome text not null default 'running'
    check (outcome in ('running', 'done', 'failed', 'returned', 'lost', 'canceled')),
  error jsonb,
  check ((outcome = 'running') = (ended_at is null))
);
create index attempt_listing on attempt (job_id, id desc);
create index attempt_of_task on attempt (task_id, number) where task_id is not null;

create function end_attempt(of_job bigint, of_task bigint, of_number integer, became text, why jsonb) returns void
language sql as $$
  update attempt set ended_at = clock_timestamp(), outcome = became, error = why
  where job_id = of_job and task_id is not distinct from of_task and number = of_number and outcome = 'running'
$$;

create function record_task_attempt() returns trigger language plpgsql as $$
begin
  if old.status = 'processing' then
    perform end_attempt(old.job_id, old.id, old.attempt,
      case
        when new.status = 'processing' then 'lost'
        when new.status = 'pending' then case when new.error is null then 'returned' else 'failed' end
        else new.status
      end,
      case when new.status in ('pending', 'failed') then new.error end);
  end if;
  if new.status = 'processing' then
    insert into attempt (project_id, job_id, task_id, number, worker_id, started_at)
    values (new.project_id, new.job_id, new.id, new.attempt, new.worker_id, clock_timestamp());
  end if;
  return null;
end $$;

create trigger task_attempt after update of status, attempt on task for each row
when (old.status <> new.status or old.attempt <> new.attempt)
execute function record_task_attempt();

create function record_job_attempt() returns trigger language plpgsql as $$
begin
  if old.status = 'processing' and old.plan is null then
    perform end_attempt(old.id, null, old.attempt,
      case
        when new.plan is not null then 'done'
        when new.status = 'processing' then 'lost'
        when new.status in ('failed', 'canceled') then new.status
        else 'returned'
      end,
      case when new.status = 'failed' then new.error end);
  end if;
  if new.attempt <> old.attempt then
    insert into attempt (project_id, job_id, number, worker_id, started_at)
    values (new.project_id, new.id, new.attempt, new.worker_id, clock_timestamp());
  end if;
  return null;
end $$;

create trigger job_attempt after update of status, attempt, plan on job for each row
when (old.attempt <> new.attempt or (old.status = 'processing' and old.plan is null and (new.status <> old.status or new.plan is not null)))
execute function record_job_attempt();

-- How busy a machine was, a sample every five seconds; kept for an hour. Of no project, like the workers.
create table machine_load (
  hostname text not null,
  at timestamptz not null,
  cores integer not null,
  memory_total bigint not null,
  cpu double precision not null,
  memory_used bigint not null,
  received bigint,
  sent bigint,
  primary key (hostname, at)
);
create index machine_load_age on machine_load (at);

-- What lies in managed storage by what it belongs to, as the last hourly sweep counted it.
create table storage_usage (
  kind text primary key,
  objects bigint not null,
  bytes bigint not null,
  counted_at timestamptz not null default now()
);
