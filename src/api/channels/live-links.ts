// The addresses of a channel that plays, with the token that players need where keys are asked for. Used by the view and the routes of /live/.

export type LiveLinks = {
  readonly masterUrl: string;
  readonly watchUrl: string;
  readonly embedUrl: string;
  readonly thumbnailUrl: string;
};

/** @param token null where players need none */
export function liveLinks(base: string, slug: string, token: string | null): LiveLinks {
  const place = `${base}/live/${encodeURIComponent(slug)}`;
  const query = token === null ? '' : `?token=${encodeURIComponent(token)}`;
  return {
    masterUrl: `${place}/master.m3u8${query}`,
    watchUrl: `${place}${query}`,
    embedUrl: `${place}/embed${query}`,
    thumbnailUrl: `${place}/thumbnail.jpg${query}`,
  };
}
