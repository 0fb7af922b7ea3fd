export function addRm() {}
