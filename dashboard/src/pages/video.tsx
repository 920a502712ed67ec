// One video: watched while it is made, what it became, and how to share it.
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Download, Pencil, Play, Square, Trash2 } from 'lucide-react';
import { useState } from 'react';
import { ApiError, blocking, openFile, read, request } from '../api/http.ts';
import type { Job, Video } from '../api/types.ts';
import {
  besidePoster,
  changeVideo,
  isBusy,
  isResumable,
  ownPath,
  removeVideo,
  useTranscode,
  useVideo,
} from '../api/videos.ts';
import { Player } from '../player/player.tsx';
import { go, Link } from '../router.tsx';
import type { PageProps } from '../shell/pages.ts';
import { bytes, clock, moment, number, pixels, t, tell } from '../text/text.ts';
import { Dialog } from '../ui/dialog.tsx';
import { May } from '../ui/may.tsx';
import { Bones, Card, Code, Field, PageHead, Problem, Progress, Status } from '../ui/parts.tsx';
import { toastError } from '../ui/toasts.tsx';
import { Findings, Renditions } from './job/tables.tsx';

export default function VideoPage({ params }: PageProps) {
  const id = params.id ?? '';
  const { data: video, error, refetch } = useVideo(id);
  const back = { to: '/videos', label: t('nav.videos') };
  const problem = blocking({ data: video, error });
  if (problem)
    return (
      <>
        <PageHead title={t('nav.videos')} back={back} />
        <Problem error={problem} retry={() => void refetch()} />
      </>
    );
  if (!video) return <Bones rows={8} />;
  const storyboard = besidePoster(video, 'storyboard.vtt');
  const plays = video.master_url !== null && !['uploading', 'failed'].includes(video.status);
  return (
    <>
      <PageHead
        title={video.title}
        back={back}
        about={
          <span className="row small">
            <Status of={video.status} /> {moment(video.created_at)}
          </span>
        }
      >
        <May scope="write">
          <Actions video={video} />
        </May>
      </PageHead>
      {video.error && (
        <Problem error={typeof video.error === 'string' ? new Error(video.error) : new ApiError(0, video.error)} />
      )}
      <div className="watch">
        <div className="stack">
          {plays && video.master_url && (
            <Player
              url={ownPath(video.master_url)}
              growing={isBusy(video)}
              label={video.title}
              {...(video.poster_url && video.width !== null && video.status === 'ready'
                ? { poster: ownPath(video.poster_url) }
                : {})}
              {...(storyboard && video.width !== null && video.status === 'ready' ? { storyboard } : {})}
            />
          )}
          {video.description && <p>{video.description}</p>}
          {video.tags && video.tags.length > 0 && (
            <p className="row">
              {video.tags.map((tag) => (
                <Link key={tag} className="badge plain" to={`/videos?search=${encodeURIComponent(tag)}`}>
                  {tag}
                </Link>
              ))}
            </p>
          )}
          <Details video={video} />
        </div>
        <div className="stack">
          <Making video={video} />
          <Facts video={video} />
          <Share video={video} />
        </div>
      </div>
    </>
  );
}

function Actions({ video }: { video: Video }) {
  const client = useQueryClient();
  const [editing, setEditing] = useState(false);
  const save = async () => {
    const link = document.createElement('a');
    link.href = await openFile(besidePoster(video, 'original') ?? `/stream/${video.hash}/original`);
    link.download = video.filename;
    link.click();
  };
  return (
    <>
      {isBusy(video) && (
        <button type="button" className="button" onClick={() => void changeVideo(client, video, 'stop')}>
          <Square size={16} aria-hidden /> {t('video.stop')}
        </button>
      )}
      {isResumable(video) && (
        <button type="button" className="button primary" onClick={() => void changeVideo(client, video, 'resume')}>
          <Play size={16} aria-hidden /> {t('video.resume')}
        </button>
      )}
      <button type="button" className="button" onClick={() => setEditing(true)}>
        <Pencil size={16} aria-hidden /> {t('act.edit')}
      </button>
      <button type="button" className="button" onClick={() => void save().catch(toastError)}>
        <Download size={16} aria-hidden /> {t('video.original')}
      </button>
      <button
        type="button"
        className="button danger"
        onClick={() => {
          removeVideo(client, video);
          go('/videos');
        }}
      >
        <Trash2 size={16} aria-hidden /> {t('act.delete')}
      </button>
      {editing && <Edit video={video} onClose={() => setEditing(false)} />}
    </>
  );
}

