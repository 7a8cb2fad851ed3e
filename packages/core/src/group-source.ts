import { z } from 'zod';

/** How a reader of a dataset determines which clips belong together. */
export const GROUP_KINDS = ['column', 'file-name', 'folder', 'recording', 'pattern', 'sounds', 'none'] as const;

/**
 * What the groups of a dataset are and how they were determined. Absent in records of earlier versions.
 * - `column`: the groups are in a table's column `name`
 * - `file-name`: the file names of a supported corpus contain the groups; `name` is the kind of group, such as `infant`
 * - `folder`, `recording`: the user declared each folder or recording to be a group
 * - `pattern`: the user's regular expression `name` extracts the groups
 * - `sounds`: only identical or overlapping sounds are grouped
 * - `none`: groups are unknown, and each recording counts as its own group
 */
export const groupSourceSchema = z.strictObject({
  kind: z.enum(GROUP_KINDS),
  name: z.string().max(1000).optional(),
  /** Whether some recordings have no value in the group column, so that each counts as its own group */
  partial: z.literal(true).optional(),
});

export type GroupSource = z.infer<typeof groupSourceSchema>;

/** Used if nothing indicates which recordings belong together. */
export const NO_GROUPS: GroupSource = { kind: 'none' };
