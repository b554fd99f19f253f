/* SPDX-License-Identifier: ISC */
/* The generated tables, the check of parameters, the framing. */
#include "config.h"

#include "lib/varlink.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/varlink_handlers.h"
#include "unit.h"

/* ---- the tables ---- */

START_TEST(every_method_is_found_by_its_name_and_no_other)
{
	size_t n = 0;

	for (; varlink_methods[n].name != NULL; n++)
		ck_assert_int_eq(varlink_method_find(varlink_methods[n].name), (int)n);
	ck_assert_uint_eq(n, varlink_methods_count);
	ck_assert_int_eq(varlink_method_find(""), -1);
	ck_assert_int_eq(varlink_method_find("org.jobd.Job"), -1);
	ck_assert_int_eq(varlink_method_find("org.jobd.Job.Submi"), -1);
	ck_assert_int_eq(varlink_method_find("org.jobd.Job.Submitt"), -1);
	ck_assert_int_eq(varlink_method_find("a"), -1);
	ck_assert_int_eq(varlink_method_find("zzz.z.Z"), -1);
}
END_TEST

#define NAME(x)	   #x
#define NAMES(...) NAME((__VA_ARGS__))

START_TEST(handlers_stand_in_the_order_of_the_methods)
{
	const char *list = NAMES(VARLINK_HANDLERS);
	size_t commas = 0;

	for (const char *s = list; *s != '\0'; s++)
		commas += *s == ',';
	ck_assert_uint_eq(commas + 1, varlink_methods_count);
	ck_assert_ptr_nonnull(strstr(list, "(api_service_get_info"));
	ck_assert_str_eq(varlink_methods[0].name, "org.varlink.service.GetInfo");
	ck_assert_ptr_nonnull(strstr(list, "api_job_set_priority"));
}
END_TEST

START_TEST(a_method_carries_its_access_and_its_fields)
{
	const struct varlink_method *m;

	m = &varlink_methods[varlink_method_find("org.jobd.Job.Submit")];
	ck_assert_str_eq(m->access, "submit");
	m = &varlink_methods[varlink_method_find("org.jobd.Daemon.Reload")];
	ck_assert_str_eq(m->access, "admin");
	ck_assert_ptr_null(m->in[0].name);
	m = &varlink_methods[varlink_method_find("org.jobd.Job.Delete")];
	ck_assert_ptr_null(m->out[0].name);
}
END_TEST

static const struct varlink_field *field_find(const struct varlink_field *f, const char *name)
{
	for (; f->name != NULL; f++)
		if (strcmp(f->name, name) == 0)
			return f;
	ck_abort_msg("no field %s", name);
	return NULL;
}

START_TEST(fields_carry_their_types_down_to_the_nested_ones)
{
	const struct varlink_method *m =
	    &varlink_methods[varlink_method_find("org.jobd.Job.Submit")];
	const struct varlink_field *f;

	f = field_find(m->in, "command");
	ck_assert(f->kind == VARLINK_STRING && f->array && f->nullable && !f->map);
	f = field_find(m->in, "meta");
	ck_assert(f->kind == VARLINK_STRING && f->map && f->nullable && !f->array);
	f = field_find(m->in, "hold");
	ck_assert(f->kind == VARLINK_BOOL && f->nullable);
	f = field_find(m->out, "job");
	ck_assert(f->kind == VARLINK_STRUCT && !f->nullable);
	f = field_find(f->fields, "history");
	ck_assert(f->kind == VARLINK_STRUCT && f->array && f->nullable);
	f = field_find(f->fields, "usage");
	ck_assert(f->kind == VARLINK_STRUCT);
	f = field_find(f->fields, "cpu_us");
	ck_assert(f->kind == VARLINK_INT && f->nullable && f->fields == NULL);
	m = &varlink_methods[varlink_method_find("org.jobd.Job.SubmitMany")];
	f = field_find(m->in, "jobs");
	ck_assert(f->kind == VARLINK_STRUCT && f->array && !f->nullable && !f->map);
	f = field_find(f->fields, "after");
	ck_assert(f->kind == VARLINK_STRUCT && f->array && f->nullable);
	ck_assert(field_find(f->fields, "item")->kind == VARLINK_INT);
}
END_TEST

