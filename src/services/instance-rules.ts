/** Names of instances, both configured and found ones. They are filled into units, paths, URLs and commands. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/;
/** systemd.unit(5). systemctl would read brackets, `*` and `?` as a pattern, and a leading hyphen as an option. */
const UNIT = /^(?!-)[A-Za-z0-9:_.@\\-]+\.(?:service|socket|target|path|timer)$/;
const LONGEST_UNIT = 255;
const HOST_AND_PORT = /^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_][A-Za-z0-9_.-]{0,252}):(\d{1,5})$/;

/** The hint for an instance with a flaw. */
export const FLAW_HINT =
  'a name has letters, digits, ".", "_", ":" and "-", begins with a letter or a digit, and is of one instance alone; an address is host:port';

/** An instance that was found without a name has its address as its name. */
export function isInstanceName(text: string): boolean {
  return NAME.test(text) || isAddress(text);
}

export function isUnitName(text: string): boolean {
  return text.length <= LONGEST_UNIT && UNIT.test(text);
}

/** `host:port`. */
export function isAddress(text: string): boolean {
  const port = Number(HOST_AND_PORT.exec(text)?.[1]);
  return port >= 1 && port <= 65_535;
}
