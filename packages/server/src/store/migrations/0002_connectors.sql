-- What connectors and teams say about URLs (JSON; empty: nothing), and the work that goes on beside requests.

alter table connectors add column policy text not null default '';
alter table teams add column policy text not null default '';

-- Writes whose constraints no store could hold: looked at when they are reported, or when their URL has ended.
create table verifications (
  grant_id text /*postgres: collate "C"*/ primary key,
  team_id text /*postgres: collate "C"*/ not null references teams (id) on delete cascade,
  principal_id text /*postgres: collate "C"*/ not null,
  connector_id text /*postgres: collate "C"*/ not null references connectors (id) on delete cascade,
  object_key text /*postgres: collate "C"*/ not null,
  -- What was asked for, JSON.
  expected text not null,
  state text not null check (state in ('waiting', 'passed', 'failed', 'absent')),
  -- JSON: failed, outcome; empty while it waits.
  result text not null,
  created_at bigint not null,
  due_at bigint not null
);
create index verifications_due on verifications (due_at, grant_id) where state = 'waiting';
create index verifications_team on verifications (team_id);
create index verifications_connector on verifications (connector_id);

create table doctor_reports (
  connector_id text /*postgres: collate "C"*/ primary key references connectors (id) on delete cascade,
  at bigint not null,
  -- JSON of the answer.
  report text not null
);

create table moves (
  id text /*postgres: collate "C"*/ primary key,
  team_id text /*postgres: collate "C"*/ not null references teams (id) on delete cascade,
  principal_id text /*postgres: collate "C"*/ not null,
  from_connector_id text /*postgres: collate "C"*/ not null references connectors (id),
  from_prefix text /*postgres: collate "C"*/ not null,
  to_connector_id text /*postgres: collate "C"*/ not null references connectors (id),
  to_prefix text /*postgres: collate "C"*/ not null,
  state text not null check (state in ('copying', 'settling', 'done', 'failed', 'cancelled')),
  -- JSON: counts, where the listing stands, the problem.
  progress text not null,
  settles_at bigint,
  created_at bigint not null,
  updated_at bigint not null
);
-- One at a time for each team.
create unique index moves_running on moves (team_id) where state in ('copying', 'settling');
create index moves_team on moves (team_id, created_at);
create index moves_from on moves (from_connector_id);
create index moves_to on moves (to_connector_id);
