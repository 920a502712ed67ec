// The first page: what runs now, what needs attention, what the last day gave, how much room is left.
import { useQuery } from '@tanstack/react-query';
import { Plus, Rocket, Upload } from 'lucide-react';
import { blocking, read } from '../api/http.ts';
import { Link } from '../router.tsx';
import { number, t, tell } from '../text/text.ts';
import { May, Served, useServes } from '../ui/may.tsx';
import { Bones, Empty, PageHead, Stat } from '../ui/parts.tsx';
import { Problem } from '../ui/problem.tsx';
import { Attention } from './home/attention.tsx';
import { Disk, Machines, Throughput } from './home/figures.tsx';
import { Running } from './home/running.tsx';

const STATS = ['processing', 'queued', 'completed', 'failed'] as const;

export default function Home() {
  const overview = useQuery({ queryKey: ['overview'], queryFn: () => read('GET /overview'), refetchInterval: 30_000 });
  const problem = blocking(overview);
  const jobs = overview.data?.jobs;
  const lists = useServes('jobs');
  const to = (status: string) => (lists ? { to: `/jobs?status=${status}` } : {});
  const isNew = jobs && Object.values(jobs).every((count) => count === 0);
  return (
    <>
      <PageHead title={t('nav.home')} about={t('home.about')}>
        <May scope="write">
          <Served api="videos">
            <Link className="button" to="/videos">
              <Upload size={16} aria-hidden /> {t('videos.upload')}
            </Link>
          </Served>
          <Served api="jobs">
            <Link className="button primary" to="/jobs/new">
              <Plus size={16} aria-hidden /> {t('jobs.new')}
            </Link>
          </Served>
        </May>
      </PageHead>
      {problem !== null && <Problem error={problem} retry={() => void overview.refetch()} />}
      {isNew && (
        <div className="card">
          <Empty icon={Rocket} title="home.empty.title" text="home.empty.text">
            <May scope="write">
              <Served api="videos">
                <Link className="button primary" to="/videos">
                  {t('videos.upload')}
                </Link>
              </Served>
              <Served api="jobs">
                <Link className="button" to="/jobs/new">
                  {t('jobs.new')}
                </Link>
              </Served>
            </May>
          </Empty>
        </div>
      )}
      {/* There from the beginning: nothing below moves when the figures come. */}
      <div className="grid-4">
        {STATS.map((status) => (
          <Stat
            key={status}
            label={tell('status', status)}
            value={jobs ? number(jobs[status] ?? 0) : '–'}
            {...to(status)}
          />
        ))}
      </div>
      <div className="grid-2">
        <Running />
        <Attention overview={overview.data} />
      </div>
      {overview.data ? <Throughput overview={overview.data} /> : <Bones rows={4} />}
      <div className="grid-2">
        {overview.data && <Disk disk={overview.data.disk} />}
        <Machines />
      </div>
    </>
  );
}
