// The words of acts on many things at once, in English. Part of en.ts.
export const bulk = {
  'bulk.all': 'Select all that are shown',
  'bulk.pick': 'Select {name}',
  'bulk.hint': 'Select all',
  'bulk.picked': '{n} selected',
  'bulk.every': 'Select all that fit',
  'bulk.collecting': 'Selecting …',
  'bulk.going': '{done} of {total}',
  'bulk.stop': 'Stop here',
  'bulk.done': '{n} done',
  'bulk.missed': '{n} not',
  'bulk.left': '{n} left as they were',
  'list.more': 'and {n} more',
  'bulk.sure.cancel': 'Their work stops now. Canceled jobs can be tried again.',
  'bulk.sure.delete.jobs':
    'Jobs that still run stop, and their files go from managed storage. This cannot be taken back.',
  'bulk.sure.delete.videos': 'The videos and all their files are deleted. This cannot be taken back.',
  'bulk.sure.stop': 'They go off air until they are started again.',
};
