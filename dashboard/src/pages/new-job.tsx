// A new job: filled in by fields made from the schema of POST /jobs, or as JSON, with the matching curl.
import { useQuery } from '@tanstack/react-query';
import { Plus, Send, Trash2 } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { ApiError, hasKey, keyHeaders, read, readProblem, request } from '../api/http.ts';
import type { Job } from '../api/types.ts';
import { go, usePlace } from '../router.tsx';
import { bytes, t } from '../text/text.ts';
import { Bones, Card, Code, Field, PageHead, Problem, Progress, Segments } from '../ui/parts.tsx';
import { isSimple, type Schema, SchemaFields, type Values } from '../ui/schema-fields.tsx';
import { toast } from '../ui/toasts.tsx';
import { Dry } from './new-job/dry-run.tsx';

type Spec = {
  source?: Values;
  outputs: readonly Values[];
  priority?: number;
  notificationUrl?: string;
  metadata?: Values;
};
const START: Spec = { outputs: [{ container: 'hls' }] };
/** What most want to say; the rest is one click away. */
const FIRST = ['container', 'width', 'height', 'videoCodec', 'audioCodec', 'crf', 'preset'];
const FILE = 'upload a file';

export default function NewJob() {
  const { query } = usePlace();
  const like = query.get('like');
  const [spec, setSpec] = useState<Spec>(START);
  const [kind, setKind] = useState(FILE);
  const [file, setFile] = useState<File | null>(null);
  const [view, setView] = useState<'form' | 'json'>('form');
  const [text, setText] = useState('');
  const [error, setError] = useState<unknown>(null);
  const [sent, setSent] = useState<number | null>(null);
  const schema = useQuery({ queryKey: ['openapi'], queryFn: loadSchema, staleTime: Number.POSITIVE_INFINITY });
  const model = useQuery({
    // Read once, and apart from what is told of that job: news of it must not write over what was typed.
    queryKey: ['model', like ?? ''],
    queryFn: () => read('GET /jobs/{id}', { id: like ?? '' }) as Promise<Job>,
    enabled: like !== null,
    staleTime: Number.POSITIVE_INFINITY,
  });
  useEffect(() => {
    if (!model.data) return;
    const { source, outputs, priority, notificationUrl, metadata } = model.data;
    // What lies here belongs to that job: it is chosen anew.
    const isFile = ['upload', 'inline', 'managed'].includes(source.kind);
    setKind(isFile ? FILE : source.kind);
    setSpec({
      ...(isFile ? {} : { source }),
      outputs: outputs.map((one) => one.spec),
      priority,
      ...(notificationUrl ? { notificationUrl } : {}),
      ...(Object.keys(metadata).length > 0 ? { metadata } : {}),
    });
  }, [model.data]);

  const repeat = useRepeatKey();
  const isFile = kind === FILE;
  // Secrets of the job that this one is like never came here.
  const hasHidden = (view === 'json' ? text : JSON.stringify(spec)).includes('"***"');
  const fail = (wrong: unknown) => {
    setError(wrong);
    setSent(null);
  };
  const submit = async () => {
    setError(null);
    try {
      const wanted = view === 'json' ? (JSON.parse(text) as Spec) : spec;
      const job =
        isFile && !wanted.source
          ? await sendFile({ spec: wanted, file, headers: repeat(wanted, file), onProgress: setSent })
          : await request<{ uuid: string; id: number }>('/jobs', {
              method: 'POST',
              json: wanted,
              headers: repeat(wanted, null),
            });
      toast(t('newjob.submitted', { id: job.id }));
      go(`/jobs/${job.uuid}`);
    } catch (wrong) {
      fail(wrong);
    }
  };
  if (schema.error) return <Problem error={schema.error} retry={() => void schema.refetch()} />;
  if (!schema.data) return <Bones rows={8} />;
  return (
    <>
      <PageHead title={t('jobs.new')} back={{ to: '/jobs', label: t('nav.jobs') }} about={t('newjob.about')}>
        <Segments
          label={t('newjob.view')}
          value={view}
          options={[
            ['form', t('newjob.form')],
            ['json', 'JSON'],
          ]}
          onChange={(next) => {
            if (next === 'json') setText(JSON.stringify(spec, null, 2));
            else {
              try {
                const read_ = JSON.parse(text) as Spec;
                setSpec(read_);
                if (read_.source) setKind(String(read_.source.kind));
              } catch (wrong) {
                fail(wrong);
                return;
              }
            }
            setView(next);
          }}
        />
      </PageHead>
      <form
        className="stack"
        style={{ gap: '1.25rem' }}
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        {view === 'form' ? (
          <>
            <Source
              schema={schema.data}
              kind={kind}
              spec={spec}
              onKind={setKind}
              onSpec={setSpec}
              file={file}
              onFile={setFile}
            />
            <OutputFields
              schema={schema.data}
              outputs={spec.outputs}
              onChange={(outputs) => setSpec({ ...spec, outputs })}
            />
            <Card title={t('newjob.more')}>
              <div className="body">
                <SchemaFields
                  schema={schema.data}
                  names={['priority', 'notificationUrl']}
                  values={spec}
                  onChange={(values) =>
                    setSpec({ outputs: spec.outputs, ...(spec.source ? { source: spec.source } : {}), ...values })
                  }
                />
              </div>
            </Card>
          </>
        ) : (
          <Card title="JSON">
            <div className="body stack">
              {isFile && <FilePick file={file} onFile={setFile} />}
              <Field label={t('newjob.json')}>
                {(id) => (
                  <textarea
                    id={id}
                    className="textarea"
                    rows={18}
                    spellCheck={false}
                    value={text}
                    onChange={({ target }) => setText(target.value)}
                  />
                )}
              </Field>
            </div>
          </Card>
        )}
        {error !== null && <Problem error={error} />}
        {sent !== null && <Progress value={sent * 100} label={t('newjob.sending')} />}
        <div className="row">
          <button
            type="submit"
            className="button primary"
            disabled={sent !== null || (isFile && !file && view === 'form')}
          >
            <Send size={16} aria-hidden /> {t('newjob.submit')}
          </button>
          {isFile && !file && view === 'form' && <span className="small quiet">{t('newjob.file.first')}</span>}
          {!isFile && <Dry spec={view === 'json' ? null : { source: spec.source, outputs: spec.outputs }} />}
        </div>
      </form>
      {hasHidden && <p className="notice wait">{t('newjob.hidden')}</p>}
      <Card title="curl">
        <div className="body stack">
          <Code
            text={curl(view === 'json' ? text : JSON.stringify(spec), isFile ? (file?.name ?? 'film.mp4') : null)}
            label="curl"
          />
          {hasKey() && (
            <p className="small quiet">
              {t('newjob.key')} <code>export {KEY_VARIABLE}=rk_…</code>
            </p>
          )}
        </div>
      </Card>
    </>
  );
}

