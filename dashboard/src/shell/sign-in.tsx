// Asked where the server wants a key and has none, or not a good one.
import { useState } from 'react';
import { ApiError, keepKey, read } from '../api/http.ts';
import { t } from '../text/text.ts';
import { Field } from '../ui/field.tsx';
import { Problem } from '../ui/problem.tsx';
import { Brand } from './nav.tsx';

export function SignIn({ onDone }: { onDone: () => void }) {
  const [wrong, setWrong] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const enter = async (key: string) => {
    setBusy(true);
    setWrong(null);
    keepKey(key);
    try {
      await read('GET /session');
      onDone();
    } catch (error) {
      keepKey('');
      const refused = error instanceof ApiError && error.status === 401;
      setWrong(refused ? new ApiError(401, { message: t('signin.wrong') }) : error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <main className="main" id="main" tabIndex={-1}>
      <form
        className="card padded stack"
        style={{ maxInlineSize: '26rem', margin: '12vh auto 0' }}
        onSubmit={(event) => {
          event.preventDefault();
          void enter(String(new FormData(event.currentTarget).get('key') ?? '').trim());
        }}
      >
        <Brand />
        <h1>{t('signin.title')}</h1>
        <p className="quiet">{t('signin.about')}</p>
        {wrong !== null && <Problem error={wrong} />}
        <Field label={t('signin.key')}>
          {(id) => (
            <input
              id={id}
              name="key"
              className="input"
              type="password"
              autoComplete="current-password"
              // biome-ignore lint/a11y/noAutofocus: there is nothing else on this page
              autoFocus
              required
            />
          )}
        </Field>
        <button type="submit" className="button primary" disabled={busy}>
          {t('signin.go')}
        </button>
        <p className="hint">
          {t('signin.how')} <code className="wrap-anywhere">rendition keys create --name me --scopes admin</code>
        </p>
      </form>
    </main>
  );
}
