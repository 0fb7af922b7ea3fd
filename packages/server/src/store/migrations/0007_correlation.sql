-- What the buckets' own logs tell, and what was made of each line.

-- Where logs come from: files that are handed in, a prefix of a bucket that is read again and again, a store that sends.
create table log_sources (
  id text /*postgres: collate "C"*/ primary key,
  name text /*postgres: collate "C"*/ not null,
  -- The connector whose accesses it tells of; null: each line names its bucket.
  connector_id text /*postgres: collate "C"*/,
  format text not null,
  -- JSON: how it is read. A secret in it is sealed.
  settings text not null,
  -- JSON: how far it was read; kept by its reader.
  progress text not null,
  created_at bigint not null,
  constraint log_sources_name unique (name)
);

-- One log file (object, delivery) each. What was read whole is not read again; whoever reads one holds it by a lease.
create table log_files (
  id /*sqlite: integer primary key*/ /*postgres: bigint generated always as identity primary key*/,
  source_id text /*postgres: collate "C"*/ not null references log_sources (id) on delete cascade,
  name text /*postgres: collate "C"*/ not null,
  -- ETag, or digest of the bytes: a file of the same name with other content is another file.
  version text /*postgres: collate "C"*/ not null,
  state text not null check (state in ('waiting', 'reading', 'done', 'failed')),
  lease_until bigint not null,
  lease_owner text,
  found_at bigint not null,
  read_at bigint,
  -- JSON: `FileCounts`.
  counts text not null,
  problem text,
  constraint log_files_name unique (source_id, name, version)
);
create index log_files_waiting on log_files (source_id, id) where state in ('waiting', 'reading');

-- Lines that no parser could read: kept with their reason, signatures cut out.
create table unparsed_lines (
  file_id bigint not null references log_files (id) on delete cascade,
  line bigint not null,
  reason text not null,
  text text not null,
  primary key (file_id, line)
) /*sqlite: without rowid*/;

-- Keyed by time first: logs come in the order of time, so that new rows go into few pages, whatever their digests are.
create table access_log_records (
  at bigint not null,
  -- 53 bits of SHA-256 over what makes the access the same when it is told twice.
  digest bigint not null,
  file_id bigint not null,
  connector_id text /*postgres: collate "C"*/ not null,
  finding text not null,
  -- Whom it is put down to: only where that is proven.
  principal_id text /*postgres: collate "C"*/,
  username text /*postgres: collate "C"*/,
  team text /*postgres: collate "C"*/,
  grant_id text /*postgres: collate "C"*/,
  object_key text /*postgres: collate "C"*/,
  -- Day and hash of the object key.
  key_place bigint,
  address text,
  bytes bigint,
  -- JSON: `AccessEvidence`.
  evidence text not null,
  primary key (at, digest)
) /*sqlite: without rowid*/;
create index access_log_records_key on access_log_records (key_place) where key_place is not null;
create index access_log_records_username on access_log_records (username, at, digest) where username is not null;
create index access_log_records_grant on access_log_records (grant_id) where grant_id is not null;
-- All that wants a look; what is matched, or Signpost's own, does not enter it.
create index access_log_records_finding on access_log_records (finding, at, digest) where finding not in ('matched', 'own');
