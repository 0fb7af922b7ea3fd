export function addServiceAccount() {}
