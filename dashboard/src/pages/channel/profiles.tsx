// The ABR profiles of a channel: added, removed, put in order. What a profile leaves open is as the channel has it.
import { ArrowDown, ArrowUp, Plus, Trash2 } from 'lucide-react';
import { useRef } from 'react';
import { t } from '../../text/text.ts';
import { Fields } from './field.tsx';
import {
  type ChannelField,
  type Draft,
  ENCODING_FIELDS,
  LADDER,
  nextProfile,
  OUTPUT_FIELDS,
  profilesOf,
} from './fields.ts';

const NAMES = ['resolution', 'video_bitrate', 'audio_bitrate'];
const FIRST: readonly ChannelField[] = [
  { name: 'name', kind: 'text' },
  ...ENCODING_FIELDS.filter(({ name }) => NAMES.includes(name)),
];
const MORE = ENCODING_FIELDS.filter(({ name }) => !NAMES.includes(name));
const MOST = 20;

type ProfilesProps = {
  draft: Draft;
  errors: ReadonlyMap<string, string>;
  onChange: (profiles: readonly Draft[]) => void;
};

export function Profiles({ draft, errors, onChange }: ProfilesProps) {
  const profiles = profilesOf(draft);
  const counter = useRef(0);
  const keyed = (profile: Draft): Draft => ({ ...profile, key: `new-${counter.current++}` });
  const list = useRef<HTMLOListElement>(null);
  const put = (i: number, change: Draft) =>
    onChange(profiles.map((one, at) => (at === i ? { ...one, ...change } : one)));
  const move = (i: number, by: 1 | -1) => {
    const next = [...profiles];
    const [one] = next.splice(i, 1);
    if (one) next.splice(i + by, 0, one);
    onChange(next);
    // The focus goes along with what was moved.
    requestAnimationFrame(() =>
      list.current?.children[i + by]?.querySelector<HTMLElement>('button:not(:disabled)')?.focus(),
    );
  };
  return (
    <div className="stack">
      {errors.get('abr') && (
        <p className="bad-text small" role="alert">
          {errors.get('abr')}
        </p>
      )}
      <ol className="profiles" ref={list} aria-label={t('channel.profiles')}>
        {profiles.map((profile, i) => (
          <li key={String(profile.key ?? profile.id ?? i)} className="profile">
            <div className="row nowrap">
              <strong className="grow cut">{String(profile.name || t('channel.profile', { n: i + 1 }))}</strong>
              <button
                type="button"
                className="button plain icon small"
                aria-label={t('channel.profile.up', { n: i + 1 })}
                disabled={i === 0}
                onClick={() => move(i, -1)}
              >
                <ArrowUp size={15} aria-hidden />
              </button>
              <button
                type="button"
                className="button plain icon small"
                aria-label={t('channel.profile.down', { n: i + 1 })}
                disabled={i === profiles.length - 1}
                onClick={() => move(i, 1)}
              >
                <ArrowDown size={15} aria-hidden />
              </button>
              <button
                type="button"
                className="button plain icon small danger"
                aria-label={t('channel.profile.remove', { n: i + 1 })}
                onClick={() => onChange(profiles.filter((_, at) => at !== i))}
              >
                <Trash2 size={15} aria-hidden />
              </button>
            </div>
            <Fields
              fields={FIRST}
              draft={profile}
              inherited={{ ...draft, name: null }}
              at={`abr.${i}.`}
              errors={errors}
              onChange={(name, value) => put(i, { [name]: value })}
            />
            <details open={[...errors.keys()].some((path) => path.startsWith(`abr.${i}.`)) || undefined}>
              <summary className="small">{t('channel.profile.more')}</summary>
              <Fields
                fields={[...OUTPUT_FIELDS, ...MORE]}
                draft={profile}
                inherited={draft}
                at={`abr.${i}.`}
                errors={errors}
                onChange={(name, value) => put(i, { [name]: value })}
              />
            </details>
          </li>
        ))}
      </ol>
      <div className="row">
        <button
          type="button"
          className="button"
          disabled={profiles.length >= MOST}
          onClick={() => onChange([...profiles, keyed(nextProfile(profiles))])}
        >
          <Plus size={15} aria-hidden /> {t('channel.profile.add')}
        </button>
        {profiles.length === 0 && (
          <button type="button" className="button" onClick={() => onChange(LADDER.slice(1, 4).map(keyed))}>
            {t('channel.ladder')}
          </button>
        )}
      </div>
    </div>
  );
}
