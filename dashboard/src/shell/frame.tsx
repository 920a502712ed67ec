// The frame around every page: navigation, the live line, notes, and what is loaded when.
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { CloudOff, Compass } from 'lucide-react';
import { Component, type ReactNode, Suspense, useCallback, useEffect, useRef, useState } from 'react';
import { ApiError, read, whenLocked } from '../api/http.ts';
import { patchJobs } from '../api/jobs.ts';
import { useEvents, useLine } from '../api/live.ts';
import { Link, recallScroll, rememberScroll, usePlace } from '../router.tsx';
import { type Key, t, useLanguage } from '../text/text.ts';
import { Bones, Empty, PageHead } from '../ui/parts.tsx';
import { Problem } from '../ui/problem.tsx';
import { useTick } from '../ui/tick.ts';
import { Toasts } from '../ui/toasts.tsx';
import { Bar, isServed, Side, TARGETS } from './nav.tsx';
import { findPage, loadLater, NotLoaded } from './pages.ts';
import { Help, useShortcuts } from './shortcuts.tsx';
import { SignIn } from './sign-in.tsx';

/** What a kind of event makes stale. Asked again at most once a second, however many come. */
const STALE: Readonly<Record<string, readonly string[]>> = {
  job: ['jobs', 'job', 'overview', 'queue', 'workers', 'videos', 'video'],
  output: ['job', 'video'],
  video: ['videos', 'video'],
  channel: ['channels', 'channel', 'channel-jobs'],
};
const REST_MS = 1000;
/** "3 minutes ago" is drawn anew. */
const TICK_MS = 30_000;
/** The calls that list conversions are counted, 1000 a day: what runs is followed by streams, this is for other tabs. */
const CONVERSIONS_MS = 30_000;

const loadPalette = () => import('./palette.tsx').then(({ Palette: found }) => ({ default: found }));
const Palette = loadLater(loadPalette);
/** Milliseconds after which the palette is fetched, so that it is there when it is called. */
const PALETTE_MS = 4000;

function useLiveData(isOn: boolean): void {
  const client = useQueryClient();
  const stale = useRef(new Set<string>());
  const timer = useRef<ReturnType<typeof setTimeout> | null>(null);
  const conversions = useRef<{ at: number; timer: ReturnType<typeof setTimeout> | null }>({ at: 0, timer: null });
  const refresh = useCallback(() => {
    timer.current = null;
    for (const key of stale.current) void client.invalidateQueries({ queryKey: [key] });
    stale.current.clear();
  }, [client]);
  const askConversions = () => {
    const { at } = conversions.current;
    conversions.current.timer ??= setTimeout(
      () => {
        conversions.current = { at: Date.now(), timer: null };
        void client.invalidateQueries({ queryKey: ['conversions'] });
      },
      Math.max(REST_MS, at + CONVERSIONS_MS - Date.now()),
    );
  };
  useEvents(
    isOn ? '/events/stream' : null,
    ({ data }) => {
      const told = data as { type?: string; data?: { uuid?: string; status?: string; api?: string } };
      const kind = String(told.type ?? '').split('.')[0] ?? '';
      if (kind === 'job' && told.data?.uuid && told.data.status) patchJobs(client, told.data.uuid, told.data.status);
      if (told.data?.api === 'operations') askConversions();
      for (const key of STALE[kind] ?? []) stale.current.add(key);
      timer.current ??= setTimeout(refresh, REST_MS);
    },
    {
      isMain: true,
      // What happened while the line was broken is not known: everything is asked anew.
      onOpen: (again) => {
        if (again) void client.invalidateQueries();
      },
    },
  );
}

