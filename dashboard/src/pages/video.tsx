// One video: watched while it is made, what it became, and how to share it.
import { ApiError, blocking } from '../api/http.ts';
import { besidePoster, isBusy, ownPath, useVideo } from '../api/videos.ts';
import { Player } from '../player/player.tsx';
import { Link } from '../router.tsx';
import type { PageProps } from '../shell/pages.ts';
import { moment, t } from '../text/text.ts';
import { May } from '../ui/may.tsx';
import { Bones, PageHead, Status } from '../ui/parts.tsx';
import { Problem } from '../ui/problem.tsx';
import { Details, Facts, Share } from './video/about.tsx';
import { Actions } from './video/actions.tsx';
import { Making } from './video/making.tsx';

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
      {video.error && <Problem error={new ApiError(0, video.error)} />}
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
          {video.tags.length > 0 && (
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