START_TEST(errors_and_interfaces_are_known_by_name)
{
	const struct varlink_error *e = varlink_error_find("org.jobd.Job.WrongState");

	ck_assert_ptr_nonnull(e);
	ck_assert(field_find(e->fields, "id")->kind == VARLINK_INT);
	ck_assert_ptr_nonnull(varlink_error_find("org.varlink.service.ExpectedMore"));
	ck_assert_ptr_null(varlink_error_find("org.jobd.Job.Submit"));
	ck_assert(varlink_interface_known("org.varlink.service"));
	ck_assert(!varlink_interface_known("org.varlink.servic"));
	ck_assert(!varlink_interface_known(""));
}
END_TEST

/* Every interface file of the source is in the tables, as it stands in the file. */
START_TEST(the_text_of_an_interface_is_its_file)
{
	const char *top = getenv("top_srcdir");
	const struct varlink_interface *i;
	static char path[4096], text[1 << 16];
	size_t files = 0, known = 0;
	struct dirent *e;
	DIR *d;

	if (top == NULL)
		return; /* started by hand: nobody says where the source is */
	snprintf(path, sizeof(path), "%s/lib", top);
	d = opendir(path);
	ck_assert_ptr_nonnull(d);
	while ((e = readdir(d)) != NULL) {
		const char *dot = strrchr(e->d_name, '.');
		files += dot != NULL && strcmp(dot, ".varlink") == 0 && e->d_name[0] != '.';
	}
	closedir(d);
	for (i = varlink_interfaces; i->name != NULL; i++, known++) {
		FILE *f;

		snprintf(path, sizeof(path), "%s/lib/%s.varlink", top, i->name);
		f = fopen(path, "r");
		ck_assert_msg(f != NULL, "%s", path);
		text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
		fclose(f);
		ck_assert_str_eq(i->text, text);
	}
	ck_assert_uint_eq(files, known);
}
END_TEST

/* ---- the check ---- */

#define END_FIELDS                                            \
	{                                                     \
		NULL, VARLINK_BOOL, false, false, false, NULL \
	}

static const struct varlink_field node[] = {
    {"leaf", VARLINK_INT, false, false, false, NULL},
    {"next", VARLINK_STRUCT, true, false, false, node},
    {"many", VARLINK_STRUCT, true, true, false, node},
    END_FIELDS,
};

static const struct varlink_field all[] = {
    {"b", VARLINK_BOOL, true, false, false, NULL},
    {"i", VARLINK_INT, true, false, false, NULL},
    {"s", VARLINK_STRING, true, false, false, NULL},
    {"o", VARLINK_OBJECT, true, false, false, NULL},
    {"t", VARLINK_STRUCT, true, false, false, node},
    {"ai", VARLINK_INT, true, true, false, NULL},
    {"as", VARLINK_STRING, true, true, false, NULL},
    {"mi", VARLINK_INT, true, false, true, NULL},
    {"ms", VARLINK_STRING, true, false, true, NULL},
    {"mt", VARLINK_STRUCT, true, false, true, node},
    END_FIELDS,
};

static const struct varlink_field must[] = {
    {"id", VARLINK_INT, false, false, false, NULL},
    {"ids", VARLINK_INT, false, true, false, NULL},
    {"maybe", VARLINK_INT, true, false, false, NULL},
    END_FIELDS,
};

static const struct varlink_field none[] = {END_FIELDS};

struct check_case {
	const struct varlink_field *fields;
	const char *json;
	const char *culprit; /* NULL: it is well */
};

