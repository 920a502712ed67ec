// Shows what the key of this tab may do and what this server serves, and nothing that would only be refused.
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { read } from '../api/http.ts';

/** Whether this key may; as long as the server has not said so, it is taken to. */
export function useMay(scope: 'write' | 'admin'): boolean {
  const { data } = useQuery({ queryKey: ['session'], queryFn: () => read('GET /session') });
  return data === undefined || data.scopes.includes('admin') || data.scopes.includes(scope);
}

export function May({ scope, children }: { scope: 'write' | 'admin'; children: ReactNode }) {
  return useMay(scope) ? children : null;
}

/** Whether this server has an API; as long as it has not said so, it is taken to. */
export function useServes(api: string): boolean {
  const { data } = useQuery({ queryKey: ['session'], queryFn: () => read('GET /session') });
  return data?.apis.includes(api) ?? true;
}

export function Served({ api, children }: { api: string; children: ReactNode }) {
  return useServes(api) ? children : null;
}