export function Frame() {
  const language = useLanguage();
  useTick(TICK_MS);
  useEffect(() => {
    // Where it does not come now it is asked for again when it is called.
    const timer = setTimeout(() => void loadPalette().catch(() => undefined), PALETTE_MS);
    return () => clearTimeout(timer);
  }, []);
  const client = useQueryClient();
  const { path } = usePlace();
  const [dialog, setDialog] = useState<'palette' | 'help' | null>(null);
  const [locked, setLocked] = useState(false);
  const session = useQuery({ queryKey: ['session'], queryFn: () => read('GET /session'), retry: 0 });
  const overview = useQuery({ queryKey: ['overview'], queryFn: () => read('GET /overview'), enabled: !!session.data });
  useEffect(() => whenLocked(() => setLocked(true)), []);
  useLiveData(!!session.data && !locked);
  const onPalette = useCallback(() => setDialog('palette'), []);
  const onHelp = useCallback(() => setDialog('help'), []);
  const apis = session.data?.apis;
  const targets = TARGETS.filter(({ api }) => api === undefined || apis === undefined || apis.includes(api));
  const mayWrite = session.data?.scopes.some((scope) => scope === 'admin' || scope === 'write') ?? true;
  useShortcuts({ targets, mayWrite, onPalette, onHelp });
  const isLocked = locked || (session.error instanceof ApiError && session.error.status === 401);
  const main = useMain(path, isLocked);

  if (isLocked) {
    return (
      <SignIn
        onDone={() => {
          setLocked(false);
          void client.resetQueries();
        }}
      />
    );
  }
  const running = overview.data?.jobs.processing ?? 0;
  const nav = { targets, running, onPalette, onHelp };
  const found = findPage(path);
  return (
    <div className="frame" key={language}>
      <button type="button" className="skip" onClick={() => main.current?.focus()}>
        {t('skip')}
      </button>
      <Side {...nav} />
      <main className="main" id="main" tabIndex={-1} ref={main}>
        <div className="page" key={path}>
          <Guard>
            <Suspense fallback={<Bones rows={6} />}>
              {!isServed(path, targets) ? (
                <Lost title="lost.unserved.title" text="lost.unserved.text" />
              ) : found ? (
                <found.Page params={found.params} />
              ) : (
                <Lost title="lost.title" text="lost.text" />
              )}
            </Suspense>
          </Guard>
        </div>
      </main>
      <Bar {...nav} />
      <LineBanner />
      <Toasts />
      {dialog === 'palette' && (
        <Guard>
          <Suspense fallback={null}>
            <Palette targets={targets} onClose={() => setDialog(null)} />
          </Suspense>
        </Guard>
      )}
      {dialog === 'help' && <Help targets={targets} mayWrite={mayWrite} onClose={() => setDialog(null)} />}
    </div>
  );
}

function Lost({ title, text }: { title: Key; text: Key }) {
  return (
    <>
      <PageHead title={t(title)} />
      <div className="card">
        <Empty icon={Compass} title={title} text={text}>
          <Link className="button primary" to="/">
            {t('nav.home')}
          </Link>
        </Empty>
      </div>
    </>
  );
}

/** Milliseconds that a page has to become as long as it was. */
const GROW_MS = 1500;

/** Scrolls as far as it was before, as soon as the page is that long; whoever scrolls meanwhile wins. */
function scrollWhenThere(top: number): () => void {
  scrollTo(0, top);
  const until = performance.now() + (top > 0 ? GROW_MS : 0);
  let frame = 0;
  const stop = () => cancelAnimationFrame(frame);
  const again = () => {
    if (Math.abs(scrollY - top) < 2 || performance.now() > until) return;
    scrollTo(0, top);
    frame = requestAnimationFrame(again);
  };
  frame = requestAnimationFrame(again);
  for (const name of ['wheel', 'touchstart', 'keydown']) addEventListener(name, stop, { once: true, passive: true });
  return stop;
}

/** A new page begins at its top, and readers are brought there, as after signing in; not at the first one, which has just been opened. */
function useMain(path: string, isLocked: boolean) {
  const main = useRef<HTMLElement>(null);
  const first = useRef(path);
  const wasLocked = useRef(false);
  useEffect(() => {
    if (wasLocked.current && !isLocked) main.current?.focus();
    wasLocked.current = isLocked;
  }, [isLocked]);
  useEffect(() => {
    if (first.current === path) return;
    first.current = '';
    main.current?.focus({ preventScroll: true });
    return scrollWhenThere(recallScroll('page'));
  }, [path]);
  useEffect(() => {
    const hear = () => rememberScroll('page', scrollY);
    addEventListener('scroll', hear, { passive: true });
    return () => removeEventListener('scroll', hear);
  }, []);
  return main;
}

function LineBanner() {
  const line = useLine();
  const [late, setLate] = useState(false);
  useEffect(() => {
    setLate(false);
    if (line !== 'lost') return;
    // A short break is nobody's business.
    const timer = setTimeout(() => setLate(true), 3000);
    return () => clearTimeout(timer);
  }, [line]);
  if (!late) return null;
  return (
    <div className="line-banner" role="status">
      <CloudOff size={16} aria-hidden /> {t('line.lost')}
    </div>
  );
}

const RELOADED = 'rendition-reloaded';
const RELOAD_MS = 30_000;

/** Loads the whole page anew as soon as the server is there: by then it may be another version of it. */
function Unloaded() {
  const line = useLine();
  useEffect(() => {
    // Once in a while: a page that never comes must not load itself for ever.
    if (line !== 'open' || Date.now() - Number(sessionStorage.getItem(RELOADED) ?? 0) < RELOAD_MS) return;
    sessionStorage.setItem(RELOADED, String(Date.now()));
    location.reload();
  }, [line]);
  return (
    <Problem
      error={new ApiError(0, { message: t('error.away'), code: 'unreachable' })}
      retry={() => location.reload()}
    />
  );
}

/** A page that breaks does not take the others with it. */
class Guard extends Component<{ children: ReactNode }, { error: Error | null }> {
  override state: { error: Error | null } = { error: null };
  static getDerivedStateFromError(error: Error) {
    return { error };
  }
  override render() {
    if (!this.state.error) return this.props.children;
    if (this.state.error instanceof NotLoaded) return <Unloaded />;
    return <Problem error={this.state.error} retry={() => location.reload()} />;
  }
}
