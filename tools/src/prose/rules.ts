/** A phrase that readers stumble over, and what to write instead. */
export interface ProseRule {
  /** Matched in any case. A blank matches any white space. */
  readonly pattern: RegExp;
  readonly instead: string;
}

/** Patterns and what to write instead. A pattern only matches whole words. */
const rules: readonly (readonly [RegExp, string])[] = [
  // Archaic or translated word for word
  [/anew|afresh/, 'again, from scratch'],
  [/mend(s|ed|ing)?/, 'fix, repair'],
  [/whoever|whomever|whosoever/, 'name the subject: callers, clients, anyone who'],
  [/somebody|anybody/, 'name the subject: a client, another process, someone'],
  [/(goes|went|gone|going|go) on(?! (a|an|the|to) )/, 'continues, resumes, happens'],
  [/told|tells|telling/, 'says, reports, prints, shows, distinguishes'],
  [/bear(s|ing)? with|borne/, 'tolerates'],
  [/looks? (whether|if|anew)/, 'checks whether'],
  [/(could|can|did) not look/, 'refresh failed, cannot poll'],
  [/(between|at|each|every|per|since) (a |the |last |next |first )*looks?/, 'poll, check'],
  [/and (says?|said) so|(says?|said) so/, 'states it, reports it, prints a warning'],
  [/(is|are|was|were|be|been|being) said/, 'is printed, reported, logged'],
  [/of those (that|who|with|which|of|whose|it|in|without)/, 'of the ... that'],
  [/there (is|are|was|were) none/, 'if there is no ..., without ...'],
  [
    /(?<!there )(is|are|was|were|be) no (?!longer|more|less|different|worse|better|other|larger|smaller)[a-z]+/,
    'is not a',
  ],
  [/(where|if|which|that|it|this|value) (is|are) none/, 'is not one, is missing'],
  [/(is|are|was|were|be) asked for/, 'is requested'],
  [/ask(s|ed|ing)? (again|anew)/, 'polls, retries'],
  [/end(s|ed)? so/, 'ends this way'],
  [/(is|are|was|were) ended/, 'is stopped, killed, closed'],
  [/ends (it|them|him)(?! is)/, 'stops it, kills it, closes it'],
  [/let(s|ting)? go( of)?/, 'releases'],
  [/(is|are|was|were|be|being) away/, 'is unavailable, is unreachable, is down'],
  [/of (ours|theirs|yours)/, 'our, their, your'],
  [/of the (user|operator|client|caller)'s(?! [a-z])/, "the user's"],
  [/again and again/, 'repeatedly'],
  [/once more/, 'again'],
  [/in vain/, 'without success'],
  [/for want of/, 'for lack of, because ... is missing'],
  [/without a word/, 'silently'],
  [/for good(?! reason| measure)/, 'permanently'],
  [/so (many|much|few)(?! that| as| more| less)/, 'this many, N, a given number of'],
  [/in the days/, 'while'],
  [/as [a-z]+( [a-z]+)? has it/, 'as in ...'],
  [/to blame|at fault/, 'is the cause'],
  [/likewise|hence|thence|whence|hitherto|lest|forthwith|henceforth|albeit|whilst|ere|till|nigh/, "use today's word"],
  [/(there|here|where)(by|of|in|upon|with|after|unto)/, "use today's word"],
  [/thereof|therein|wherein|hereby|heretofore/, "use today's word"],
  [/nought|aught|naught/, 'nothing, anything, zero'],
  [/(stand|stands|stood|said|lies?) beside/, 'is next to'],
  [/lies? (in|below|under|beside|there|on|at|where)/, 'is in, is stored in'],
  [/next to nothing/, 'hardly anything'],
  [/(hear|hears|heard|hearing) (of|nothing|how|that|it|from|about)/, 'receives, is notified of, learns of'],
  [/(nobody|no one|none|somebody|anybody) (has )?(heard|hears)/, 'no client received'],
  [/(speak|speaks|spoken|spoke) (for|of)/, 'describes, represents'],
  [/know(s|n)? of(?! [a-z]+ing)/, 'knows about'],
  [/knows no/, 'does not know'],
  [/names no/, 'does not name'],
  [/spares/, 'avoids, saves'],
  [/is spared/, 'is kept, is skipped'],
  [/in all(?=[,.;:)])/, 'in total'],
  [/all the same/, 'anyway'],
  [/the very (same|first|last)/, 'exactly the same, the first'],
  [/as it were|so to speak|come what may/, 'leave it out'],
  [/(drives?|driven|brings?|brought|carr(y|ies|ied)) [a-z ]{0,30}to (its|their|an|the) end/, 'completes'],
  [/what (it|they|he|she) (is|are|was|were) (told|asked|given) for/, 'name the thing'],
  [/must not come back/, 'name the rule'],
  [/of a making|the making of/, 'creation, computation'],
  [/makes? of (it|them|these|those)/, 'computes from, derives from'],
  [/the present (one|command|version|run|champion|code)/, 'this, current'],
  [/the one before (it|the present)/, 'the previous one'],
  [/not to be had/, 'unavailable'],
  [/has no say|have no say/, 'does not affect'],
  [/in (his|her|its|their) stead/, 'instead'],
  [/of the same kind that/, 'such that'],
  // Stale or vague
  [/defects? of cryfold/, 'internal error'],
  [/design section/, 'link to a page in docs/'],
];

/** Every rule, matching whole words in any case and across line breaks. */
export const PROSE_RULES: readonly ProseRule[] = rules.map(([{ source }, instead]) => ({
  pattern: new RegExp(`(?<![\\w-])(?:${source.replaceAll(' ', '\\s+')})(?![\\w-])`, 'gi'),
  instead,
}));
