// One case of the matrix: make the source, run the operation, judge the result. Used by run.ts and the thin test.
import { basename } from 'node:path';
import type { MadeMedia } from '../media/made-media.ts';
import type { Case } from './cases.ts';
import type { Converter } from './conversion.ts';
import { judge } from './judge.ts';
import { caseName, type Row } from './report.ts';
import { makeSource } from './sources.ts';

export type Stand = { readonly media: MadeMedia; readonly converter: Converter };

export async function runCase({ media, converter }: Stand, one: Case): Promise<Row> {
  const { operation, parameters, source, format } = one;
  const row = { name: caseName(one), operation, source, format, parameters: JSON.stringify(parameters) };
  const file = await makeSource(media, source);
  const { path, failure, seconds, recognized } = await converter.convert(operation, parameters, file);
  if (one.refused !== undefined && failure?.code === one.refused)
    return { ...row, seconds, notes: [`refused: ${failure.message}`], misses: [] };
  if (path === null) return { ...row, seconds, notes: [], misses: [`${failure?.code}: ${failure?.message}`] };
  const [, type = ''] = /^(\w+)\.\1$/.exec(source) ?? [];
  const misread = type !== '' && recognized?.format !== type ? [`the source was taken for ${recognized?.format}`] : [];
  const misnamed = basename(path).endsWith(`.${format}`) ? [] : [`the result is ${basename(path)}`];
  const { misses, notes } = await judge(media, { case: one, file, path }).catch((error: unknown) => ({
    misses: [`the check failed: ${error instanceof Error ? error.message.slice(0, 300) : String(error)}`],
    notes: [],
  }));
  return { ...row, seconds, notes, misses: [...misread, ...misnamed, ...misses] };
}