function Edit({ video, onClose }: { video: Video; onClose: () => void }) {
  const client = useQueryClient();
  const [wrong, setWrong] = useState<unknown>(null);
  const save = async (form: FormData) => {
    const text = (name: string) => String(form.get(name) ?? '').trim();
    const tags = text('tags')
      .split(',')
      .map((tag) => tag.trim())
      .filter((tag) => tag !== '');
    try {
      const json = { title: text('title'), description: text('description'), tags };
      client.setQueryData(
        ['video', video.hash],
        await request<Video>(`/videos/${video.hash}`, { method: 'PUT', json }),
      );
      onClose();
    } catch (error) {
      setWrong(error);
    }
  };
  return (
    <Dialog label={t('act.edit')} onClose={onClose}>
      <form
        className="inside"
        onSubmit={(event) => {
          event.preventDefault();
          void save(new FormData(event.currentTarget));
        }}
      >
        <h2>{t('act.edit')}</h2>
        {wrong !== null && <Problem error={wrong} />}
        <Field label={t('video.title')}>
          {(id) => <input id={id} name="title" className="input" required defaultValue={video.title} />}
        </Field>
        <Field label={t('video.description')}>
          {(id) => (
            <textarea id={id} name="description" className="input" rows={4} defaultValue={video.description ?? ''} />
          )}
        </Field>
        <Field label={t('video.tags')} hint={t('video.tags.hint')}>
          {(id, described) => (
            <input
              id={id}
              aria-describedby={described}
              name="tags"
              className="input"
              defaultValue={video.tags?.join(', ') ?? ''}
            />
          )}
        </Field>
        <div className="row">
          <button type="submit" className="button primary">
            {t('act.save')}
          </button>
          <button type="button" className="button" onClick={onClose}>
            {t('act.back')}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

/** How far each rendition is, segment by segment. */
function Making({ video }: { video: Video }) {
  const { data } = useTranscode(video.hash, isBusy(video));
  if (video.status === 'ready' || !data || Object.keys(data.qualities).length === 0) return null;
  return (
    <Card
      title={t('video.making')}
      side={
        data.eta_seconds !== null && (
          <span className="small quiet">{t('job.left', { time: clock(data.eta_seconds) })}</span>
        )
      }
    >
      <div className="body stack">
        <Progress value={data.progress} label={t('video.progress', { title: video.title })} />
        {Object.entries(data.qualities).map(([name, one]) => (
          <div className="quality" key={name}>
            <div className="row between small">
              <strong>{name}</strong>
              <span className="quiet number">
                {t('video.segments', { ready: one.segments_ready, total: one.segments_total })} ·{' '}
                {tell('status', one.status)}
              </span>
            </div>
            <Segments ready={one.segments_ready} total={one.segments_total} />
          </div>
        ))}
      </div>
    </Card>
  );
}

const MOST_SEGMENTS = 60;
function Segments({ ready, total }: { ready: number; total: number }) {
  const count = Math.max(1, Math.min(MOST_SEGMENTS, total));
  const filled = total > 0 ? Math.floor((ready / total) * count) : 0;
  return (
    <div className="segments-map" aria-hidden>
      {Array.from({ length: count }, (_, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: places in time, which never move
        <i key={i} className={i < filled ? 'ready' : ''} />
      ))}
    </div>
  );
}

function Facts({ video }: { video: Video }) {
  return (
    <Card title={t('video.facts')}>
      <dl className="facts body">
        <dt>{t('video.filename')}</dt>
        <dd>{video.filename}</dd>
        {video.size !== null && video.size > 0 && (
          <>
            <dt>{t('video.size')}</dt>
            <dd>{bytes(video.size)}</dd>
          </>
        )}
        {video.duration !== null && (
          <>
            <dt>{t('video.duration')}</dt>
            <dd>{clock(video.duration)}</dd>
          </>
        )}
        {video.width !== null && (
          <>
            <dt>{t('video.pixels')}</dt>
            <dd>{pixels(video.width, video.height)}</dd>
          </>
        )}
        <dt>{t('video.qualities')}</dt>
        <dd>{video.qualities.length > 0 ? video.qualities.join(', ') : number(0)}</dd>
      </dl>
    </Card>
  );
}

function Share({ video }: { video: Video }) {
  if (!video.master_url) return null;
  // A video that needs a token is shared with one: it ends by itself.
  const token = new URL(video.master_url, location.href).search;
  const page = new URL(`/watch/${video.hash}${token}`, location.href).href;
  const frame = `<iframe src="${new URL(`/embed/${video.hash}${token}`, location.href).href}" width="640" height="360" allow="fullscreen" style="border:0"></iframe>`;
  return (
    <Card title={t('video.share')}>
      <div className="body stack">
        <span className="small quiet">{t('video.share.page')}</span>
        <Code text={page} label={t('video.share.page')} />
        <span className="small quiet">{t('video.share.frame')}</span>
        <Code text={frame} label={t('video.share.frame')} />
        <span className="small quiet">{t('video.share.stream')}</span>
        <Code text={video.master_url} label={t('video.share.stream')} />
      </div>
    </Card>
  );
}

/** The job behind it knows what was odd about the source and what its renditions are. */
function Details({ video }: { video: Video }) {
  const { data } = useQuery({
    queryKey: ['video', video.hash, 'job', video.status],
    queryFn: () => read('GET /jobs', {}, { search: video.hash, limit: 5 }),
    retry: 0,
  });
  const job = data?.jobs[0] as Job | undefined;
  if (!job) return null;
  const renditions = job.outputs.flatMap(({ result }) => result?.renditions ?? []);
  return (
    <>
      {renditions.length > 0 && (
        <Card
          title={t('video.renditions')}
          side={<Link to={`/jobs/${job.uuid}`}>{t('video.job', { id: job.id })}</Link>}
        >
          <Renditions rows={renditions} />
        </Card>
      )}
      <Card title={t('findings.title')}>
        <div className="body">
          <Findings findings={job.findings} />
        </div>
      </Card>
    </>
  );
}
