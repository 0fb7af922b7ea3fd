-- Where the audit trail is sent. The trail itself is the buffer: a sink only keeps how far it came in each chain.

create table audit_sinks (
  id text /*postgres: collate "C"*/ primary key,
  name text /*postgres: collate "C"*/ not null,
  enabled smallint not null check (enabled in (0, 1)),
  kind text not null check (kind in ('files', 'syslog', 'webhook', 'otlp')),
  -- JSON, without the secrets.
  settings text not null,
  -- JSON: which events it gets; empty: all.
  filter text not null,
  -- Sealed with the master key, JSON; empty: none.
  sealed_secrets text not null,
  -- Changes with each update: what was begun by other settings is not noted as sent by these.
  version bigint not null check (version > 0),
  created_at bigint not null,
  -- One process at a time works for it.
  lease_until bigint not null,
  lease_owner text,
  -- In a row; after one it is not tried again before `next_try_at`.
  failures bigint not null,
  next_try_at bigint not null,
  -- A sentence, without secrets; null: the last time all went well.
  problem text,
  sent bigint not null,
  -- Of those sent, how many the receiver said it does not take.
  rejected bigint not null,
  last_sent_at bigint,
  constraint audit_sinks_name unique (name)
);

create table audit_sink_positions (
  sink_id text /*postgres: collate "C"*/ not null references audit_sinks (id) on delete cascade,
  chain text /*postgres: collate "C"*/ not null,
  -- Sent up to here.
  seq bigint not null,
  -- What is being sent ends here: whoever goes on after a crash sends the same again, by the same name. Null: nothing is.
  planned_seq bigint,
  primary key (sink_id, chain)
) /*sqlite: without rowid*/;
