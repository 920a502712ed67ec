// A channel made or changed: where it comes from, where it goes, what is encoded, its profiles.
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Plus, Save, Trash2 } from 'lucide-react';
import { type ReactNode, useEffect, useState } from 'react';
import { useChannel } from '../api/channels.ts';
import { ApiError, request } from '../api/http.ts';
import type { AbrProfile, Channel, NetworkInterface } from '../api/types.ts';
import { go } from '../router.tsx';
import type { PageProps } from '../shell/pages.ts';
import { t } from '../text/text.ts';
import { Bones, Card, Field, PageHead, Problem } from '../ui/parts.tsx';
import { toast } from '../ui/toasts.tsx';

type Draft = Record<string, unknown>;
const INPUTS = ['udp', 'rtp', 'rtmp', 'srt', 'hls', 'rtsp', 'file', 'test'];
const OUTPUTS = ['hls', 'udp', 'rtmp', 'srt', 'file'];
const PRESETS = ['ultrafast', 'superfast', 'veryfast', 'faster', 'fast', 'medium', 'slow'];
const START: Draft = { name: '', input_type: 'test', output_type: 'hls', preset: 'veryfast', is_abr: false, abr: [] };
const LADDER: readonly AbrProfile[] = [
  { resolution: '1280x720', video_bitrate: 2800, audio_bitrate: 128 },
  { resolution: '854x480', video_bitrate: 1400, audio_bitrate: 96 },
  { resolution: '640x360', video_bitrate: 800, audio_bitrate: 96 },
];

export default function ChannelEditor({ params }: PageProps) {
  const id = params.id ?? '';
  const client = useQueryClient();
  const known = useChannel(id);
  const [draft, setDraft] = useState<Draft>(START);
  const [error, setError] = useState<unknown>(null);
  const networks = useQuery({
    queryKey: ['interfaces'],
    queryFn: () => request<NetworkInterface[]>('/api/network-interfaces/'),
    retry: 0,
  });
  useEffect(() => {
    if (known.data) setDraft(known.data);
  }, [known.data]);
  const wrong = (name: string) =>
    error instanceof ApiError ? error.fields.find(({ path }) => path === name)?.message : undefined;
  const save = async () => {
    setError(null);
    try {
      const saved = await request<Channel>(id === '' ? '/api/channels/' : `/api/channels/${id}/`, {
        method: id === '' ? 'POST' : 'PUT',
        json: { ...draft, abr: draft.is_abr === true ? draft.abr : [] },
      });
      toast(t('channel.saved', { name: saved.name }));
      await client.invalidateQueries({ queryKey: ['channels'] });
      client.setQueryData(['channel', String(saved.id)], saved);
      go(`/channels/${saved.id}`);
    } catch (failure) {
      setError(failure);
    }
  };
  if (id !== '' && known.error) return <Problem error={known.error} />;
  if (id !== '' && !known.data) return <Bones rows={8} />;
  const form: Form = {
    draft,
    wrong,
    set: (name, value) => setDraft({ ...draft, [name]: value }),
    change: (part) => setDraft({ ...draft, ...part }),
    networks: networks.data ?? [],
  };
  return (
    <>
      <PageHead
        title={id === '' ? t('channels.new') : String(draft.name)}
        back={{ to: id === '' ? '/channels' : `/channels/${id}`, label: t('nav.channels') }}
        about={t('channel.editor.about')}
      />
      <form
        className="stack"
        style={{ gap: '1.25rem' }}
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <Card title={t('channel.general')}>
          <div className="body fields">
            <Text form={form} name="name" label={t('channel.name')} required />
            <Check form={form} name="auto_start" label={t('channel.auto_start')} />
          </div>
        </Card>
        <Ends form={form} />
        <Encoding form={form} />
        <Profiles form={form} />
        {error !== null && <Problem error={error} />}
        <div className="row">
          <button type="submit" className="button primary">
            <Save size={16} aria-hidden /> {t('act.save')}
          </button>
        </div>
      </form>
    </>
  );
}

type Form = {
  draft: Draft;
  set: (name: string, value: unknown) => void;
  change: (part: Draft) => void;
  wrong: (name: string) => string | undefined;
  networks: readonly NetworkInterface[];
};
type InputProps = { form: Form; name: string; label: string; hint?: string; required?: boolean };

