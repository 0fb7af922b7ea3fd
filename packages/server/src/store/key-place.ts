/**
 * Where an object key is indexed: slot * 2^32 + hash of the key. A slot is so many events in a row of one chain; each chain
 * begins with a slot after all that were in use. Events of one time are so indexed in one place, whatever their keys are.
 */
export const slotEvents = 32_768

export function slotOf(firstSlot: number, seq: number): number {
  return firstSlot + Math.floor(seq / slotEvents)
}

export function keyPlace(slot: number, key: string | null): number | null {
  return key === null ? null : slot * 2 ** 32 + keyHash(key)
}

/** FNV-1a of the UTF-16 units, 32 bits. Keys that share a hash are told apart by themselves. */
export function keyHash(key: string): number {
  let hash = 0x81_1c_9d_c5
  for (let index = 0; index < key.length; index++) {
    hash = Math.imul(hash ^ key.charCodeAt(index), 0x01_00_01_93)
  }
  return hash >>> 0
}

/** SQL for the slot of a new chain: after all slots that are in use. */
export const nextSlotSql = `(select coalesce(max(first_slot + head_seq / ${slotEvents}), -1) + 1 from audit_chains)`
/** SQL for the last slot that is in use. */
export const lastSlotSql = `(select coalesce(max(first_slot + head_seq / ${slotEvents}), 0) from audit_chains)`
