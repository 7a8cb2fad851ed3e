import { z } from 'zod';

/** How a reader knows which clips belong together. */
export const GROUP_KINDS = ['column', 'file-name', 'folder', 'recording', 'pattern', 'sounds', 'none'] as const;

/**
 * What the groups of a dataset are and how they are known. Records of earlier versions have none: then nobody stated it.
 *
 * - `column`: a column of a table, `name`
 * - `file-name`: names of a corpus that is known; `name` is what a group is, such as `infant`
 * - `folder`, `recording`: the user said that each folder or recording is a group
 * - `pattern`: a regular expression of the user, `name`
 * - `sounds`: only equal or overlapping sounds are kept together
 * - `none`: nothing is known, and each recording counts as a group of its own
 */
export const groupSourceSchema = z.strictObject({
  kind: z.enum(GROUP_KINDS),
  name: z.string().max(1000).optional(),
  /** Where some recordings have no group in the column, and each counts as its own */
  partial: z.literal(true).optional(),
});

export type GroupSource = z.infer<typeof groupSourceSchema>;

/** Where nothing says which recordings belong together. */
export const NO_GROUPS: GroupSource = { kind: 'none' };
