// The short lists of the first page: what stands there before they are known, where there is more, and how much they show.
import { Link } from '../../router.tsx';
import { t } from '../../text/text.ts';

export const MOST_CHANNELS = 5;

/** As tall as a short list. */
export function Waiting() {
  return (
    <p className="body waiting" aria-busy="true">
      <span className="unseen" role="status">
        {t('loading')}
      </span>
    </p>
  );
}

export function More({ n, to }: { n: number; to: string }) {
  if (n <= 0) return null;
  return (
    <li>
      <Link className="small" to={to}>
        {t('list.more', { n })}
      </Link>
    </li>
  );
}
