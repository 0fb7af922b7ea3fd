export function addExplain() {}
