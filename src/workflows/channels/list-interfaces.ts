// The network interfaces of this machine, for those who choose where multicast goes. Called by the channels API.
import { readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';

export type NetworkInterface = {
  readonly name: string;
  readonly ip: string;
  readonly family: 'IPv4' | 'IPv6';
  readonly isUp: boolean;
  readonly multicast: boolean;
};

/** if.h: IFF_UP, IFF_LOOPBACK, IFF_MULTICAST */
const UP = 0x1;
const LOOPBACK = 0x8;
const MULTICAST = 0x1000;

/** One entry for every address, as the system lists them: an interface without an address has nothing to choose. */
export async function listInterfaces(): Promise<NetworkInterface[]> {
  const found: NetworkInterface[] = [];
  for (const [name, addresses = []] of Object.entries(networkInterfaces())) {
    const flags = await flagsOf(name);
    for (const { address, family, internal } of addresses) {
      found.push({
        name,
        ip: address,
        family: family === 'IPv6' ? 'IPv6' : 'IPv4',
        // Only interfaces that are up have addresses in this list on systems without flags to read.
        isUp: flags === null || (flags & UP) !== 0,
        multicast: flags === null ? !internal : (flags & MULTICAST) !== 0 || (flags & LOOPBACK) !== 0,
      });
    }
  }
  return found;
}

/** Null where the system does not tell (not Linux), or the interface has gone. */
async function flagsOf(name: string): Promise<number | null> {
  try {
    return Number.parseInt(await readFile(`/sys/class/net/${name}/flags`, 'utf8'), 16);
  } catch {
    return null;
  }
}
