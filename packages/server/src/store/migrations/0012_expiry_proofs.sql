-- What expires is vouched for by a checkpoint that was signed soon after it was written: found by that time.
create index checkpoints_at on checkpoints (at, number);
