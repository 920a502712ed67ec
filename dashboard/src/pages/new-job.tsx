// A new job: filled in by fields made from the schema of POST /jobs, or as JSON, with the matching curl.
import { useQuery } from '@tanstack/react-query';
import { Send } from 'lucide-react';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { read, request } from '../api/http.ts';
import type { AcceptedJob, Job } from '../api/types.ts';
import { go, usePlace } from '../router.tsx';
import { t } from '../text/text.ts';
import { Field, SegmentedControl } from '../ui/field.tsx';
import { Bones, Card, PageHead, Progress } from '../ui/parts.tsx';
import { Problem } from '../ui/problem.tsx';
import { SchemaFields } from '../ui/schema-fields.tsx';
import { toast } from '../ui/toasts.tsx';
import { Curl } from './new-job/curl.tsx';
import { Dry } from './new-job/dry-run.tsx';
import { OutputFields } from './new-job/outputs.tsx';
import { sendFile, useRepeatKey } from './new-job/send.ts';
import { FilePick, Source } from './new-job/source.tsx';
import { FILE, kindOf, loadSchema, type Spec, START, specOf } from './new-job/spec.ts';

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
  useModel(like, (model) => {
    setKind(kindOf(model.source));
    setSpec(model);
  });

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
          : await request<AcceptedJob>('/jobs', {
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
        <SegmentedControl
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
                const typed = JSON.parse(text) as Spec;
                setSpec(typed);
                if (typed.source) setKind(kindOf(typed.source));
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
          <JsonView text={text} onText={setText}>
            {isFile && <FilePick file={file} onFile={setFile} />}
          </JsonView>
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
      <Curl json={view === 'json' ? text : JSON.stringify(spec)} file={isFile ? (file?.name ?? 'film.mp4') : null} />
    </>
  );
}

/** Hands over what a job that this one is to be like was made of. */
function useModel(like: string | null, onModel: (spec: Spec) => void): void {
  const { data } = useQuery({
    // Read once, and apart from what is told of that job: news of it must not write over what was typed.
    queryKey: ['model', like ?? ''],
    queryFn: () => read('GET /jobs/{id}', { id: like ?? '' }) as Promise<Job>,
    enabled: like !== null,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const hand = useRef(onModel);
  useEffect(() => {
    hand.current = onModel;
  });
  useEffect(() => {
    if (data) hand.current(specOf(data));
  }, [data]);
}

type JsonProps = { text: string; onText: (text: string) => void; children: ReactNode };

function JsonView({ text, onText, children }: JsonProps) {
  return (
    <Card title="JSON">
      <div className="body stack">
        {children}
        <Field label={t('newjob.json')}>
          {(id) => (
            <textarea
              id={id}
              className="textarea"
              rows={18}
              spellCheck={false}
              value={text}
              onChange={({ target }) => onText(target.value)}
            />
          )}
        </Field>
      </div>
    </Card>
  );
}
