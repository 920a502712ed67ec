// One video in figures, how to share it, and what its job knows of it.
import { useQuery } from '@tanstack/react-query';
import { read } from '../../api/http.ts';
import type { Job, Video } from '../../api/types.ts';
import { Link } from '../../router.tsx';
import { bytes, clock, number, pixels, t } from '../../text/text.ts';
import { Code } from '../../ui/code.tsx';
import { Card } from '../../ui/parts.tsx';
import { Findings, Renditions } from '../job/tables.tsx';

export function Facts({ video }: { video: Video }) {
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

export function Share({ video }: { video: Video }) {
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
export function Details({ video }: { video: Video }) {
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
