/* SPDX-License-Identifier: ISC */
/* The sections of a configuration: queues and templates. */
#include "config.h"

#include "jobd/sys/settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conffile.h"
#include "lib/rules.h"
#include "lib/strv.h"
#include "lib/template.h"
#include "unit.h"

static void assert_values(const struct config_section *s, const char *const *values)
{
	size_t n = 0;
	for (; values[n]; n++) {
		ck_assert_msg(s->values && s->values[n], "%s has no \"%s\"", s->name, values[n]);
		ck_assert_str_eq(s->values[n], values[n]);
	}
	ck_assert_msg(!s->values || !s->values[n], "%s has \"%s\" too", s->name, s->values[n]);
}
#define VALUES(section, ...) assert_values(section, (const char *const[]){ __VA_ARGS__, NULL })

START_TEST(a_queue_has_every_rule_in_the_order_of_the_file)
{
	struct config *c = good("max_running = 9\n"
				"queue import {\n"
				"  max_running = 2\n"
				"  priority = high # before most\n"
				"  submit_users = {ann, \"bob\"}\n"
				"  submit_users += {eve}\n"
				"  submit_groups = staff\n"
				"  timeout = 120min\n"
				"  warn = USR1@300\n"
				"  attempts = 3\n"
				"  backoff = 1min\n"
				"  backoff_max = 24h\n"
				"  backoff_jitter = 0\n"
				"  retry_on = \"75-78,1\"\n"
				"  retry_not = none\n"
				"  recovery = hold\n"
				"}\n"
				"kill_grace = 9s\n");
	ck_assert_uint_eq(c->max_running, 9);
	ck_assert_uint_eq(c->kill_grace_us, 9000000);
	ck_assert_ptr_null(c->submit_users);
	ck_assert_uint_eq(c->nqueues, 1);
	ck_assert_uint_eq(c->ntemplates, 0);
	ck_assert_str_eq(c->queues[0].name, "import");
	ck_assert_int_eq(c->queues[0].line, 2);
	VALUES(&c->queues[0], "max_running=2", "priority=2", "submit_users=ann,bob,eve",
	    "submit_groups=staff", "timeout=2h", "warn=USR1@5min", "attempts=3", "backoff=1min",
	    "backoff_max=1d", "backoff_jitter=0", "retry_on=1,75-78", "retry_not=none",
	    "recovery=hold");
	ck_assert_uint_eq(strv_len(c->queues[0].values), RULES);
	config_free(c);
}
END_TEST

START_TEST(sections_stand_wherever_there_is_room)
{
	struct config *c = good("queue a{}queue \"b\"{max_running=1}max_running = 4 queue c.d-e_9\n"
				"{ timeout = 5 } // }\n"
				"/* queue x { */ submit_users = {ann} queue default { }\n"
				"queue 'queue' {\n\n} queue 7 {}\n"
				"admin_group = \"{\" queue f { submit_groups = \"}\" }\n");
	static const char *const names[] = { "a", "b", "c.d-e_9", "default", "queue", "7", "f" };
	static const int lines[] = { 1, 1, 1, 3, 4, 6, 7 };
	ck_assert_uint_eq(c->nqueues, 7);
	for (size_t i = 0; i < 7; i++) {
		ck_assert_str_eq(c->queues[i].name, names[i]);
		ck_assert_int_eq(c->queues[i].line, lines[i]);
	}
	ck_assert_ptr_null(c->queues[0].values);
	VALUES(&c->queues[1], "max_running=1");
	VALUES(&c->queues[2], "timeout=5s");
	VALUES(&c->queues[6], "submit_groups=}");
	ck_assert_uint_eq(c->max_running, 4);
	ck_assert_str_eq(c->submit_users[0], "ann");
	ck_assert_str_eq(c->admin_group, "{");
	config_free(c);
}
END_TEST

START_TEST(a_queues_mistakes_are_told_with_those_of_all_others)
{
	BAD("max_running = many\n"
	    "queue import {\n"
	    "  max_running = some\n"
	    "  priority = 11\n"
	    "  attemps = 3\n"
	    "  timeout =\n"
	    "  warn = KILL@5min\n"
	    "}\n"
	    "max_runing = 3\n"
	    "queue export { recovery = restart\n"
	    "  submit_users = {ann, 9, \"b,c\",\n"
	    "    -x}\n"
	    "  colour = red }\n"
	    "log_level = loud\n",
	    "1: max_running can't be \"many\"", "3: max_running can't be \"some\"; it takes a number",
	    "4: priority can't be \"11\"; it takes a priority from 1",
	    "5: a queue has no setting \"attemps\"; did you mean attempts?",
	    "7: timeout has no value (\"warn\" follows); it takes a duration",
	    "9: there is no setting \"max_runing\"; did you mean max_running?",
	    "10: recovery can't be \"restart\"; it takes retry, fail or hold",
	    "11: submit_users can't be \"9\"; it takes names of users, such as {\"ann\", \"bob\"}",
	    "11: submit_users can't be \"b,c\"", "12: submit_users can't be \"-x\"",
	    "13: a queue has no setting \"colour\"; jobd.conf(5) lists them",
	    "14: log_level can't be \"loud\"");
}
END_TEST

