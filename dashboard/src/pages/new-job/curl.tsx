// The call that makes the same job from a shell.
import { hasKey } from '../../api/http.ts';
import { t } from '../../text/text.ts';
import { Code } from '../../ui/code.tsx';
import { Card } from '../../ui/parts.tsx';

/** A key is not for pages to show: whoever runs the line knows it. */
const KEY_VARIABLE = 'RENDITION_KEY';
const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** @param file the name of what is sent along; null where nothing is */
export function Curl({ json, file }: { json: string; file: string | null }) {
  return (
    <Card title="curl">
      <div className="body stack">
        <Code text={curl(json, file)} label="curl" />
        {hasKey() && (
          <p className="small quiet">
            {t('newjob.key')} <code>export {KEY_VARIABLE}=rk_…</code>
          </p>
        )}
      </div>
    </Card>
  );
}

function curl(json: string, file: string | null): string {
  const key = hasKey() ? ` \\\n  -H "Authorization: Bearer $${KEY_VARIABLE}"` : '';
  const body =
    file === null
      ? ` \\\n  -H 'Content-Type: application/json' \\\n  -d ${quote(json)}`
      : // As it is: -F alone would read a meaning into some characters.
        ` \\\n  --form-string spec=${quote(json)} \\\n  -F ${quote(`file=@"${file.replaceAll(/(["\\])/g, '\\$1')}"`)}`;
  return `curl -X POST ${location.origin}/jobs${key}${body}`;
}
