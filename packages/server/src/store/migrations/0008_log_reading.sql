-- Reading logs again and again: who reads, how far it came, and what stores send.

-- One process at a time looks what is new in a source.
alter table log_sources add column lease_until bigint not null default 0;
alter table log_sources add column lease_owner text;
-- SHA-256 of the token that a store sends with, hex; null: it takes no deliveries.
alter table log_sources add column token_hash text;
-- Sums over all that was read of it; null: nothing yet.
alter table log_sources add column lines bigint not null default 0;
alter table log_sources add column records bigint not null default 0;
alter table log_sources add column unparsed bigint not null default 0;
-- The newest access that it told of, and when something new came last.
alter table log_sources add column last_access_at bigint;
alter table log_sources add column last_arrival_at bigint;

alter table log_files add column tries bigint not null default 0;
-- After a failure it is not tried again before then.
alter table log_files add column next_try_at bigint not null default 0;
create index log_files_failed on log_files (source_id, id) where state = 'failed';

-- What a store sent, until it was read: signatures cut out before. A file of its source (`file_id`) is made of many.
create table log_deliveries (
  id /*sqlite: integer primary key*/ /*postgres: bigint generated always as identity primary key*/,
  source_id text /*postgres: collate "C"*/ not null references log_sources (id) on delete cascade,
  received_at bigint not null,
  body text not null,
  file_id bigint
);
create index log_deliveries_file on log_deliveries (source_id, file_id, id);
