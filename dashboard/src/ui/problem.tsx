// What went wrong, and what to do about it. Shown by every page.
import { AlertTriangle } from 'lucide-react';
import { ApiError } from '../api/http.ts';
import { t, told } from '../text/text.ts';

export type Failed = { code: string; message: string; advice: string };

/** What failed: in the reader's words where there are some, then the server's own, then what to do about it. */
export function Failure({ of: { code, message, advice } }: { of: Failed }) {
  const name = told('failure', code);
  return (
    <>
      <strong lang={name === null && code !== '' ? 'en' : undefined}>{name ?? message}</strong>
      {name !== null && <span lang="en">{message}</span>}
      {advice !== '' && <span>{told('advice', code) ?? advice}</span>}
    </>
  );
}

/** Why it stands still, in one line: in the reader's words where there are some, else in the server's own. */
export const reason = (code: string | null, message: string): string => told('failure', code ?? '') ?? message;

/** What went wrong, and what to do about it. */
export function Problem({ error, retry }: { error: unknown; retry?: () => void }) {
  const known = error instanceof ApiError ? error : null;
  const { code = '', advice = '' } = known ?? {};
  const message = error instanceof Error ? error.message : String(error);
  return (
    <div className="notice bad" role="alert">
      <AlertTriangle size={18} aria-hidden />
      <div>
        {code === 'unreachable' ? (
          <>
            <strong>{message}</strong>
            <span>{t('error.unreachable')}</span>
          </>
        ) : (
          <Failure of={{ code, message, advice }} />
        )}
        {known?.fields.map(({ path, message }) => (
          <span key={path + message}>
            <code>{path}</code> {message}
          </span>
        ))}
        {/* What is not there will not come by asking again. */}
        {retry && known?.status !== 404 && (
          <span>
            <button type="button" className="button small" onClick={retry}>
              {t('act.again')}
            </button>
          </span>
        )}
      </div>
    </div>
  );
}
