-- Lines that nobody could read, looked at and taken away: no longer counted, and not kept again when their file has grown.
alter table log_files add column dismissed bigint not null default 0;
-- The last line that was there then.
alter table log_files add column dismissed_through bigint not null default 0;