START_TEST(a_queue_that_is_open_to_nobody_in_particular_has_no_list)
{
	BAD("queue a {\n submit_users = {}\n submit_groups = {\n }\n}\n"
	    "queue b { submit_users = \"\" attempts = 101 }\n",
	    "2: submit_users has nothing in it; leave it out, or give it names of users, such as {\"ann\", \"bob\"}; "
	    "{\"root\"} lets in nobody else",
	    "3: submit_groups has nothing in it", "6: submit_users can't be \"\"",
	    "6: attempts can't be \"101\"; it takes a number of attempts from 1 to 100");
	BAD("queue a {}\nsubmit_users = {}\n", "2: submit_users has nothing in it; leave it out, or give it names of");
	config_free(good("queue a { submit_groups = {staff} submit_groups += {} }\n"));
}
END_TEST

START_TEST(what_stands_in_the_wrong_place_is_told_where_it_belongs)
{
	BAD("timeout = 5min\n"
	    "command = {x}\n"
	    "retry_on = any\n"
	    "queue = import\n"
	    "queue q {\n"
	    "  kill_grace = 4s\n"
	    "  command = {x}\n"
	    "}\n"
	    "template t {\n"
	    "  command = {x}\n"
	    "  max_running = 3\n"
	    "  kill_grace = 4s\n"
	    "}\n",
	    "1: timeout is a setting of queues and templates; put it into one: queue NAME {",
	    "2: command is a setting of templates; put it into one: template NAME { command",
	    "3: retry_on is a setting of queues and templates", "4: a queue is a section: queue NAME {",
	    "6: kill_grace is a setting of the whole daemon; put it outside of all sections",
	    "7: command is a setting of templates; a queue has none",
	    "11: max_running is a setting of queues; a template has none",
	    "12: kill_grace is a setting of the whole daemon");
}
END_TEST

START_TEST(twice_is_once_too_often)
{
	BAD("queue a {\n timeout = 1h\n timeout = 2h\n}\nqueue b {\n}\n"
	    "queue a {\n submit_users = ann\n submit_users = bob\n}\nqueue a {}\n"
	    "template a { command = {x} }\n",
	    "3: timeout is set already in line 2; leave one of the two",
	    "7: there is a queue a already, in line 1; put all of it into one of the two",
	    "9: submit_users is set already in line 8; leave one of the two, or add to it with +=",
	    "11: there is a queue a already, in line 1");
}
END_TEST

START_TEST(a_section_has_one_good_name)
{
	BAD("queue { max_running = x }\n", "1: this queue has no name; it reads  queue NAME { ... }",
	    "1: max_running can't be \"x\"");
	BAD("max_running = 4 template {\n}\n", "1: this template has no name",
	    "1: this template: ");
	BAD("\nqueue -a { }\nqueue .a { }\nqueue \"a b\" { }\nqueue a/b { }\nqueue \"\" { }\n"
	    "queue c d { }\nqueue \xc3\xa4 { }\n",
	    "2: a queue can't be named \"-a\"; a name has letters", "3: a queue can't be named \".a\"",
	    "4: a queue can't be named \"a b\"", "5: a queue can't be named \"a/b\"",
	    "6: a queue can't be named \"\"", "7: a queue can't be named \"c d\"",
	    "8: a queue can't be named \"\xc3\xa4\"");
	char text[128], name[66];
	memset(name, 'n', 65);
	name[65] = '\0';
	snprintf(text, sizeof(text), "queue %s { }\n", name);
	BAD(text, "1: a queue can't be named \"nnn");
	snprintf(text, sizeof(text), "queue %s { }\n", name + 1);
	config_free(good(text));
}
END_TEST

START_TEST(a_section_of_no_known_kind_is_told)
{
	BAD("max_running = 4\nque import {\n  max_running = x\n}\nlog_level = loud\n",
	    "2: there is no section \"que\"; did you mean queue?", "5: log_level can't be \"loud\"");
	BAD("schedule nightly {}\npool {}\n",
	    "1: there is no section \"schedule\"; there are queue NAME { ... } and template NAME",
	    "2: there is no section \"pool\"");
}
END_TEST

