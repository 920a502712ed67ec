// Two pictures on top of each other, and a slider between them: by pointer, by arrow keys, by Home and End.
import { useState } from 'react';
import { number, t } from '../../text/text.ts';
import type { Sides } from './result.tsx';

export function CompareImages({ sides: { before, after } }: { sides: Sides }) {
  const [share, setShare] = useState(50);
  const [broken, setBroken] = useState<ReadonlySet<string>>(new Set());
  const fails = (url: string) => setBroken((known) => new Set([...known, url]));
  if (broken.has(after.url)) return <p className="quiet small">{t('convert.unseen')}</p>;
  const shown = before && !broken.has(before.url) ? before : null;
  return (
    <div className="compare convert-compare">
      <img src={after.url} alt={t('convert.after')} onError={() => fails(after.url)} />
      {before && broken.has(before.url) && <span className="tag unseen-before">{t('convert.unseen.before')}</span>}
      {shown && (
        <>
          <img
            className="before"
            src={shown.url}
            alt={t('convert.before')}
            style={{ clipPath: `inset(0 ${100 - share}% 0 0)` }}
            onError={() => fails(shown.url)}
          />
          <span className="tag left">{t('convert.before')}</span>
          <span className="tag right">{t('convert.after')}</span>
          <span className="edge" style={{ left: `${share}%` }}>
            <i />
          </span>
          <input
            type="range"
            dir="ltr"
            min={0}
            max={100}
            step={1}
            value={share}
            aria-label={t('convert.slider')}
            aria-valuetext={t('convert.slider.at', { percent: number(share) })}
            onChange={({ target }) => setShare(Number(target.value))}
          />
        </>
      )}
    </div>
  );
}
