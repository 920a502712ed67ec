// What is to become of the source of a new job: one card an output.
import { Plus, Trash2 } from 'lucide-react';
import { useState } from 'react';
import { t } from '../../text/text.ts';
import { Card } from '../../ui/parts.tsx';
import { isSimple, type Schema, SchemaFields, type Values } from '../../ui/schema-fields.tsx';

/** What most want to say; the rest is one click away. */
const FIRST = ['container', 'width', 'height', 'videoCodec', 'audioCodec', 'crf', 'preset'];

type OutputsProps = { schema: Schema; outputs: readonly Values[]; onChange: (outputs: readonly Values[]) => void };

export function OutputFields({ schema, outputs, onChange }: OutputsProps) {
  const [all, setAll] = useState(false);
  const item = schema.properties?.outputs?.items ?? {};
  const simple = Object.keys(item.properties ?? {}).filter((name) => isSimple(item.properties?.[name] ?? {}));
  const names = all ? simple : simple.filter((name) => FIRST.includes(name));
  return (
    <>
      {outputs.map((output, i) => (
        <Card
          // biome-ignore lint/suspicious/noArrayIndexKey: outputs are known by their place
          key={i}
          title={t('newjob.output', { n: i + 1 })}
          side={
            outputs.length > 1 && (
              <button
                type="button"
                className="button plain icon small"
                aria-label={t('newjob.output.remove', { n: i + 1 })}
                onClick={() => onChange(outputs.filter((_, other) => other !== i))}
              >
                <Trash2 size={15} aria-hidden />
              </button>
            )
          }
        >
          <div className="body stack">
            <SchemaFields
              schema={item}
              names={names}
              values={output}
              onChange={(values) => onChange(outputs.map((one, other) => (other === i ? values : one)))}
            />
          </div>
        </Card>
      ))}
      <div className="row">
        <button type="button" className="button" onClick={() => onChange([...outputs, { container: 'mp4' }])}>
          <Plus size={16} aria-hidden /> {t('newjob.output.add')}
        </button>
        <button type="button" className="button plain" aria-expanded={all} onClick={() => setAll(!all)}>
          {t(all ? 'newjob.fewer' : 'newjob.all')}
        </button>
      </div>
    </>
  );
}
