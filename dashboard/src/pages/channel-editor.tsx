// Channel editor page: all fields of a channel, new or known, and its ABR profiles.
import { useQueryClient } from '@tanstack/react-query';
import { AlertTriangle } from 'lucide-react';
import { useEffect, useMemo, useRef, useState } from 'react';
import { isOn, saveChannel, useChannel, useChannelJobs } from '../api/channels.ts';
import { ApiError, blocking } from '../api/http.ts';
import type { Channel } from '../api/types.ts';
import { go, Link, usePlace } from '../router.tsx';
import type { PageProps } from '../shell/pages.ts';
import { t, tell } from '../text/text.ts';
import { Field, SegmentedControl } from '../ui/field.tsx';
import { Bones, Card, PageHead } from '../ui/parts.tsx';
import { Problem } from '../ui/problem.tsx';
import { toast } from '../ui/toasts.tsx';
import { Fields, fieldName } from './channel/field.tsx';
import {
  bodyOf,
  type Draft,
  draftOf,
  ENCODING,
  FALLBACK_FIELDS,
  INPUT_FIELDS,
  LADDER,
  LATER_GROUPS,
  NEW_CHANNEL,
  NEW_INPUT,
  OUTPUT_FIELDS,
  profilesOf,
} from './channel/fields.ts';
import { Profiles } from './channel/profiles.tsx';

export default function ChannelEditorPage({ params }: PageProps) {
  const { query } = usePlace();
  const id = params.id ?? null;
  const copied = query.get('from');
  const source = id ?? copied;
  return source === null ? <Editor id={null} known={null} /> : <KnownEditor id={id} source={source} />;
}

function KnownEditor({ id, source }: { id: string | null; source: string }) {
  const { data, error, refetch } = useChannel(source);
  const problem = blocking({ data, error });
  if (problem) return <Problem error={problem} retry={() => void refetch()} />;
  if (!data) return <Bones rows={8} />;
  return <Editor key={source} id={id} known={data} />;
}

/** A copy is a channel of its own, and what it hides of the other's addresses is not known here: those are asked for again. */
function copyOf(channel: Channel): Draft {
  const { id: _, name, abr, fallback_input: fallback, ...rest } = draftOf(channel) as Draft & { name: string };
  return {
    ...withoutHidden(rest),
    name: t('channel.copy', { name }),
    fallback_input: fallback ? withoutHidden(fallback as Draft) : null,
    abr: profilesOf({ abr }).map(({ id: _id, channel: _channel, ...profile }, i) => ({
      ...withoutHidden(profile),
      key: `copy-${i}`,
    })),
  };
}

const withoutHidden = (fields: Draft): Draft =>
  Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      typeof value === 'string' && value.includes('***') ? '' : value,
    ]),
  );

function Editor({ id, known }: { id: string | null; known: Channel | null }) {
  const client = useQueryClient();
  const jobs = useChannelJobs();
  const first = useMemo(() => (known ? (id === null ? copyOf(known) : draftOf(known)) : NEW_CHANNEL), [known, id]);
  // What was begun goes on, whatever is told of the channel meanwhile.
  const [draft, setDraft] = useState<Draft>(first);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  const errors = useMemo(
    () => new Map(error instanceof ApiError ? error.fields.map(({ path, message }) => [path, message]) : []),
    [error],
  );
  const isRunning = jobs.data?.some((job) => job.channel === known?.id && isOn(job)) === true && id !== null;
  const set = (name: string, value: unknown) => setDraft((now) => ({ ...now, [name]: value }));
  useEffect(() => {
    if (error === null) return;
    const wrong = form.current?.querySelector<HTMLElement>('[aria-invalid="true"]');
    (wrong ?? form.current?.querySelector<HTMLElement>('[role="alert"]'))?.scrollIntoView({ block: 'center' });
    wrong?.focus({ preventScroll: true });
  }, [error]);
  const save = async () => {
    setBusy(true);
    setError(null);
    try {
      const saved = await saveChannel(id, bodyOf(draft));
      client.setQueryData(['channel', String(saved.id)], saved);
      void client.invalidateQueries({ queryKey: ['channels'] });
      void client.invalidateQueries({ queryKey: ['channel-jobs'] });
      toast(t(id === null ? 'channel.created' : 'channel.saved', { name: saved.name }));
      go(`/channels/${saved.id}`);
    } catch (problem) {
      setError(problem);
    } finally {
      setBusy(false);
    }
  };
  const title = id === null ? t('channels.new') : t('channel.edit', { name: known?.name ?? '' });
  const back =
    id === null ? { to: '/channels', label: t('nav.channels') } : { to: `/channels/${id}`, label: known?.name ?? '' };
  return (
    <>
      <PageHead title={title} back={back} about={t('channel.edit.about')} />
      <form
        ref={form}
        noValidate
        className="stack editor"
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        {error !== null && <Wrong error={error} />}
        <Card title={t('channel.group.general')}>
          <div className="body">
            <Field label={`${fieldName('name')} *`} hint={t('channel.hint.name')} wrong={errors.get('name')}>
              {(field, described) => (
                <input
                  id={field}
                  className="input name"
                  data-field="name"
                  value={String(draft.name ?? '')}
                  maxLength={255}
                  required
                  autoComplete="off"
                  aria-describedby={described}
                  aria-invalid={errors.has('name')}
                  onChange={({ target }) => set('name', target.value)}
                />
              )}
            </Field>
          </div>
        </Card>
        <Card title={t('channel.group.input')}>
          <div className="body stack">
            <Fields fields={INPUT_FIELDS} draft={draft} errors={errors} onChange={set} />
            <Fallback draft={draft} errors={errors} onChange={set} />
          </div>
        </Card>
        <Card title={t('channel.group.encoding')}>
          <div className="body">
            <Fields fields={ENCODING.fields} draft={draft} errors={errors} onChange={set} />
          </div>
        </Card>
        <Card
          title={t('channel.group.output')}
          side={
            <SegmentedControl
              label={t('channel.field.is_abr')}
              value={draft.is_abr === true ? 'many' : 'one'}
              options={[
                ['one', t('channel.abr.off')],
                ['many', t('channel.abr.on')],
              ]}
              onChange={(value) =>
                setDraft((now) => ({
                  ...now,
                  is_abr: value === 'many',
                  // A ladder to begin with; one that was made before stays.
                  ...(value === 'many' && profilesOf(now).length === 0
                    ? { abr: LADDER.slice(1, 4).map((profile) => ({ ...profile, key: `first-${profile.name}` })) }
                    : {}),
                }))
              }
            />
          }
        >
          <div className="body stack">
            <Fields fields={OUTPUT_FIELDS} draft={draft} errors={errors} onChange={set} />
            {draft.is_abr === true && (
              <>
                <p className="quiet small">{t('channel.abr.about')}</p>
                <Profiles draft={draft} errors={errors} onChange={(profiles) => set('abr', profiles)} />
              </>
            )}
          </div>
        </Card>
        {LATER_GROUPS.filter(({ fields }) => fields.some(({ when }) => when === undefined || when(draft))).map(
          ({ name, fields }) => (
            <Card key={name} title={tell('channel.group', name)}>
              <div className="body">
                <Fields fields={fields} draft={draft} errors={errors} onChange={set} />
              </div>
            </Card>
          ),
        )}
        <div className="row editor-acts">
          <button type="submit" className="button primary" disabled={busy}>
            {t(id === null ? 'channel.create' : 'channel.save')}
          </button>
          <Link className="button" to={back.to}>
            {t('channel.leave')}
          </Link>
          {isRunning && <span className="small quiet">{t('channel.save.running')}</span>}
        </div>
      </form>
    </>
  );
}

