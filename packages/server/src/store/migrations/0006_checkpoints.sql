-- Signed checkpoints of the audit trail, the keys that sign them, and how far each chain was in the newest.

create table checkpoints (
  number bigint primary key,
  at bigint not null,
  -- SHA-256 of the text that is signed, hex.
  digest text not null,
  -- The key that signed it, and the one that signs from the next on where that is another ('').
  public_key text not null,
  next_key text not null,
  note text not null
);

create table checkpoint_heads (
  chain text /*postgres: collate "C"*/ primary key,
  seq bigint not null,
  hash text not null
);

-- Only keys that were made here; those that are given from outside are not kept.
create table checkpoint_keys (
  public_key text /*postgres: collate "C"*/ primary key,
  -- Sealed with the master key.
  sealed_key text not null,
  created_at bigint not null
);

-- Append only. Whoever may change the schema can take this away: the signatures are what shows that.
/*sqlite:
create trigger checkpoints_no_update before update on checkpoints
begin select raise(abort, 'checkpoints is append-only'); end;
create trigger checkpoints_no_delete before delete on checkpoints
begin select raise(abort, 'checkpoints is append-only'); end;
*/
/*postgres:
create trigger checkpoints_append_only before update or delete or truncate on checkpoints
for each statement execute function refuse_audit_change();
*/
