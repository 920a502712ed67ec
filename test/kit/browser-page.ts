// A page of a real Chromium on the dashboard, which notes what it asks of whom and what goes wrong. Used by the tests of the dashboard.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { BROWSER } from './browser.ts';
import { eventually } from './eventually.ts';

export const openBrowser = (): Promise<Browser> => chromium.launch(BROWSER);

/** Milliseconds that a machine under load may take for what takes a second. */
const PATIENCE = 240_000;

export type View = {
  readonly width?: number;
  readonly height?: number;
  readonly scheme?: 'light' | 'dark';
  readonly locale?: string;
};
export type Visit = AsyncDisposable & {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Hosts other than the server's that anything was asked of. */
  readonly strangers: readonly string[];
  /** Exceptions that no code of the page caught. */
  readonly breaks: readonly string[];
};

/** A context of its own: nothing is stored from a visit before. */
export async function visit(browser: Browser, url: string, view: View = {}): Promise<Visit> {
  const { width = 1440, height = 900, scheme = 'light', locale = 'en-GB' } = view;
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme, locale });
  context.setDefaultTimeout(PATIENCE);
  const page = await context.newPage();
  const own = new URL(url).host;
  const strangers: string[] = [];
  const breaks: string[] = [];
  page.on('request', (request) => {
    const { protocol, host } = new URL(request.url());
    if (protocol !== 'blob:' && protocol !== 'data:' && host !== own) strangers.push(host);
  });
  page.on('pageerror', (error) => breaks.push(error.message));
  await page.goto(url);
  return { page, context, strangers, breaks, [Symbol.asyncDispose]: () => context.close() };
}

/**
 * Waits until an expression of the page is true. Asked from here: the page's own policy forbids evaluating text, which
 * waiting inside of it would be.
 */
export async function holds(page: Page, expression: string): Promise<void> {
  await eventually(async () => assert.ok(await page.evaluate(expression), `not so: ${expression}`), {
    within: PATIENCE,
    every: 50,
  });
}

/** By the rules of WCAG 2.2 A and AA and axe's best practice, or those alone that depend on the colours. */
export type AxeRules = 'all' | 'colours';
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** Two frames, so that what begins to move has begun, and then until it has moved; what moves for ever is let be. */
const STILL = `new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))).then(() =>
  Promise.allSettled(document.getAnimations().filter((one) => one.effect.getTiming().iterations !== Infinity).map((one) => one.finished)))
  .then(() => undefined)`;

/** What axe finds, one line each: nothing where all is well. */
export async function findViolations(page: Page, rules: AxeRules = 'all'): Promise<string[]> {
  // What fades would be judged half-way.
  await page.evaluate(STILL);
  const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  // As a function of the page, not as a script of its document: its policy allows no inline scripts.
  await page.evaluate(`window.axe ? undefined : (${'() => {'}${axe}${'}'})()`);
  const runOnly = rules === 'all' ? TAGS : { type: 'rule', values: ['color-contrast'] };
  const found = await page.evaluate(async (only) => {
    const scope = globalThis as unknown as {
      axe: {
        run(
          document: object,
          options: object,
        ): Promise<{ violations: { id: string; nodes: { target: unknown[]; failureSummary?: string }[] }[] }>;
      };
      document: object;
    };
    // What passes is not described node by node: nobody reads it.
    const { violations } = await scope.axe.run(scope.document, { runOnly: only, resultTypes: ['violations'] });
    return violations.map(({ id, nodes }) => ({
      id,
      nodes: nodes.slice(0, 3).map(({ target, failureSummary }) => `${target.join(' ')}: ${failureSummary ?? ''}`),
    }));
  }, runOnly);
  return found.map(({ id, nodes }) => `${id} ${nodes.join(' | ').replace(/\s+/g, ' ')}`);
}
