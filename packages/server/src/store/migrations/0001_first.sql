-- Runs on SQLite and PostgreSQL. What stands in a comment that begins with an engine's name is for that engine only.
-- Times are ms since the epoch. Text is compared and sorted by bytes: SQLite's default, collate "C" on PostgreSQL.

create table connectors (
  id text /*postgres: collate "C"*/ primary key,
  name text /*postgres: collate "C"*/ not null,
  team_id text /*postgres: collate "C"*/ /*sqlite: references teams (id)*/,
  is_default smallint not null check (is_default in (0, 1)),
  version bigint not null check (version > 0),
  kind text not null check (kind in ('s3', 'gcs', 'azure')),
  location text /*postgres: collate "C"*/ not null,
  settings text not null,
  sealed_credential text not null,
  created_at bigint not null,
  constraint connectors_name unique (name)
);
-- At most one default.
create unique index connectors_is_default on connectors (is_default) where is_default = 1;
create index connectors_team on connectors (team_id) where team_id is not null;
create index connectors_location on connectors (location);

create table teams (
  id text /*postgres: collate "C"*/ primary key,
  name text /*postgres: collate "C"*/ not null,
  connector_id text /*postgres: collate "C"*/ references connectors (id),
  prefix text /*postgres: collate "C"*/ not null,
  created_at bigint not null,
  constraint teams_name unique (name)
);
create index teams_connector on teams (connector_id);
/*postgres: alter table connectors add constraint connectors_team_id_fkey foreign key (team_id) references teams (id);*/

create table principals (
  id text /*postgres: collate "C"*/ primary key,
  kind text not null check (kind in ('user', 'serviceAccount')),
  username text /*postgres: collate "C"*/ not null,
  display_name text,
  organisation_role text not null check (organisation_role in ('admin', 'member')),
  team_id text /*postgres: collate "C"*/ references teams (id),
  active smallint not null check (active in (0, 1)),
  scid text /*postgres: collate "C"*/ not null,
  pseudonym text /*postgres: collate "C"*/ not null,
  created_at bigint not null,
  constraint principals_username unique (username),
  constraint principals_scid unique (scid),
  constraint principals_pseudonym unique (pseudonym)
);
create index principals_team on principals (team_id) where team_id is not null;

create table api_keys (
  id text /*postgres: collate "C"*/ primary key,
  principal_id text /*postgres: collate "C"*/ not null references principals (id) on delete cascade,
  name text not null,
  secret_hash text not null,
  created_at bigint not null,
  expires_at bigint,
  last_used_at bigint
);
create index api_keys_principal on api_keys (principal_id, id);

create table members (
  team_id text /*postgres: collate "C"*/ not null references teams (id) on delete cascade,
  principal_id text /*postgres: collate "C"*/ not null references principals (id) on delete cascade,
  role text not null check (role in ('viewer', 'member', 'admin')),
  since bigint not null,
  primary key (team_id, principal_id)
);
create index members_principal on members (principal_id);

-- No reference to the principal: an upload whose owner was deleted must still be found and swept.
create table uploads (
  id text /*postgres: collate "C"*/ primary key,
  team_id text /*postgres: collate "C"*/ not null references teams (id),
  principal_id text /*postgres: collate "C"*/ not null,
  connector_id text /*postgres: collate "C"*/ not null references connectors (id),
  object_key text /*postgres: collate "C"*/ not null,
  store_upload_id text not null,
  state text not null check (state in ('open', 'completed', 'aborted')),
  size_bytes bigint,
  part_size_bytes bigint not null,
  content_type text,
  create_only smallint not null check (create_only in (0, 1)),
  created_at bigint not null,
  expires_at bigint not null
);
create index uploads_open on uploads (expires_at, id) where state = 'open';
create index uploads_principal on uploads (team_id, principal_id, id) where state = 'open';
create index uploads_connector on uploads (connector_id);

create table idempotency_keys (
  principal_id text /*postgres: collate "C"*/ not null references principals (id) on delete cascade,
  idempotency_key text /*postgres: collate "C"*/ not null,
  request_hash text not null,
  status smallint not null,
  reply text not null,
  created_at bigint not null,
  primary key (principal_id, idempotency_key)
);
create index idempotency_keys_created on idempotency_keys (created_at);

create table audit_chains (
  chain text /*postgres: collate "C"*/ primary key,
  opened_at bigint not null,
  head_seq bigint not null,
  head_hash text not null,
  anchored_seq bigint not null,
  -- Where its part of the look-up by object key begins.
  first_slot bigint not null
);

-- What events in a row have in common, once: a batch of a thousand URLs is a thousand events and one run. Every index is
-- paid for by every URL, and so those by time, by who and by team are here.
create table audit_runs (
  chain text /*postgres: collate "C"*/ not null,
  first_seq bigint not null,
  last_seq bigint not null,
  at bigint not null,
  type text /*postgres: collate "C"*/ not null,
  decision text /*postgres: collate "C"*/ not null check (decision in ('allow', 'deny')),
  principal_id text /*postgres: collate "C"*/,
  username text /*postgres: collate "C"*/,
  team text /*postgres: collate "C"*/,
  primary key (chain, first_seq),
  check (last_seq >= first_seq)
) /*sqlite: without rowid*/;
create index audit_runs_at on audit_runs (at, chain, first_seq);
create index audit_runs_username on audit_runs (username, at, chain, first_seq) where username is not null;
create index audit_runs_team on audit_runs (team, at, chain, first_seq) where team is not null;
-- What is rare (all but the issuing of URLs, and refusals) has indexes that a URL does not enter.
create index audit_runs_type on audit_runs (type, at, chain, first_seq) where type <> 'url.issue';
create index audit_runs_deny on audit_runs (at, chain, first_seq) where decision = 'deny';

create table audit_events (
  chain text /*postgres: collate "C"*/ not null,
  seq bigint not null,
  -- Its run begins there.
  run_seq bigint not null,
  at bigint not null,
  object_key text /*postgres: collate "C"*/,
  -- Slot and hash of the object key, see below.
  key_place bigint,
  grant_id text /*postgres: collate "C"*/,
  event text not null,
  hash text not null,
  primary key (chain, seq)
);
-- Object keys come in any order: an index of the keys themselves would have each URL change a page of its own somewhere in
-- a tree of all that ever was. So keys are hashed, within slots of some ten thousand events in a row: what is written to is
-- always a few pages, and a look-up by key asks each slot.
create index audit_events_key_place on audit_events (key_place) where key_place is not null;
create unique index audit_events_grant_id on audit_events (grant_id) where grant_id is not null;

-- Append only. Whoever may change the schema can take these away: the hash chain is what shows that.
/*sqlite:
create trigger audit_events_no_update before update on audit_events
begin select raise(abort, 'audit_events is append-only'); end;
create trigger audit_events_no_delete before delete on audit_events
begin select raise(abort, 'audit_events is append-only'); end;
create trigger audit_runs_no_update before update on audit_runs
begin select raise(abort, 'audit_runs is append-only'); end;
create trigger audit_runs_no_delete before delete on audit_runs
begin select raise(abort, 'audit_runs is append-only'); end;
*/
/*postgres:
create function refuse_audit_change() returns trigger language plpgsql as $$
begin raise exception '% is append-only', tg_table_name; end $$;
create trigger audit_events_append_only before update or delete or truncate on audit_events
for each statement execute function refuse_audit_change();
create trigger audit_runs_append_only before update or delete or truncate on audit_runs
for each statement execute function refuse_audit_change();
*/
