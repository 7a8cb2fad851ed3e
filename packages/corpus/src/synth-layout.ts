/** One infant of Baby Chillanto. */
export interface Infant {
  /** four digits, as in the file names */
  id: string;
  /** one-second segments, numbered from 1 */
  segments: number;
}

/**
 * `infant:segments` of Baby Chillanto by class code: 2,268 segments of 73 infants. The corpus is licensed, but its
 * counts and file names are facts that may be published.
 */
const TABLE: Readonly<Record<string, string>> = {
  // normal: 5 infants, 507 segments
  '000': `0052:358 0053:88 0070:30 0071:21 0078:10`,
  // hunger: 33 infants, 350 segments
  '001': `0004:7 0005:3 0011:6 0012:5 0016:6 0018:5 0021:7 0023:7 0031:17 0033:13 0034:12 0035:9 0036:9 0037:8
    0038:12 0039:9 0040:18 0041:16 0042:9 0043:8 0044:10 0046:17 0047:9 0048:5 0051:9 0075:17 0076:13
    0077:12 0079:9 0080:11 0081:14 0083:26 0088:12`,
  // pain: 23 infants, 192 segments
  '002': `0001:8 0002:8 0003:8 0006:4 0007:5 0008:5 0009:5 0010:8 0013:12 0014:3 0015:5 0017:3 0019:3 0020:6
    0022:3 0024:8 0032:8 0045:4 0049:13 0050:10 0072:12 0073:12 0074:39`,
  // deaf: 6 infants, 879 segments
  '010': `0025:121 0026:56 0027:158 0028:234 0029:70 0030:240`,
  // asphyxia: 6 infants, 340 segments
  '030': `0063:53 0064:64 0065:57 0066:58 0067:53 0068:55`,
};

/** The infants of each class, by class code, in the order of their ids. */
export const CHILLANTO_LAYOUT: ReadonlyMap<string, readonly Infant[]> = new Map(
  Object.entries(TABLE).map(([code, text]) => [
    code,
    text.split(/\s+/).map((entry) => {
      const [id, segments] = entry.split(':');
      return { id, segments: Number(segments) };
    }),
  ]),
);