START_TEST(braces_that_do_not_pair_are_told_where_it_began)
{
	BAD("queue a {\n  max_running = 2\nqueue b { attempts = none }\nlog_level = loud\n",
	    "3: the section that begins in line 1 is still open here; close it with } before",
	    "3: attempts can't be \"none\"", "4: log_level can't be \"loud\"");
	BAD("queue a {\n  queue b {\n  }\n  }\n}\nlog_level = loud\n",
	    "2: the section that begins in line 1 is still open here",
	    "5: unexpected closing brace: no section is open here", "6: log_level can't be \"loud\"");
	BAD("log_level = loud\n\nqueue a {\n  max_running = x\nkill_grace = 4s\n",
	    "1: log_level can't be \"loud\"",
	    "3: the section that opens here is never closed; close it with }");
	BAD("queue a {\n  submit_users = {ann\n  timeout = 4s\n}\nlog_level = loud\n",
	    "3: unexpected token 'timeout'", "5: log_level can't be \"loud\"");
	BAD("queue a {\n  retry_on = 1,75\n}\nlog_level = loud\n",
	    "2: unexpected token ','; a value with a comma in it stands in quotes",
	    "4: log_level can't be \"loud\"");
	BAD("queue a {\n  attempts\n}\nqueue b max_running = 3\n", "2: ", "4: ");
	BAD("queue a {\n  attempts = {3}\n}\n", "2: unexpected token '{'");
}
END_TEST

START_TEST(names_in_queues_are_looked_up_like_all_others)
{
	char **messages = NULL;
	struct config *c = good("queue a {\n  submit_users = {root,\n    nosuchuser}\n"
				"  submit_groups = nosuchgroup\n}\n");
	config_check_names(c, &messages);
	ck_assert_uint_eq(strv_len(messages), 2);
	ck_assert_ptr_nonnull(strstr(messages[0], "/f:3: there is no user \"nosuchuser\""));
	ck_assert_ptr_nonnull(strstr(messages[1], "/f:4: there is no group \"nosuchgroup\""));
	strv_free(messages);
	config_free(c);
}
END_TEST

/* What template_set makes of a template's values. */
static void rebuild(struct template *t, const struct config_section *s)
{
	template_init(t);
	for (size_t i = 0; s->values[i]; i++) {
		char name[64];
		const char *takes, *equals = strchr(s->values[i], '=');
		snprintf(name, sizeof(name), "%.*s", (int)(equals - s->values[i]), s->values[i]);
		ck_assert_int_eq(template_set(t, name, equals + 1, &takes), 0);
	}
}

#define NIGHTLY                                                                                    \
	"template nightly {\n"                                                                     \
	"  description = \"what came in today\"\n"                                                 \
	"  command = {\"/usr/bin/ingest\", \"--date\", \"{date}\",\n"                              \
	"    \"--date\", '${mode}'}\n"                                                             \
	"  parameters = {date, \"mode=full\"}\n"                                                   \
	"  queue = import\n"                                                                       \
	"  priority = low\n"                                                                       \
	"  environment = {\"A=1\", \"B=2=3\"}\n"                                                   \
	"  timeout = 2h\n"                                                                         \
	"  retry_on = \"1,75-78\"\n"                                                               \
	"}\n"                                                                                      \
	"queue import { }\n"

START_TEST(a_template_has_its_fields_and_a_list_one_value_a_member)
{
	struct config *c = good(NIGHTLY);
	ck_assert_uint_eq(c->ntemplates, 1);
	const struct config_section *s = &c->templates[0];
	ck_assert_str_eq(s->name, "nightly");
	ck_assert_int_eq(s->line, 1);
	VALUES(s, "description=what came in today", "command=/usr/bin/ingest", "command=--date",
	    "command={date}", "command=--date", "command=${mode}", "parameters=date",
	    "parameters=mode=full", "queue=import", "priority=low", "environment=A=1",
	    "environment=B=2=3", "timeout=2h", "retry_on=1,75-78");
	struct template t;
	rebuild(&t, s);
	ck_assert_uint_eq(strv_len(t.command), 5);
	ck_assert_int_eq(t.priority, 8);
	template_fini(&t);
	config_free(c);
}
END_TEST

START_TEST(a_templates_mistakes_are_told)
{
	BAD("template a {\n  parameters = {date}\n}\n"
	    "template b {\n  command = {x, \"{date}\"}\n}\n"
	    "template c {\n  command = {sh, \"-c\", \"echo {date}\"}\n  parameters = {date}\n}\n"
	    "template d {\n  comand = {x}\n}\n"
	    "template e {\n  command = {x}\n  priority = 11\n  timeout = never\n}\n"
	    "template a {\n  command = {x}\n}\n",
	    "1: template a: ", "4: template b: ", "7: template c: ",
	    "12: a template has no setting \"comand\"; did you mean command?",
	    "16: priority can't be \"11\"; it takes a priority",
	    "17: timeout can't be \"never\"; it takes a duration",
	    "19: there is a template a already, in line 1");
}
END_TEST

