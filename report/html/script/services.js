"use strict";
// Services in words: protocols and ports.

const PROTOCOLS = { Icmp: 1, Tcp: 6, Udp: 17, Esp: 50, Ah: 51 };
const PROTOCOL_NAMES = new Map(Object.entries(PROTOCOLS).map(([name, number]) => [number, name]));

/** portsText writes a list of port ranges; all of them are "". */
function portsText(ports) {
  return ports.length === 1 && ports[0] === "0-65535" ? "" : ports.join(", ");
}

/** protocolNumbers reads a list of protocols, names and numbers and ranges of
 * numbers apart by commas; null when it is something else. */
function protocolNumbers(word) {
  if (word === "*") return new Set(Array(256).keys());
  const out = new Set();
  for (const part of word.split(",")) {
    const [first, end = first] = part.trim().split("-").map((x) => PROTOCOLS[x] ?? (/^\d{1,3}$/.test(x) ? Number(x) : NaN));
    if (!(first <= end && end < 256)) return null;
    for (let n = first; n <= end; n++) out.add(n);
  }
  return out;
}

/** protocolWords names protocols; those without a name as ranges. */
function protocolWords(numbers) {
  const names = [], ranges = [];
  for (let n = 0; n < 256; n++) {
    if (!numbers.has(n)) continue;
    if (PROTOCOL_NAMES.has(n)) names.push(PROTOCOL_NAMES.get(n));
    else if (ranges.length && ranges[ranges.length - 1][1] === n - 1) ranges[ranges.length - 1][1] = n;
    else ranges.push([n, n]);
  }
  return [...names, ...ranges.map(([a, b]) => a === b ? String(a) : a + "-" + b)];
}

/** protocolsText names protocols in the fewest words. */
function protocolsText(numbers) {
  const others = protocolWords(new Set([...Array(256).keys()].filter((n) => !numbers.has(n))));
  if (!others.length) return "any protocol";
  if (others.length < 3) return "any protocol but " + others.join(" and ");
  return protocolWords(numbers).join(", ");
}

/** joinedPorts unites lists of port ranges. */
function joinedPorts(lists) {
  const ranges = lists.flat().map((r) => r.split("-").map(Number)).map(([a, b = a]) => [a, b]).sort((x, y) => x[0] - y[0]);
  const out = [];
  for (const [first, end] of ranges) {
    const before = out[out.length - 1];
    if (before && first <= before[1] + 1) before[1] = Math.max(before[1], end);
    else out.push([first, end]);
  }
  return out.map(([a, b]) => a === b ? String(a) : a + "-" + b);
}

/** servicesText writes services, [protocols, destination ports, source ports]
 * each, as few texts: ports of one protocol are united, and so are protocols of
 * the same ports. */
function servicesText(services) {
  const byProtocol = new Map();
  for (const [word, ports, sources] of services) {
    const key = word + " " + sources.join();
    if (!byProtocol.has(key)) byProtocol.set(key, { word, sources, lists: [] });
    byProtocol.get(key).lists.push(ports);
  }
  const together = new Map();
  const others = [];
  for (const { word, sources, lists } of byProtocol.values()) {
    const numbers = protocolNumbers(word), ports = portsText(joinedPorts(lists)), from = portsText(sources);
    const tail = (ports && " " + ports) + (from && " from port " + from);
    if (!numbers) others.push(word + tail);
    else if (together.has(tail)) numbers.forEach((n) => together.get(tail).add(n));
    else together.set(tail, numbers);
  }
  return [...[...together].map(([tail, numbers]) => protocolsText(numbers) + tail), ...others];
}
