// The words of acts on many things at once, in English. Part of en.ts.
export const bulk = {
  'bulk.all': 'Select all that are shown',
  'bulk.pick': 'Select {name}',
  'bulk.picked': '{n} selected',
  'bulk.every': 'Select all that fit',
  'bulk.going': '{done} of {total}',
  'bulk.stop': 'Stop here',
  'bulk.done': '{n} done',
  'bulk.missed': '{n} not',
  'bulk.left': '{n} left as they were',
  'list.more': 'and {n} more',
  'bulk.sure.cancel': 'Their work stops. They can be tried again.',
  'bulk.sure.delete': 'They go with all their files. This cannot be taken back.',
  'bulk.sure.stop': 'They go off air.',
};
