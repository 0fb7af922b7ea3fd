-- Connectors that were deleted, without what was sealed: late lines of a bucket's log still tell of their URLs.
create table former_connectors (
  id text /*postgres: collate "C"*/ primary key,
  name text /*postgres: collate "C"*/ not null,
  kind text not null,
  location text /*postgres: collate "C"*/ not null,
  -- JSON
  settings text not null,
  deleted_at bigint not null
);
create index former_connectors_name on former_connectors (name, deleted_at);
