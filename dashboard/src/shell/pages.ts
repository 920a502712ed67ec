// Every page: its address, and what is loaded when it is asked for. Read by the frame.
import { type ComponentType, lazy } from 'react';
import { match } from '../router.tsx';

export type PageProps = { params: Record<string, string> };
type Load = () => Promise<{ default: ComponentType<PageProps> }>;

const PAGES: readonly (readonly [pattern: string, load: Load])[] = [
  ['/', () => import('../pages/home.tsx')],
  ['/videos', () => import('../pages/videos.tsx')],
  ['/videos/:id', () => import('../pages/video.tsx')],
  ['/jobs', () => import('../pages/jobs.tsx')],
  ['/jobs/new', () => import('../pages/new-job.tsx')],
  ['/jobs/:id', () => import('../pages/job.tsx')],
  ['/convert', () => import('../pages/convert.tsx')],
  ['/channels', () => import('../pages/channels.tsx')],
  ['/channels/new', () => import('../pages/channel-editor.tsx')],
  ['/channels/:id', () => import('../pages/channel.tsx')],
  ['/channels/:id/edit', () => import('../pages/channel-editor.tsx')],
  ['/machines', () => import('../pages/machines.tsx')],
  ['/settings', () => import('../pages/settings.tsx')],
];
/** A page whose code did not come: the server is away, or has another version by now. */
export class NotLoaded extends Error {}

/** Code that comes when it is wanted. */
export const loadLater = <P>(load: () => Promise<{ default: ComponentType<P> }>) =>
  lazy(() =>
    load().catch((cause: unknown) => {
      throw new NotLoaded(String(cause), { cause });
    }),
  );
const pages = PAGES.map(([pattern, load]) => ({ pattern, Page: loadLater(load) }));

export function findPage(path: string) {
  for (const { pattern, Page } of pages) {
    const params = match(pattern, path);
    if (params) return { Page, params, pattern };
  }
  return null;
}
