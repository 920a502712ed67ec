// A picture that may lie behind a key, and may not be there yet.
import { useEffect, useState } from 'react';
import { openFile } from '../api/http.ts';

export function Picture({ path, alt = '', className }: { path: string; alt?: string; className?: string }) {
  const [address, setAddress] = useState<string | null>(null);
  useEffect(() => {
    let isGone = false;
    let made: string | null = null;
    // An address with a token of its own needs no key.
    const opening = path.includes('token=') ? Promise.resolve(path) : openFile(path);
    opening.then(
      (found) => {
        if (found.startsWith('blob:')) made = found;
        if (isGone) made && URL.revokeObjectURL(made);
        else setAddress(found);
      },
      // What is not there is not shown.
      () => !isGone && setAddress(null),
    );
    return () => {
      isGone = true;
      if (made) URL.revokeObjectURL(made);
    };
  }, [path]);
  if (address === null) return null;
  return <img src={address} alt={alt} className={className} loading="lazy" onError={() => setAddress(null)} />;
}
