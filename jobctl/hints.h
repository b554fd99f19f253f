/* SPDX-License-Identifier: ISC */
/* What people try who know other programs of the kind, and what does it here. */
#ifndef JOBCTL_HINTS_H
#define JOBCTL_HINTS_H

/* For a word that is no verb (of family, or NULL): what to type instead, as a sentence's end. NULL: not
 * known. */
const char *hints_verb(const char *family, const char *word);

/* For an option that the verb does not take: what does. NULL: nothing that is known. */
const char *hints_option(const char *verb, const char *option);

#endif