START_TEST(a_placeholder_and_a_default_stand_in_quotes_and_are_understood_without)
{
	BAD("template a {\n  command = {x, -I{}, -d{date}, {mode}}\n"
	    "  parameters = {date, mode=full}\n  environment = {A=1}\n  cwd = /srv/{date}\n}\n",
	    "1: template a: ", "2: a value with { in it stands in quotes, \"-I{}\"",
	    "2: a value with { in it stands in quotes, \"-d{date}\"",
	    "2: a value with { in it stands in quotes, \"{mode}\"",
	    "3: a value with = in it stands in quotes, \"mode=full\"",
	    "4: a value with = in it stands in quotes, \"A=1\"",
	    "5: a value with { in it stands in quotes, \"/srv/{date}\"");
	BAD("template a {\n  command = {x, {date}}\n  parameters = {date=now}\n}\n",
	    "2: a value with { in it stands in quotes, \"{date}\"",
	    "3: a value with = in it stands in quotes, \"date=now\"");
	BAD("queue a*b { }\n", "1: a * has no meaning here", "1: a queue can't be named \"a*b\"");
}
END_TEST

START_TEST(a_templates_queue_has_to_be_declared_unless_it_is_the_default_one)
{
	BAD("template a {\n  command = {x}\n  queue = import\n}\nqueue export { }\n",
	    "3: there is no queue \"import\" in this file; declare it: queue NAME { ... }");
	config_free(good("template a { command = {x} queue = default }\n"));
	config_free(good("template a { command = {x} queue = late }\nqueue late { }\n"));
}
END_TEST

START_TEST(sections_are_printed_so_that_they_read_back)
{
	struct config *c = good(NIGHTLY "queue \"b-2\" {\n submit_users = {ann, 'dom\\bob'}\n"
					"  warn = 10@60\n  attempts = 3\n}\n"
					"template odd { command = {\"a\\\"b\\\\\", 'c\n$d', \"\", '#'} }\n");
	char *text = printed(c);
	ck_assert_msg(strstr(text, "\nqueue import {\n}\nqueue b-2 {\n"
				   "\tsubmit_users = {\"ann\", \"dom\\\\bob\"}\n"
				   "\twarn = \"USR1@1min\"\n\tattempts = 3\n}\ntemplate nightly {\n"), "%s", text);
	ck_assert_msg(strstr(text, "\tcommand = {\"/usr/bin/ingest\", \"--date\", \"{date}\", \"--date\", "
				   "\"\\${mode}\"}\n"), "%s", text);
	struct config *d = good(text);
	char *again = printed(d);
	ck_assert_str_eq(text, again);
	ck_assert_uint_eq(d->ntemplates, 2);
	VALUES(&d->templates[1], "command=a\"b\\", "command=c\n$d", "command=", "command=#");
	free(text);
	free(again);
	config_free(c);
	config_free(d);
}
END_TEST

START_TEST(thousands_of_sections_are_read_at_once)
{
	size_t size = 1 << 19, len = 0;
	char *text = malloc(size);
	ck_assert_ptr_nonnull(text);
	for (int i = 0; i < 5000; i++)
		len += (size_t)snprintf(text + len, size - len, "queue q%d { attempts = %d }\n", i,
		    i % 100 + 1);
	struct config *c = good(text);
	ck_assert_uint_eq(c->nqueues, 5000);
	ck_assert_str_eq(c->queues[4999].values[0], "attempts=100");
	config_free(c);
	free(text);
}
END_TEST

UNIT_MAIN("sections", a_queue_has_every_rule_in_the_order_of_the_file,
    sections_stand_wherever_there_is_room, a_queues_mistakes_are_told_with_those_of_all_others,
    a_queue_that_is_open_to_nobody_in_particular_has_no_list,
    what_stands_in_the_wrong_place_is_told_where_it_belongs, twice_is_once_too_often,
    a_section_has_one_good_name, a_section_of_no_known_kind_is_told,
    braces_that_do_not_pair_are_told_where_it_began,
    names_in_queues_are_looked_up_like_all_others,
    a_template_has_its_fields_and_a_list_one_value_a_member, a_templates_mistakes_are_told,
    a_placeholder_and_a_default_stand_in_quotes_and_are_understood_without,
    a_templates_queue_has_to_be_declared_unless_it_is_the_default_one,
    sections_are_printed_so_that_they_read_back, thousands_of_sections_are_read_at_once)
