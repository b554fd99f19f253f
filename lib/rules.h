/* SPDX-License-Identifier: ISC */
/*
 * Rules: what a queue says of its jobs, and a job may say itself, as NAME=value. One
 * table has the names, what each value may be, and how it is written; the configuration file, the
 * protocol, the store's rows and jobctl share it. Libc only.
 */
#ifndef LIB_RULES_H
#define LIB_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum rule {
	RULE_MAX_RUNNING,    /* of the queue: jobs that hold a slot at once; 0: no limit of its own */
	RULE_PRIORITY,	     /* of the queue: of jobs that don't say */
	RULE_SUBMIT_USERS,   /* of the queue: who may submit to it; with neither: whoever may submit */
	RULE_SUBMIT_GROUPS,
	RULE_TIMEOUT,	     /* of an attempt, without its pauses; 0: none */
	RULE_WARN,	     /* a signal so long before the timeout: "USR1@5min"; "none" */
	RULE_ATTEMPTS,	     /* in all; few, since each one's history is in the job's row */
	RULE_BACKOFF,	     /* before the second one */
	RULE_BACKOFF_MAX,    /* it doubles until that; not above backoff: it is always the same */
	RULE_BACKOFF_JITTER, /* percent by which it is longer or shorter, at random */
	RULE_RETRY_ON,	     /* exit codes (128 + signal) after which there is another: "1,75-78"; "any" */
	RULE_RETRY_NOT,	     /* and after which there is not; "none" */
	RULE_RECOVERY,	     /* what becomes of a job whose end is lost or shutdown */
	RULES,
};

enum recovery { RECOVERY_RETRY = 1, RECOVERY_FAIL, RECOVERY_HOLD };

/* Exit codes, a bit each. */
struct rule_codes {
	uint32_t bits[8];
};

/* The values. */
struct rules {
	unsigned max_running;
	unsigned priority; /* 1 to 10 */
	char **submit_users, **submit_groups;
	uint64_t timeout_us;
	int warn_signal; /* 0: none */
	uint64_t warn_us;
	unsigned attempts;
	uint64_t backoff_us, backoff_max_us;
	unsigned backoff_jitter; /* 0 to 100 */
	struct rule_codes retry_on, retry_not;
	enum recovery recovery;
};

/* Every rule's default. Owns nothing. */
void rules_init(struct rules *r);
/* Frees the lists; the other values stay. */
void rules_fini(struct rules *r);

/* The rule's name in the configuration file. */
const char *rule_name(enum rule which);
/* The rule with this name, or -1. */
int rule_find(const char *name);
/* The names of all, or of those that a job may say too, for messages: "timeout, warn, ..." */
void rule_names(bool of_jobs, char *out, size_t size);
/* What its value may be, for messages: "a duration, such as 2h, or 0 for none". */
const char *rule_takes(enum rule which);
/* Whether a job may say it too. */
bool rule_is_of_jobs(enum rule which);
/* Whether it is a list of names: in the configuration file {"ann", "bob"}, elsewhere ann,bob. */
bool rule_is_list(enum rule which);

/* Sets one value from text. 0, -EINVAL (r is as before), -ENOMEM. A list has a name at least:
 * dropping the rule is what empties it. */
int rule_set(struct rules *r, enum rule which, const char *value);
/* The value as text that rule_set takes, in its shortest form; the caller's. NULL: no memory. A
 * list that nobody said is "". */
char *rule_text(const struct rules *r, enum rule which);

/*
 * Rules as they are kept: a vector of "NAME=value", each name once, in any order. NULL is empty.
 */
/* The value that stands there, borrowed, or NULL. */
const char *rules_given(char *const *given, enum rule which);
/* Sets or (value NULL) drops one. 0 or -ENOMEM; -EINVAL where rule_set would. The value is put in
 * its shortest form. */
int rules_put(char ***given, enum rule which, const char *value);
/* Sets in r all that stands there; what can't be understood is passed over. 0 or -ENOMEM. */
int rules_apply(struct rules *r, char *const *given);

/* Whether an exit code is one of these. */
bool rule_codes_have(const struct rule_codes *c, int code);

#endif
