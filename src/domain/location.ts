// Where bytes come from and go to. The same shapes serve sources and destinations.

/** Headers that are the platform's own to set, or that would change whom a request goes to or where it ends. Lower case. */
export const OWN_HEADERS: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'if-range',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'range',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

export type HttpLocation = {
  readonly kind: 'http' | 'https';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly method: 'PUT' | 'POST';
};
export type S3Location = {
  readonly kind: 's3';
  readonly bucket: string;
  /** Key of the object, or the prefix of a folder. */
  readonly path: string;
  readonly region: string | null;
  readonly endpoint: string | null;
  readonly forcePathStyle: boolean | null;
  readonly accessKeyId: string | null;
  readonly accessKeySecret: string | null;
  readonly sessionToken: string | null;
  readonly acl: string | null;
};
export type FtpLocation = {
  readonly kind: 'ftp' | 'ftps';
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly path: string;
};
/** base64 in the request itself; only a source. */
export type InlineLocation = { readonly kind: 'inline'; readonly data: string; readonly filename: string | null };
/** What /upload received; only a source. */
export type UploadLocation = { readonly kind: 'upload'; readonly uploadId: string };
/** A path under FILE_ROOTS. */
export type FileLocation = { readonly kind: 'file'; readonly path: string };
/** The platform's own storage, by key; never written by a caller. */
export type ManagedLocation = { readonly kind: 'managed'; readonly key: string };

/** The operator's Cloudinary account; only a destination, and only our own. */
export type CloudinaryLocation = {
  readonly kind: 'cloudinary';
  readonly resourceType: 'image' | 'video';
  /** The public id, folders included. */
  readonly path: string;
};

export type Location =
  | HttpLocation
  | S3Location
  | FtpLocation
  | InlineLocation
  | UploadLocation
  | FileLocation
  | ManagedLocation
  | CloudinaryLocation;
export type LocationKind = Location['kind'];

export const SOURCE_KINDS = ['http', 'https', 's3', 'ftp', 'ftps', 'inline', 'upload', 'file'] as const;
export const DESTINATION_KINDS = ['s3', 'http', 'https', 'ftp', 'ftps', 'file', 'managed'] as const;

/** The fields that are sealed in the database and shown as `***`. */
export const SECRET_FIELDS = ['accessKeyId', 'accessKeySecret', 'sessionToken', 'password', 'headers'] as const;

/** A place in the operator's S3: endpoint, region and credentials are the settings'. */
export const ownBucket = (bucket: string, path: string): S3Location => ({
  kind: 's3',
  bucket,
  path,
  region: null,
  endpoint: null,
  forcePathStyle: null,
  accessKeyId: null,
  accessKeySecret: null,
  sessionToken: null,
  acl: null,
});
