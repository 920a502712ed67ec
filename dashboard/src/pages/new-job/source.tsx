// Where the media of a new job comes from: a file of this machine, or a place the server reads.
import { bytes, t } from '../../text/text.ts';
import { Field, SegmentedControl } from '../../ui/field.tsx';
import { Card } from '../../ui/parts.tsx';
import { isSimple, type Schema, SchemaFields } from '../../ui/schema-fields.tsx';
import { FILE, type Spec } from './spec.ts';

type SourceProps = {
  schema: Schema;
  kind: string;
  spec: Spec;
  onKind: (kind: string) => void;
  onSpec: (spec: Spec) => void;
  file: File | null;
  onFile: (file: File | null) => void;
};

export function Source({ schema, kind, spec, onKind, onSpec, file, onFile }: SourceProps) {
  const variants = (schema.properties?.source?.oneOf ?? schema.properties?.source?.anyOf ?? []).filter(
    ({ properties }) => !properties?.kind?.enum?.some((one) => one === 'inline' || one === 'upload'),
  );
  const kinds = variants.flatMap(({ properties }) => properties?.kind?.enum ?? []).map(String);
  const variant = variants.find(({ properties }) => properties?.kind?.enum?.includes(kind));
  const names = Object.keys(variant?.properties ?? {}).filter(
    (name) => !['kind', 'method', 'acl'].includes(name) && isSimple(variant?.properties?.[name] ?? {}),
  );
  const { source: _, ...rest } = spec;
  return (
    <Card title={t('jobs.source')}>
      <div className="body stack">
        <SegmentedControl
          label={t('newjob.kind')}
          value={kind}
          options={[[FILE, t('newjob.file')], ...kinds.map((one) => [one, one] as const)]}
          onChange={(next) => {
            onKind(next);
            onSpec(next === FILE ? rest : { ...rest, source: { kind: next } });
          }}
        />
        {kind === FILE ? (
          <FilePick file={file} onFile={onFile} />
        ) : (
          variant && (
            <SchemaFields
              schema={variant}
              names={names}
              values={spec.source ?? {}}
              onChange={(source) => onSpec({ ...spec, source })}
            />
          )
        )}
      </div>
    </Card>
  );
}

export function FilePick({ file, onFile }: { file: File | null; onFile: (file: File | null) => void }) {
  return (
    <Field label={t('newjob.file')} {...(file ? { hint: bytes(file.size) } : {})}>
      {(id, described) => (
        <input
          id={id}
          aria-describedby={described}
          className="input"
          type="file"
          onChange={({ target }) => onFile(target.files?.[0] ?? null)}
        />
      )}
    </Field>
  );
}
