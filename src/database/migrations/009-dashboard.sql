-- Reading for people: deliveries of a whole project, newest first, and jobs of the last day by the hour.
create index delivery_recent on delivery (project_id, number desc);
create index job_ended on job (project_id, completed_at desc) where completed_at is not null;
