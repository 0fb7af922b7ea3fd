export function addAudit() {}
