export function addKey() {}
