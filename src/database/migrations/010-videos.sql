-- A job may begin while its source still arrives. arriving: only its beginning has come, and tasks are sent as far as that reaches ·
-- arrived: it is whole, and the job is to be planned anew · null: it was whole from the beginning, or is planned.
alter table job
  add column arrival text check (arrival in ('arriving', 'arrived'));
