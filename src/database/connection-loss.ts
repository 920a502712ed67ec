// Whether an error says that the database cannot be reached, and nothing about what was asked of it. Used by those who ask again, or go on without it.
import { isNodeError, PlatformError } from '#domain/error.ts';

/** SQLSTATE classes 08 (connection) and 57P (server going down or coming up), the system's own codes, and what pg says itself. */
export function isConnectionLoss(error: unknown): boolean {
  if (error instanceof PlatformError) return error.code === 'database_unreachable';
  if (!(error instanceof Error)) return false;
  if (isNodeError(error))
    return /^(08|57P)|^E(CONNREFUSED|CONNRESET|PIPE|TIMEDOUT|HOSTUNREACH|NOTFOUND|AI_AGAIN)/.test(error.code ?? '');
  return /Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error/.test(
    error.message,
  );
}
