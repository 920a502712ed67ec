// What an id looks like where it comes in: what is none is asked of no database, which would refuse it.

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** In any case of letters; the database writes them small. */
export const isUuid = (text: string): boolean => UUID.test(text);
