import { z } from 'zod';

/** How a reader determines which clips belong together. */
export const GROUP_KINDS = ['column', 'file-name', 'folder', 'recording', 'pattern', 'sounds', 'none'] as const;

/**
 * What the groups of a dataset are and how they were determined. Absent in records of earlier versions.
 *
 * - `column`: a column of a table, `name`
 * - `file-name`: file names of a known corpus; `name` is the kind of group, such as `infant`
 * - `folder`, `recording`: the user declared each folder or recording to be a group
 * - `pattern`: a regular expression of the user, `name`
 * - `sounds`: only equal or overlapping sounds are grouped
 * - `none`: groups are unknown, and each recording counts as its own group
 */
export const groupSourceSchema = z.strictObject({
  kind: z.enum(GROUP_KINDS),
  name: z.string().max(1000).optional(),
  /** Whether some recordings have no group in the column and count as their own */
  partial: z.literal(true).optional(),
});

export type GroupSource = z.infer<typeof groupSourceSchema>;

/** Used if nothing says which recordings belong together. */
export const NO_GROUPS: GroupSource = { kind: 'none' };
