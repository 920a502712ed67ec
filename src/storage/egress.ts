// The one address guard: a name is resolved once, every answer is judged, and the judged address is the one dialled. Sources,
// destinations, webhooks and live inputs all go out through it; opened by platform.ts.
import dns from 'node:dns/promises';
import http from 'node:http';
import https from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import type { Duplex } from 'node:stream';
import { getCACertificates } from 'node:tls';
import type { Dispatcher } from 'undici';
import { PlatformError } from '#domain/error.ts';
import { type AddressRange, parseRanges, refusal } from '#storage/egress-address.ts';
import { storageError } from '#storage/storage-error.ts';

export type EgressRole = 'source' | 'destination';
export type ResolvedAddress = { readonly address: string; readonly family: 4 | 6 };

/** The guard with the voice of one role: its refusals are `source_refused_address` or `destination_refused_address`. */
export type Guard = {
  readonly role: EgressRole;
  /**
   * Parses a URL and judges its host where that is an address, in whatever spelling. Names are judged when they are dialled.
   * @throws PlatformError `*_refused_address`; `invalid_request` where it is no URL or has another scheme
   */
  checkUrl(url: string | URL, schemes?: readonly string[]): URL;
  /** Resolves a host once and judges every answer; dial the address it gives. @throws PlatformError `*_refused_address`, `*_unreachable` */
  resolve(host: string): Promise<ResolvedAddress>;
  /** For node:net and node:tls. It never sees a host that is an address: use checkUrl or resolve for those. */
  readonly lookup: LookupFunction;
  /** For undici's request and fetch. Judges addresses too, when it dials. Loaded at the first call: undici costs 25 MB. */
  dispatcher(): Promise<Dispatcher>;
  /** For node:http, node:https and the AWS SDK. */
  readonly agents: { readonly http: http.Agent; readonly https: https.Agent };
  /** Certificates trusted besides the usual ones; undefined for the usual ones alone. */
  readonly ca: string[] | undefined;
};

/** The guard itself speaks for destinations (webhooks too); `as('source')` is the same guard for sources. */
export type Egress = Guard & {
  as(role: EgressRole): Guard;
  close(): Promise<void>;
};

export type EgressOptions = {
  /** EGRESS_ALLOW: CIDRs that may be dialled although not public. */
  readonly allow: readonly string[];
  /** The resolver; the system's own where left out. */
  readonly lookup?: (host: string) => Promise<readonly { readonly address: string; readonly family: number }[]>;
  /** A further certificate authority, PEM. */
  readonly ca?: string;
};

const CONNECT_TIMEOUT_MS = 10_000;
const RESOLVE_TIMEOUT_MS = 10_000;

/** @throws PlatformError `invalid_setting` where `allow` has something that is no CIDR */
export function createEgress(options: EgressOptions): Egress {
  const allow = parseRanges(options.allow);
  const ca = options.ca === undefined ? undefined : [...getCACertificates('default'), options.ca];
  const lookup = options.lookup ?? ((host: string) => dns.lookup(host, { all: true, verbatim: true }));
  const destination = createGuard('destination', { allow, lookup, ca });
  const source = createGuard('source', { allow, lookup, ca });
  return {
    ...destination.guard,
    as: (role) => (role === 'source' ? source.guard : destination.guard),
    close: async () => {
      await Promise.all([source.close(), destination.close()]);
    },
  };
}

type GuardParts = {
  readonly allow: readonly AddressRange[];
  readonly lookup: (host: string) => Promise<readonly { readonly address: string; readonly family: number }[]>;
  readonly ca: string[] | undefined;
};

