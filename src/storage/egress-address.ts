// Which addresses may be dialled: pure. Used by egress.ts alone, which every outgoing connection goes through.
import ipaddr from 'ipaddr.js';
import { PlatformError } from '#domain/error.ts';

type Address = ipaddr.IPv4 | ipaddr.IPv6;
export type AddressRange = readonly [Address, number];

/** Public addresses that only mean something inside a cloud: Azure's host service. The other clouds' lie in ranges refused anyway. */
const INSIDE_CLOUDS: AddressRange = [ipaddr.parse('168.63.129.16'), 32];
/** All that IANA has given out for the public IPv6 internet. */
const GLOBAL_IPV6: AddressRange = [ipaddr.parse('2000::'), 3];
/** Translation within one network (RFC 8215): where it leads is that network's own affair. */
const LOCAL_TRANSLATION: AddressRange = [ipaddr.parse('64:ff9b:1::'), 48];

/** Parses EGRESS_ALLOW: CIDRs, or single addresses. @throws PlatformError `invalid_setting` naming the wrong one */
export function parseRanges(cidrs: readonly string[]): AddressRange[] {
  return cidrs.map((cidr) => {
    try {
      if (cidr.includes('/')) return ipaddr.parseCIDR(cidr);
      const address = ipaddr.process(cidr);
      return [address, address.kind() === 'ipv4' ? 32 : 128] as const;
    } catch (error) {
      throw new PlatformError(
        'invalid_setting',
        `EGRESS_ALLOW: ${JSON.stringify(cidr)} is not a CIDR such as 10.0.0.0/8.`,
        {
          cause: error,
        },
      );
    }
  });
}

/**
 * Why an address may not be dialled (`a private address`), or null where it may. Only addresses of the public internet
 * pass, and those in `allow`; an IPv4 address carried inside an IPv6 one is judged as what it is.
 */
export function refusal(literal: string, allow: readonly AddressRange[]): string | null {
  if (!ipaddr.isValid(literal)) return 'not an address';
  const address = ipaddr.parse(literal);
  const inner = carriedIPv4(address);
  const forms = inner ? [address, inner] : [address];
  if (allow.some((range) => forms.some((form) => matches(form, range)))) return null;
  if (inner) return refusedIPv4(inner);
  return address instanceof ipaddr.IPv4 ? refusedIPv4(address) : refusedIPv6(address);
}

function refusedIPv4(address: ipaddr.IPv4): string | null {
  if (matches(address, INSIDE_CLOUDS)) return "a cloud's internal address";
  return named(address.range());
}

function refusedIPv6(address: ipaddr.IPv6): string | null {
  const why = named(address.range());
  if (why !== null) return why;
  if (!matches(address, GLOBAL_IPV6)) return 'a reserved address';
  // ISATAP (RFC 5214): an IPv4 address behind the interface identifier 0[02]00:5efe.
  const [, , , , flags = 0, mark = 0, high = 0, low = 0] = address.parts;
  return (flags & 0xfdff) === 0 && mark === 0x5efe ? refusedIPv4(fromWords(high, low)) : null;
}

/** The IPv4 address inside: mapped, compatible, NAT64, stateless translation, 6to4. */
function carriedIPv4(address: Address): ipaddr.IPv4 | null {
  if (address instanceof ipaddr.IPv4) return null;
  const [a = 0, b = 0, c = 0, , , , high = 0, low = 0] = address.parts;
  const range: string = address.range();
  if (range === '6to4') return fromWords(b, c);
  if (range === 'rfc6052') return matches(address, LOCAL_TRANSLATION) ? null : fromWords(high, low);
  if (range === 'ipv4Mapped' || range === 'rfc6145') return fromWords(high, low);
  const compatible = a === 0 && address.parts.slice(0, 6).every((part) => part === 0);
  return compatible && !(high === 0 && low <= 1) ? fromWords(high, low) : null;
}

function fromWords(high: number, low: number): ipaddr.IPv4 {
  return new ipaddr.IPv4([high >> 8, high & 255, low >> 8, low & 255]);
}

function matches(address: Address, [network, bits]: AddressRange): boolean {
  return address.kind() === network.kind() && address.match(network, bits);
}

const NAMES: Readonly<Record<string, string>> = {
  private: 'a private address',
  loopback: 'a loopback address',
  linkLocal: 'a link-local address',
  uniqueLocal: 'a private address',
  carrierGradeNat: "a carrier's internal address",
  multicast: 'a multicast address',
  broadcast: 'a broadcast address',
  unspecified: 'an unspecified address',
};

function named(range: string): string | null {
  return range === 'unicast' ? null : (NAMES[range] ?? 'a reserved address');
}
