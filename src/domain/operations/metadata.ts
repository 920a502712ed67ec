// The parameter that says what of a file's metadata stays: the same in every operation that has it.
import { choice } from '#domain/operations/definition.ts';

const METADATA_CHOICES = ['none', 'safe', 'all'] as const;

export const pictureMetadata = choice(METADATA_CHOICES, {
  default: 'safe',
  description:
    'What stays of the metadata: safe keeps camera, date, author and rights and removes places, all keeps places too, none keeps nothing. The colour is right with each of them.',
});

export const soundMetadata = choice(METADATA_CHOICES, {
  default: 'safe',
  description:
    'What stays of the tags: safe keeps title, artist, album and cover and removes places, all keeps places too, none keeps nothing.',
});