function createGuard(role: EgressRole, { allow, lookup, ca }: GuardParts): { guard: Guard; close(): Promise<void> } {
  const judge = (host: string, address: string) => {
    const why = refusal(address, allow);
    if (why === null) return;
    const what = host === address ? `${host} is ${why}` : `${host} leads to ${address}, ${why}`;
    throw storageError(`${what}; only public addresses and those of EGRESS_ALLOW may be reached.`, {
      role,
      fault: 'refused_address',
    });
  };
  const judgeLiteral = (host: string) => {
    const bare = withoutBrackets(host);
    if (isIP(bare) !== 0) judge(bare, bare);
    // RFC 6761 §6.3: these names are loopback everywhere, whatever a resolver makes of them.
    else if (/(^|\.)localhost\.?$/i.test(bare)) judge(bare, '127.0.0.1');
  };

  const resolveAll = async (host: string): Promise<ResolvedAddress[]> => {
    const name = withoutBrackets(normalizeHost(host));
    const literal = isIP(name);
    judgeLiteral(name);
    if (literal !== 0) {
      return [{ address: name, family: literal === 4 ? 4 : 6 }];
    }
    let answers: readonly { readonly address: string; readonly family: number }[];
    try {
      answers = await withTimeout(lookup(name), RESOLVE_TIMEOUT_MS);
    } catch (error) {
      throw storageError(`The host name ${name} could not be resolved.`, { role, fault: 'unreachable', cause: error });
    }
    if (answers.length === 0) {
      throw storageError(`The host name ${name} has no address.`, { role, fault: 'unreachable' });
    }
    // One bad answer spoils the name: which of them is dialled is not for the name's owner to play with.
    for (const { address } of answers) judge(name, address);
    return answers.map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4 }));
  };

  const guardedLookup: LookupFunction = (host, options, done) => {
    resolveAll(host).then(
      (found) => {
        const wanted = Number(options.family === 'IPv4' ? 4 : options.family === 'IPv6' ? 6 : (options.family ?? 0));
        const fitting = wanted === 0 ? found : found.filter(({ family }) => family === wanted);
        const [first] = fitting;
        if (!first) done(new Error(`${host} has no IPv${wanted} address`), '', 0);
        else if (options.all) done(null, [...fitting]);
        else done(null, first.address, first.family);
      },
      (error) => done(error, '', 0),
    );
  };

  const agents = {
    http: guarded(new http.Agent({ keepAlive: true, lookup: guardedLookup }), judgeLiteral),
    https: guarded(new https.Agent({ keepAlive: true, lookup: guardedLookup, ...(ca && { ca }) }), judgeLiteral),
  };

  let dispatcher: Promise<Dispatcher> | undefined;
  const openDispatcher = async (): Promise<Dispatcher> => {
    const { Agent, buildConnector } = await import('undici');
    const connect = buildConnector({ lookup: guardedLookup, timeout: CONNECT_TIMEOUT_MS, ...(ca && { ca }) });
    return new Agent({
      connect: (options, done) => {
        try {
          judgeLiteral(options.hostname);
        } catch (error) {
          done(error instanceof Error ? error : new Error(String(error)), null);
          return;
        }
        connect(options, done);
      },
    });
  };

  const guard: Guard = {
    role,
    ca,
    agents,
    lookup: guardedLookup,
    checkUrl(url, schemes = ['http:', 'https:']) {
      const parsed = parseUrl(url, schemes);
      judgeLiteral(normalizeHost(parsed.hostname));
      return parsed;
    },
    resolve: async (host) => {
      const [first] = await resolveAll(host);
      if (!first) throw storageError(`The host name ${host} has no address.`, { role, fault: 'unreachable' });
      return first;
    },
    dispatcher() {
      dispatcher ??= openDispatcher();
      return dispatcher;
    },
  };
  return {
    guard,
    close: async () => {
      agents.http.destroy();
      agents.https.destroy();
      await (await dispatcher)?.destroy();
    },
  };
}

/** An agent whose lookup judges names; what has no name to look up is judged here, before it is dialled. */
function guarded<Agent extends http.Agent>(agent: Agent, judge: (host: string) => void): Agent {
  const connect = agent.createConnection.bind(agent);
  agent.createConnection = (options, done) => {
    try {
      judge(options.host ?? '127.0.0.1');
    } catch (error) {
      done?.(error instanceof Error ? error : new Error(String(error)), undefined as unknown as Duplex);
      return undefined;
    }
    return connect(options, done);
  };
  return agent;
}

function parseUrl(url: string | URL, schemes: readonly string[]): URL {
  const parsed = typeof url === 'string' ? URL.parse(url) : url;
  if (!parsed || parsed.hostname === '') throw new PlatformError('invalid_request', 'The address is not a valid URL.');
  if (!schemes.includes(parsed.protocol)) {
    const allowed = schemes.map((scheme) => scheme.replace(':', '')).join(', ');
    throw new PlatformError(
      'invalid_request',
      `The address begins with ${parsed.protocol}// and must be one of ${allowed}.`,
    );
  }
  return parsed;
}

/**
 * A host as the URL standard writes it for http: 2130706433, 0x7f.1 and full-width digits become 127.0.0.1. URL() does
 * that for http alone, while the system's resolver understands such spellings everywhere, so other schemes' hosts pass here first.
 */
function normalizeHost(host: string): string {
  const bare = isIP(host) === 6 ? `[${host}]` : host;
  const parsed = /[/?#@\\\s]|^[^[].*:/.test(bare) ? null : URL.parse(`http://${bare}/`);
  if (parsed?.port !== '' || parsed.hostname === '') {
    throw new PlatformError('invalid_request', `${JSON.stringify(host.slice(0, 200))} is not a host name.`);
  }
  return parsed.hostname;
}

function withoutBrackets(host: string): string {
  return host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
}

async function withTimeout<T>(work: Promise<T>, milliseconds: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${milliseconds / 1000} s`)), milliseconds);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
