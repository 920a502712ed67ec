// Where the dashboard begins.
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { ApiError } from './api/http.ts';
import { Frame } from './shell/frame.tsx';
import { applyTheme } from './shell/theme.ts';
import { preferredLanguage, setLanguage } from './text/text.ts';
import './style/index.css';

applyTheme();
await setLanguage(preferredLanguage(), { keep: false });
const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5000,
      // What the server refuses it refuses again.
      retry: (count, error) => count < 2 && !(error instanceof ApiError && error.status >= 400 && error.status < 500),
    },
  },
});
const root = document.getElementById('root');
if (root) {
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={client}>
        <Frame />
      </QueryClientProvider>
    </StrictMode>,
  );
}
