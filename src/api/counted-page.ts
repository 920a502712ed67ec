// Pages of lists that are counted, `{count, next, previous, results}`: the one form of the encoder's and the channels' API.
import { z } from 'zod';

export const countedPage = <T extends z.ZodType>(one: T) =>
  z.object({ count: z.int(), next: z.string().nullable(), previous: z.string().nullable(), results: z.array(one) });

type Place = {
  readonly count: number;
  /** From 1. */
  readonly page: number;
  readonly size: number;
  /** Absolute, as it was asked for: the links keep its other words. */
  readonly url: string;
  /** Who asks for no page gets the first one; else `?page=1` has to be said. */
  readonly isPaged: boolean;
};

export function viewCountedPage<T>(results: readonly T[], { count, page, size, url, isPaged }: Place) {
  const at = (number: number): string => {
    const place = new URL(url);
    if (number === 1 && isPaged) place.searchParams.delete('page');
    else place.searchParams.set('page', String(number));
    return place.href;
  };
  return {
    count,
    next: page * size < count ? at(page + 1) : null,
    previous: page > 1 ? at(page - 1) : null,
    results: [...results],
  };
}
