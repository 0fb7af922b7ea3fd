-- What people made of findings, and whom to tell of them.

-- Beside the access log record with the same key. Nobody there: open.
create table finding_states (
  at bigint not null,
  digest bigint not null,
  state text not null check (state in ('open', 'acknowledged')),
  note text not null,
  changed_by text not null,
  changed_at bigint not null,
  primary key (at, digest)
) /*sqlite: without rowid*/;

create table alerts (
  id text /*postgres: collate "C"*/ primary key,
  name text /*postgres: collate "C"*/ not null,
  -- JSON: findings, teams, minimum count, quiet period.
  settings text not null,
  -- Where to, and what it is signed with: sealed.
  target text not null,
  created_at bigint not null,
  created_by text not null,
  constraint alerts_name unique (name)
);

-- What an alert has yet to tell, and when it told last, by finding and connector: quiet in between, and nothing is lost.
create table alert_tallies (
  alert_id text /*postgres: collate "C"*/ not null references alerts (id) on delete cascade,
  finding text not null,
  connector_id text /*postgres: collate "C"*/ not null,
  -- Found, and not told yet.
  count bigint not null,
  first_at bigint not null,
  last_at bigint not null,
  -- JSON: ids of some.
  examples text not null,
  told_at bigint not null default 0,
  primary key (alert_id, finding, connector_id)
) /*sqlite: without rowid*/;

-- Messages on their way: the same bytes and id until somebody took them.
create table alert_messages (
  id text /*postgres: collate "C"*/ primary key,
  alert_id text /*postgres: collate "C"*/ not null references alerts (id) on delete cascade,
  body text not null,
  created_at bigint not null,
  tries bigint not null default 0,
  next_try_at bigint not null default 0,
  sent_at bigint,
  problem text
);
create index alert_messages_waiting on alert_messages (next_try_at) where sent_at is null;

-- Whether alerts have looked at what a file told.
alter table log_files add column alerted bigint not null default 0;
create index log_files_unalerted on log_files (id) where state = 'done' and alerted = 0;