static const struct check_case check_cases[] = {
    {none, "{}", NULL},
    {none, "{\"x\":1}", "x"},
    {none, "{\"x\":null}", "x"},
    {must, "{\"id\":1,\"ids\":[]}", NULL},
    {must, "{\"id\":1,\"ids\":[1,2],\"maybe\":3}", NULL},
    {must, "{\"id\":1,\"ids\":[],\"maybe\":null}", NULL},
    {must, "{\"ids\":[]}", "id"},
    {must, "{\"id\":null,\"ids\":[]}", "id"},
    {must, "{\"id\":1}", "ids"},
    {must, "{\"id\":1,\"ids\":[],\"iD\":2}", "iD"},
    {must, "{\"id\":1,\"ids\":[],\"maybe\":2,\"more\":null}", "more"},
    {must, "{\"id\":\"1\",\"ids\":[]}", "id"},
    {all, "{}", NULL},
    {all, "{\"b\":true}", NULL},
    {all, "{\"b\":0}", "b"},
    {all, "{\"b\":\"true\"}", "b"},
    {all, "{\"i\":-9223372036854775808}", NULL},
    {all, "{\"i\":1.0}", "i"},
    {all, "{\"i\":1e3}", "i"},
    {all, "{\"i\":true}", "i"},
    {all, "{\"i\":[1]}", "i"},
    {all, "{\"s\":\"\"}", NULL},
    {all, "{\"s\":\"a\\u0000b\"}", "s"},
    {all, "{\"s\":{}}", "s"},
    {all, "{\"o\":{\"a\":[1,2.5,{\"b\":null}]}}", NULL},
    {all, "{\"o\":{\"a\":[1,{\"b\":\"\\u0000\"}]}}", "o"},
    {all, "{\"o\":[]}", "o"},
    {all, "{\"o\":1}", "o"},
    {all, "{\"t\":{\"leaf\":1}}", NULL},
    {all, "{\"t\":{}}", "leaf"},
    {all, "{\"t\":[]}", "t"},
    {all, "{\"t\":{\"leaf\":1,\"next\":{\"leaf\":2,\"many\":[{\"leaf\":3}]}}}", NULL},
    {all, "{\"t\":{\"leaf\":1,\"next\":{\"leaf\":2,\"many\":[{\"leaf\":\"3\"}]}}}", "leaf"},
    {all, "{\"t\":{\"leaf\":1,\"next\":{\"leaf\":2,\"many\":[{\"leaf\":3,\"q\":4}]}}}", "q"},
    {all, "{\"t\":{\"leaf\":1,\"many\":[null]}}", "many"},
    {all, "{\"ai\":[]}", NULL},
    {all, "{\"ai\":[1,2,3]}", NULL},
    {all, "{\"ai\":[1,\"2\"]}", "ai"},
    {all, "{\"ai\":[1,null]}", "ai"},
    {all, "{\"ai\":{}}", "ai"},
    {all, "{\"ai\":1}", "ai"},
    {all, "{\"as\":[\"a\",\"b\"]}", NULL},
    {all, "{\"as\":[\"a\",\"b\\u0000\"]}", "as"},
    {all, "{\"mi\":{}}", NULL},
    {all, "{\"mi\":{\"a\":1,\"\":2}}", NULL},
    {all, "{\"mi\":{\"a\":\"1\"}}", "mi"},
    {all, "{\"mi\":[1]}", "mi"},
    {all, "{\"ms\":{\"a\":\"b\"}}", NULL},
    {all, "{\"ms\":{\"a\":null}}", "ms"},
    {all, "{\"ms\":{\"a\":\"\\u0000\"}}", "ms"},
    {all, "{\"mt\":{\"x\":{\"leaf\":1}}}", NULL},
    {all, "{\"mt\":{\"x\":{\"leef\":1}}}", "leaf"},
};

START_TEST(each_value_is_held_against_its_type_and_the_culprit_is_named)
{
	const struct check_case *c = &check_cases[_i];
	json_t *o = json_loads(c->json, JSON_ALLOW_NUL, NULL);
	const char *culprit;

	ck_assert_msg(o != NULL, "%s", c->json);
	culprit = varlink_check(c->fields, o);
	if (c->culprit == NULL)
		ck_assert_msg(culprit == NULL, "%s: %s", c->json, culprit);
	else
		ck_assert_msg(culprit != NULL && strcmp(culprit, c->culprit) == 0, "%s: %s",
		    c->json, culprit == NULL ? "taken" : culprit);
	json_decref(o);
}
END_TEST

