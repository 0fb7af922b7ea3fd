-- Lines that nobody could read, looked at and taken away: no longer counted, and not kept again when their file has grown.
alter table log_files add column dismissed bigint not null default 0;
-- The last line that was there then.
alter table log_files add column dismissed_through bigint not null default 0;

-- How many findings there are, of which connector: no row of the table is looked at for it.
drop index access_log_records_finding;
create index access_log_records_finding on access_log_records (finding, at, digest, connector_id)
  where finding not in ('matched', 'own');

-- Old ones are looked for again and again.
create index log_files_found on log_files (found_at, id);