type SourceProps = {
  schema: Schema;
  kind: string;
  spec: Spec;
  onKind: (kind: string) => void;
  onSpec: (spec: Spec) => void;
  file: File | null;
  onFile: (file: File | null) => void;
};

function Source({ schema, kind, spec, onKind, onSpec, file, onFile }: SourceProps) {
  const variants = (schema.properties?.source?.oneOf ?? schema.properties?.source?.anyOf ?? []).filter(
    ({ properties }) => !properties?.kind?.enum?.some((one) => one === 'inline' || one === 'upload'),
  );
  const kinds = variants.flatMap(({ properties }) => properties?.kind?.enum ?? []).map(String);
  const variant = variants.find(({ properties }) => properties?.kind?.enum?.includes(kind));
  const names = Object.keys(variant?.properties ?? {}).filter(
    (name) => !['kind', 'method', 'acl'].includes(name) && isSimple(variant?.properties?.[name] ?? {}),
  );
  const { source: _, ...rest } = spec;
  return (
    <Card title={t('jobs.source')}>
      <div className="body stack">
        <Segments
          label={t('newjob.kind')}
          value={kind}
          options={[[FILE, t('newjob.file')], ...kinds.map((one) => [one, one] as const)]}
          onChange={(next) => {
            onKind(next);
            onSpec(next === FILE ? rest : { ...rest, source: { kind: next } });
          }}
        />
        {kind === FILE ? (
          <FilePick file={file} onFile={onFile} />
        ) : (
          variant && (
            <SchemaFields
              schema={variant}
              names={names}
              values={spec.source ?? {}}
              onChange={(source) => onSpec({ ...spec, source })}
            />
          )
        )}
      </div>
    </Card>
  );
}

function FilePick({ file, onFile }: { file: File | null; onFile: (file: File | null) => void }) {
  return (
    <Field label={t('newjob.file')} {...(file ? { hint: bytes(file.size) } : {})}>
      {(id, described) => (
        <input
          id={id}
          aria-describedby={described}
          className="input"
          type="file"
          onChange={({ target }) => onFile(target.files?.[0] ?? null)}
        />
      )}
    </Field>
  );
}

type OutputsProps = { schema: Schema; outputs: readonly Values[]; onChange: (outputs: readonly Values[]) => void };

