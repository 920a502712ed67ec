// Shows what the key of this tab may do, and nothing that would only be refused.
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { read } from '../api/http.ts';

export function May({ scope, children }: { scope: 'write' | 'admin'; children: ReactNode }) {
  const { data } = useQuery({ queryKey: ['session'], queryFn: () => read('GET /session') });
  const may = data === undefined || data.scopes.includes('admin') || data.scopes.includes(scope);
  return may ? children : null;
}
