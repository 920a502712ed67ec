// Pages of the lists of this API: `{count, next, previous, results}`. Used by its routes.

export type Paging = { readonly page?: number | undefined; readonly page_size: number };
export type Page<T> = {
  readonly count: number;
  readonly next: string | null;
  readonly previous: string | null;
  readonly results: T[];
};

export function pageOf<T>(
  results: T[],
  { count, url, paging }: { readonly count: number; readonly url: string; readonly paging: Paging },
): Page<T> {
  const { page = 1, page_size: size } = paging;
  const link = (number: number) => `${url}?page=${number}&page_size=${size}`;
  return {
    count,
    next: page * size < count ? link(page + 1) : null,
    previous: page > 1 ? link(page - 1) : null,
    results,
  };
}