function OutputFields({ schema, outputs, onChange }: OutputsProps) {
  const [all, setAll] = useState(false);
  const item = schema.properties?.outputs?.items ?? {};
  const simple = Object.keys(item.properties ?? {}).filter((name) => isSimple(item.properties?.[name] ?? {}));
  const names = all ? simple : simple.filter((name) => FIRST.includes(name));
  return (
    <>
      {outputs.map((output, i) => (
        <Card
          // biome-ignore lint/suspicious/noArrayIndexKey: outputs are known by their place
          key={i}
          title={t('newjob.output', { n: i + 1 })}
          side={
            outputs.length > 1 && (
              <button
                type="button"
                className="button plain icon small"
                aria-label={t('newjob.output.remove', { n: i + 1 })}
                onClick={() => onChange(outputs.filter((_, other) => other !== i))}
              >
                <Trash2 size={15} aria-hidden />
              </button>
            )
          }
        >
          <div className="body stack">
            <SchemaFields
              schema={item}
              names={names}
              values={output}
              onChange={(values) => onChange(outputs.map((one, other) => (other === i ? values : one)))}
            />
          </div>
        </Card>
      ))}
      <div className="row">
        <button type="button" className="button" onClick={() => onChange([...outputs, { container: 'mp4' }])}>
          <Plus size={16} aria-hidden /> {t('newjob.output.add')}
        </button>
        <button type="button" className="button plain" aria-expanded={all} onClick={() => setAll(!all)}>
          {t(all ? 'newjob.fewer' : 'newjob.all')}
        </button>
      </div>
    </>
  );
}

async function loadSchema(): Promise<Schema> {
  const document = await request<{
    paths: Record<string, { post?: { requestBody?: { content: Record<string, { schema: Schema }> } } }>;
  }>('/openapi.json');
  const content = (document.paths['/jobs'] ?? document.paths['/jobs/'])?.post?.requestBody?.content;
  return content?.['application/json']?.schema ?? {};
}

/** XMLHttpRequest, because fetch tells nothing of how far an upload is. */
/** Sent again after a line that broke, the same job is not made twice: the server knows it by its key. */
function useRepeatKey(): (spec: Spec, file: File | null) => Record<string, string> {
  const last = useRef({ of: '', file: null as File | null, key: '' });
  return (spec, file) => {
    const of = JSON.stringify(spec);
    if (last.current.of !== of || last.current.file !== file) {
      // Not randomUUID: over plain http in a local network there is none.
      const key = [...crypto.getRandomValues(new Uint32Array(4))].join('-');
      last.current = { of, file, key };
    }
    return { 'Idempotency-Key': last.current.key };
  };
}

type Sending = {
  spec: Spec;
  file: File | null;
  headers: Readonly<Record<string, string>>;
  onProgress: (share: number) => void;
};

function sendFile({ spec, file, headers, onProgress }: Sending): Promise<{ uuid: string; id: number }> {
  if (!file) throw new ApiError(0, { message: t('newjob.file.first') });
  const form = new FormData();
  form.append('spec', JSON.stringify(spec));
  form.append('file', file, file.name);
  return new Promise((resolve, reject) => {
    const sending = new XMLHttpRequest();
    sending.open('POST', '/jobs');
    for (const [name, value] of Object.entries({ ...keyHeaders(), ...headers })) sending.setRequestHeader(name, value);
    sending.upload.onprogress = ({ loaded, total }) => onProgress(total > 0 ? loaded / total : 0);
    sending.onerror = () => reject(new ApiError(0, { message: t('newjob.broke'), code: 'unreachable' }));
    sending.onload = () => {
      if (sending.status === 202) resolve(JSON.parse(sending.responseText) as { uuid: string; id: number });
      else reject(readProblem(sending.status, sending.responseText, sending.statusText));
    };
    sending.send(form);
  });
}

/** A key is not for pages to show: whoever runs the line knows it. */
const KEY_VARIABLE = 'RENDITION_KEY';
const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

function curl(json: string, file: string | null): string {
  const key = hasKey() ? ` \\\n  -H "Authorization: Bearer $${KEY_VARIABLE}"` : '';
  const body =
    file === null
      ? ` \\\n  -H 'Content-Type: application/json' \\\n  -d ${quote(json)}`
      : // As it is: -F alone would read a meaning into some characters.
        ` \\\n  --form-string spec=${quote(json)} \\\n  -F ${quote(`file=@"${file.replaceAll(/(["\\])/g, '\\$1')}"`)}`;
  return `curl -X POST ${location.origin}/jobs${key}${body}`;
}