START_TEST(the_way_to_a_culprit_is_told)
{
	static const char *const rows[][2] = {
		{"{\"b\":0}", "b"},
		{"{\"ai\":[1,\"2\"]}", "ai"},
		{"{\"t\":{}}", "t.leaf"},
		{"{\"t\":7}", "t"},
		{"{\"t\":{\"leaf\":1,\"next\":{\"leaf\":2,\"many\":[{\"leaf\":3},{\"leaf\":\"3\"}]}}}",
		    "t.next.many[1].leaf"},
		{"{\"t\":{\"leaf\":1,\"many\":[{\"leaf\":3,\"q\":4}]}}", "t.many[0].q"},
		{"{\"t\":{\"leaf\":1,\"many\":[null]}}", "t.many[0]"},
		{"{\"unheard of\":1}", "unheard of"},
	};
	char path[40];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *o = json_loads(rows[i][0], 0, NULL);

		varlink_where(all, o, path, sizeof(path));
		ck_assert_str_eq(path, rows[i][1]);
		json_decref(o);
	}
	/* What does not fit is left out, and no character is cut. */
	json_t *o = json_pack("{s:i}", "\xc3\xa4\xc3\xa4\xc3\xa4", 1);
	varlink_where(all, o, path, 6);
	ck_assert_str_eq(path, "\xc3\xa4\xc3\xa4?");
	json_decref(o);
}
END_TEST

/* ---- the framing ---- */

static int take(struct buf *b, size_t max, size_t *scanned, json_t **m, char *why)
{
	size_t taken = 0;
	int r = varlink_take(b, max, scanned, &taken, m, why);

	if (r != 0 && r != -EMSGSIZE)
		buf_drop(b, taken);
	return r;
}

START_TEST(a_message_comes_whole_however_its_bytes_arrive)
{
	static const char bytes[] = "{\"a\":1}\0{\"b\":[\"\xc3\xa4\"]}\0{}";
	struct buf b = BUF_INIT;
	char why[VARLINK_WHY_MAX];
	size_t scanned = 0;
	json_t *m = NULL;
	int messages = 0;

	for (size_t i = 0; i < sizeof(bytes); i++) { /* the literal's own NUL ends the third */
		int r;

		ck_assert_int_eq(take(&b, 100, &scanned, &m, why), 0);
		buf_put(&b, bytes + i, 1);
		r = take(&b, 100, &scanned, &m, why);
		ck_assert_int_eq(r, bytes[i] == '\0');
		if (r == 1) {
			messages++;
			json_decref(m);
			ck_assert_uint_eq(scanned, 0);
			ck_assert_uint_eq(b.len, 0);
		}
	}
	ck_assert_int_eq(messages, 3);
	buf_fini(&b);
}
END_TEST

START_TEST(messages_in_one_piece_come_one_by_one)
{
	struct buf b = BUF_INIT;
	char why[VARLINK_WHY_MAX];
	size_t scanned = 0;
	json_t *m;

	for (int i = 0; i < 1000; i++) {
		m = json_pack("{s:i}", "n", i);
		ck_assert_int_eq(varlink_put(&b, m), 0);
		json_decref(m);
	}
	for (int i = 0; i < 1000; i++) {
		ck_assert_int_eq(take(&b, 100, &scanned, &m, why), 1);
		ck_assert_int_eq(json_integer_value(json_object_get(m, "n")), i);
		json_decref(m);
	}
	ck_assert_int_eq(take(&b, 100, &scanned, &m, why), 0);
	buf_fini(&b);
}
END_TEST

static const struct {
	const char *bytes;
	size_t len;
} nonsense[] = {
#define BYTES(s)             \
	{                    \
		s, sizeof(s) \
	}
    BYTES(""),
    BYTES("{"),
    BYTES("}"),
    BYTES("[]"),
    BYTES("null"),
    BYTES("1"),
    BYTES("\"x\""),
    BYTES("{\"a\":1,\"a\":2}"),
    BYTES("{\"a\":{\"b\":1,\"b\":1}}"),
    BYTES("{\"a\":1}{}"),
    BYTES("{\"a\":\"\xff\"}"),
    BYTES("{\"a\\u0000\":1}"),
    BYTES("{\"a\":99999999999999999999}"),
    BYTES("{'a':1}"),
    BYTES("{\"a\":01}"),
    BYTES("{\"a\":NaN}"),
};