function Text({ form, name, label, hint, required = false }: InputProps) {
  return (
    <Field label={label} hint={hint} wrong={form.wrong(name)}>
      {(id, described) => (
        <input
          id={id}
          aria-describedby={described}
          className="input"
          required={required}
          value={String(form.draft[name] ?? '')}
          onChange={({ target }) => form.set(name, target.value === '' && !required ? null : target.value)}
        />
      )}
    </Field>
  );
}

function Figure({ form, name, label, hint }: InputProps) {
  return (
    <Field label={label} hint={hint} wrong={form.wrong(name)}>
      {(id, described) => (
        <input
          id={id}
          aria-describedby={described}
          className="input"
          type="number"
          min={0}
          step="any"
          value={String(form.draft[name] ?? '')}
          onChange={({ target }) => form.set(name, target.value === '' ? undefined : Number(target.value))}
        />
      )}
    </Field>
  );
}

function Choice({ form, name, label, options }: InputProps & { options: readonly (readonly [string, string])[] }) {
  return (
    <Field label={label} wrong={form.wrong(name)}>
      {(id, described) => (
        <select
          id={id}
          aria-describedby={described}
          className="select"
          value={String(form.draft[name] ?? '')}
          onChange={({ target }) => form.set(name, target.value === '' ? null : target.value)}
        >
          {options.map(([value, text]) => (
            <option key={value} value={value}>
              {text}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

function Check({ form, name, label }: InputProps) {
  return (
    <label className="check">
      <input
        type="checkbox"
        checked={form.draft[name] === true}
        onChange={({ target }) => form.set(name, target.checked)}
      />
      {label}
    </label>
  );
}

const upper = (names: readonly string[]) => names.map((name) => [name, name.toUpperCase()] as const);
const interfaces = (networks: readonly NetworkInterface[]) => [
  ['', t('channel.network.any')] as const,
  ...networks.map(
    ({ name, ip, is_up }) => [name, `${name} · ${ip}${is_up ? '' : ` (${t('channel.network.down')})`}`] as const,
  ),
];
const isDatagram = (type: unknown): boolean => type === 'udp' || type === 'rtp';

function Ends({ form }: { form: Form }) {
  const { draft } = form;
  const [input, output] = [draft.input_type, draft.output_type];
  const group = t('channel.multicast.hint');
  const inputFields: ReactNode = isDatagram(input) ? (
    <>
      <Text form={form} name="input_multicast_ip" label={t('channel.multicast')} hint={group} />
      <Choice form={form} name="input_network" label={t('channel.network')} options={interfaces(form.networks)} />
    </>
  ) : input === 'file' ? (
    <>
      <Text form={form} name="input_file" label={t('channel.file')} />
      <Check form={form} name="input_loop" label={t('channel.loop')} />
    </>
  ) : input === 'test' ? (
    <p className="small quiet">{t('channel.test')}</p>
  ) : (
    <Text form={form} name="input_url" label="URL" />
  );
  return (
    <div className="grid-2">
      <Card title={t('channel.input')}>
        <div className="body fields">
          <Choice form={form} name="input_type" label={t('channel.type')} options={upper(INPUTS)} />
          {inputFields}
        </div>
      </Card>
      <Card title={t('channel.output')}>
        <div className="body fields">
          <Choice form={form} name="output_type" label={t('channel.type')} options={upper(OUTPUTS)} />
          {output === 'udp' && (
            <>
              <Text form={form} name="output_multicast_ip" label={t('channel.multicast')} hint={group} />
              <Choice
                form={form}
                name="output_network"
                label={t('channel.network')}
                options={interfaces(form.networks)}
              />
            </>
          )}
          {output !== 'udp' && output !== 'hls' && (
            <Text form={form} name="output_url" label={output === 'file' ? t('channel.file') : 'URL'} />
          )}
          {output === 'hls' && (
            <>
              <Figure form={form} name="hls_segment_seconds" label={t('channel.segment')} />
              <Figure form={form} name="hls_window_seconds" label={t('channel.window')} />
            </>
          )}
        </div>
      </Card>
    </div>
  );
}

function Encoding({ form }: { form: Form }) {
  return (
    <Card title={t('channel.encoding')}>
      <div className="body fields">
        <Text form={form} name="resolution" label={t('channel.resolution')} hint="1280x720" />
        <Figure form={form} name="frame_rate" label={t('channel.fps.title')} />
        <Text form={form} name="video_codec" label={t('plan.codec')} hint="libx264, libx265, copy" />
        <Figure form={form} name="video_bitrate" label={t('channel.video')} hint="kb/s" />
        <Text form={form} name="audio_codec" label={t('channel.sound.codec')} hint="aac, copy" />
        <Figure form={form} name="audio_bitrate" label={t('channel.sound')} hint="kb/s" />
        <Choice
          form={form}
          name="preset"
          label={t('channel.preset')}
          options={PRESETS.map((name) => [name, name] as const)}
        />
        <Figure form={form} name="gop_seconds" label={t('channel.gop')} />
      </div>
    </Card>
  );
}

function Profiles({ form }: { form: Form }) {
  const profiles = (form.draft.abr ?? []) as AbrProfile[];
  const change = (at: number, name: string, value: unknown) =>
    form.set(
      'abr',
      profiles.map((one, i) => (i === at ? { ...one, [name]: value } : one)),
    );
  const isOn = form.draft.is_abr === true;
  return (
    <Card
      title={t('channel.abr')}
      side={
        <label className="check">
          <input
            type="checkbox"
            checked={isOn}
            onChange={({ target }) => {
              const first = target.checked && profiles.length === 0 ? LADDER.map((one) => ({ ...one })) : profiles;
              form.change({ abr: first, is_abr: target.checked });
            }}
          />
          {t('channel.abr.on')}
        </label>
      }
    >
      <div className="body stack">
        <p className="small quiet">{t('channel.abr.about')}</p>
        {isOn &&
          profiles.map((profile, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: profiles are known by their place
            <fieldset key={i} className="fields">
              <legend className="unseen">{t('channel.abr.profile', { n: i + 1 })}</legend>
              <ProfileField
                label={t('channel.resolution')}
                value={profile.resolution}
                onChange={(value) => change(i, 'resolution', value || null)}
              />
              <ProfileField
                label={`${t('channel.video')} (kb/s)`}
                value={profile.video_bitrate}
                isNumber
                onChange={(value) => change(i, 'video_bitrate', value === '' ? null : Number(value))}
              />
              <ProfileField
                label={`${t('channel.sound')} (kb/s)`}
                value={profile.audio_bitrate}
                isNumber
                onChange={(value) => change(i, 'audio_bitrate', value === '' ? null : Number(value))}
              />
              {form.draft.output_type !== 'hls' && (
                <ProfileField
                  label={form.draft.output_type === 'udp' ? t('channel.multicast') : 'URL'}
                  value={form.draft.output_type === 'udp' ? profile.output_multicast_ip : profile.output_url}
                  onChange={(value) =>
                    change(i, form.draft.output_type === 'udp' ? 'output_multicast_ip' : 'output_url', value || null)
                  }
                />
              )}
              <button
                type="button"
                className="button danger"
                style={{ alignSelf: 'end', justifySelf: 'start' }}
                onClick={() =>
                  form.set(
                    'abr',
                    profiles.filter((_, other) => other !== i),
                  )
                }
              >
                <Trash2 size={15} aria-hidden /> {t('channel.abr.remove', { n: i + 1 })}
              </button>
            </fieldset>
          ))}
        {isOn && (
          <div className="row">
            <button
              type="button"
              className="button"
              onClick={() =>
                form.set('abr', [...profiles, { resolution: '640x360', video_bitrate: 800, audio_bitrate: 96 }])
              }
            >
              <Plus size={16} aria-hidden /> {t('channel.abr.add')}
            </button>
          </div>
        )}
      </div>
    </Card>
  );
}

type ProfileFieldProps = { label: string; value: unknown; isNumber?: boolean; onChange: (value: string) => void };
function ProfileField({ label, value, isNumber = false, onChange }: ProfileFieldProps) {
  return (
    <Field label={label}>
      {(id) => (
        <input
          id={id}
          className="input"
          type={isNumber ? 'number' : 'text'}
          value={value === null || value === undefined ? '' : String(value)}
          onChange={({ target }) => onChange(target.value)}
        />
      )}
    </Field>
  );
}
