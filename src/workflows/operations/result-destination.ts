// Where the result of an operation goes: managed storage, or Cloudinary where that is switched on. Used by create-operation.ts.
import { CONTAINER_FACTS, type Container } from '#domain/codec.ts';
import type { Location } from '#domain/location.ts';
import type { Platform } from '#workflows/platform.ts';

/** null is managed storage. */
export function resultDestination(
  { config }: Pick<Platform, 'config'>,
  id: string,
  container: Container,
): Location | null {
  if (!config.USE_CLOUDINARY) return null;
  const { kind } = CONTAINER_FACTS[container];
  // Sound is of its resource type `video`.
  const resourceType = kind === 'image' || kind === 'animation' ? 'image' : 'video';
  return { kind: 'cloudinary', resourceType, path: `${config.CLOUDINARY_FOLDER}/outputs/${id}` };
}