START_TEST(nonsense_is_refused_with_a_reason_and_can_be_passed_over)
{
	struct buf b = BUF_INIT;
	char why[VARLINK_WHY_MAX] = "";
	size_t scanned = 0;
	json_t *m = NULL;

	buf_put(&b, nonsense[_i].bytes, nonsense[_i].len);
	buf_put(&b, "{}", 3);
	ck_assert_int_eq(take(&b, 100, &scanned, &m, why), -EPROTO);
	ck_assert_ptr_null(m);
	ck_assert_str_ne(why, "");
	ck_assert_int_eq(take(&b, 100, &scanned, &m, why), 1);
	json_decref(m);
	buf_fini(&b);
}
END_TEST

START_TEST(nesting_without_an_end_is_refused)
{
	struct buf b = BUF_INIT;
	char why[VARLINK_WHY_MAX];
	size_t scanned = 0;
	json_t *m;

	buf_puts(&b, "{\"a\":");
	for (int i = 0; i < 500000; i++)
		buf_put(&b, "[", 1);
	buf_put(&b, "", 1);
	ck_assert_int_eq(take(&b, VARLINK_MESSAGE_MAX, &scanned, &m, why), -EPROTO);
	buf_fini(&b);
}
END_TEST

START_TEST(a_message_may_be_as_long_as_the_limit_and_no_longer)
{
	struct buf b = BUF_INIT;
	char why[VARLINK_WHY_MAX] = "";
	size_t scanned = 0;
	json_t *m;

	buf_puts(&b, "{\"abcd\":1}");
	ck_assert_int_eq(take(&b, 10, &scanned, &m, why), 0);
	ck_assert_int_eq(take(&b, 9, &scanned, &m, why), -EMSGSIZE);
	ck_assert_str_ne(why, "");
	buf_put(&b, "", 1);
	scanned = 0;
	ck_assert_int_eq(take(&b, 9, &scanned, &m, why), -EMSGSIZE);
	scanned = 0;
	ck_assert_int_eq(take(&b, 10, &scanned, &m, why), 1);
	json_decref(m);
	buf_fini(&b);
}
END_TEST

START_TEST(what_can_not_be_put_leaves_what_was_there)
{
	struct buf b = BUF_INIT;
	json_t *loop = json_object(), *inner = json_object();

	buf_puts(&b, "kept");
	/* An object that holds itself has no end, and so no text. */
	json_object_set(loop, "inner", inner);
	json_object_set(inner, "loop", loop);
	ck_assert_int_eq(varlink_put(&b, loop), -ENOMEM);
	ck_assert(b.failed);
	ck_assert_uint_eq(b.len, 4);
	json_object_clear(inner);
	json_decref(inner);
	json_decref(loop);
	buf_fini(&b);
}
END_TEST

UNIT_MAIN_LOOPS("varlink",
    UNIT_LOOPS(UNIT_ROWS(each_value_is_held_against_its_type_and_the_culprit_is_named,
    check_cases), UNIT_ROWS(nonsense_is_refused_with_a_reason_and_can_be_passed_over, nonsense)),
    every_method_is_found_by_its_name_and_no_other, handlers_stand_in_the_order_of_the_methods,
    a_method_carries_its_access_and_its_fields, fields_carry_their_types_down_to_the_nested_ones,
    errors_and_interfaces_are_known_by_name, the_text_of_an_interface_is_its_file,
    a_message_comes_whole_however_its_bytes_arrive, messages_in_one_piece_come_one_by_one,
    nesting_without_an_end_is_refused, a_message_may_be_as_long_as_the_limit_and_no_longer,
    what_can_not_be_put_leaves_what_was_there, the_way_to_a_culprit_is_told)