/** Fields that are wrong say so themselves; here stands how many there are, and the way to each. */
function Wrong({ error }: { error: unknown }) {
  if (!(error instanceof ApiError) || error.fields.length === 0) return <Problem error={error} />;
  const reach = (path: string) => {
    const parts = path.split('.');
    const profile = parts[0] === 'abr' ? document.querySelectorAll('.profile')[Number(parts[1])] : null;
    const wrong = (profile ?? document).querySelectorAll<HTMLElement>(`[data-field="${parts.at(-1)}"]`);
    ([...wrong].find((one) => one.getAttribute('aria-invalid') === 'true') ?? wrong[0])?.focus();
  };
  return (
    <div className="notice bad" role="alert">
      <AlertTriangle size={18} aria-hidden />
      <div>
        <strong>{t('channel.wrong', { n: error.fields.length })}</strong>
        <ul>
          {error.fields.map(({ path, message }) => (
            <li key={path + message} className="small">
              <button type="button" className="link" onClick={() => reach(path)}>
                {placeOf(path)}
              </button>
              : {message}
            </li>
          ))}
        </ul>
      </div>
    </div>
  );
}

/** `abr.0.video_bitrate` as it stands in the form. */
function placeOf(path: string): string {
  const parts = path.split('.');
  const name = fieldName(parts.at(-1) ?? path);
  if (parts[0] === 'abr' && parts.length > 2) return `${t('channel.profile', { n: Number(parts[1]) + 1 })}, ${name}`;
  return parts[0] === 'abr' ? t('channel.profiles') : name;
}

type FallbackProps = {
  draft: Draft;
  errors: ReadonlyMap<string, string>;
  onChange: (name: string, value: unknown) => void;
};

/** What is on air while the input is away. */
function Fallback({ draft, errors, onChange }: FallbackProps) {
  const fallback = draft.fallback_input ? (draft.fallback_input as Draft) : null;
  const isWrong = [...errors.keys()].some((path) => path.startsWith('fallback') || path === 'slate');
  return (
    <details open={fallback !== null || draft.slate !== 'off' || isWrong}>
      <summary>{t('channel.fallback')}</summary>
      <div className="stack">
        <label className="check">
          <input
            type="checkbox"
            checked={fallback !== null}
            onChange={({ target }) => onChange('fallback_input', target.checked ? NEW_INPUT : null)}
          />
          {t('channel.fallback.on')}
        </label>
        {fallback && (
          <Fields
            fields={INPUT_FIELDS}
            draft={fallback}
            at="fallback_input."
            errors={errors}
            onChange={(name, value) => onChange('fallback_input', { ...fallback, [name]: value })}
          />
        )}
        <Fields fields={FALLBACK_FIELDS} draft={draft} errors={errors} onChange={onChange} />
      </div>
    </details>
  );
}
