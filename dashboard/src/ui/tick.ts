// Draws what uses it anew every so often, so that "3 minutes ago" stays true. Used by the frame for the whole page.
import { useEffect, useState } from 'react';

/** @param every milliseconds */
export function useTick(every: number): void {
  const [, setCount] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') setCount((count) => count + 1);
    }, every);
    return () => clearInterval(timer);
  }, [every]);
}
