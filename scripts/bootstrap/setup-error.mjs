// A failure that the user can do something about: its message is all that is shown. Thrown by every step of the bootstrap.
export class SetupError extends Error {}
