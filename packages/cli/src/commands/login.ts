export function addLogin() {}
