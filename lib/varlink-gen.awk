# SPDX-License-Identifier: ISC
#
# Makes C from Varlink interface files, so that these files are the one list of
# what the daemon can be asked.
#
#	awk -v out=tables   -f varlink-gen.awk FILE.varlink…   > varlink_tables.c
#	awk -v out=handlers -f varlink-gen.awk FILE.varlink…   > varlink_handlers.h
#
# POSIX awk; meant to run with LC_ALL=C. Takes what lib/varlink.h can express of
# the language: no floats, no enums, no structs without a name, no arrays of
# arrays. Every method has an "Access:" line in the comment above it. Mistakes
# go to standard error as file:line: what is wrong, and the exit status is 1;
# mistakes of grammar end a file's reading, others are all reported.

BEGIN {
	if (out != "tables" && out != "handlers") {
		print "varlink-gen.awk: say -v out=tables or -v out=handlers" | "cat 1>&2"
		bad = stop = 1
		exit 1
	}
	kinds["bool"] = "VARLINK_BOOL"
	kinds["int"] = "VARLINK_INT"
	kinds["string"] = "VARLINK_STRING"
	kinds["object"] = "VARLINK_OBJECT"
	split("any submit owner admin root", words, " ")
	for (w in words)
		rights[words[w]] = 1
	interfaces = methods = errors = types = lists = 0
}

FNR == 1 {
	if (NR > 1)
		file_end()
	file_begin()
}

{
	texts[interfaces] = texts[interfaces] "\n\t\"" literal($0) "\\n\""
	scan($0)
}

END {
	if (stop)
		exit 1
	if (NR == 0)
		mistake("varlink-gen.awk", 0, "no interface file was given")
	else
		file_end()
	if (bad) {
		close("cat 1>&2")
		exit 1
	}
	if (out == "tables")
		write_tables()
	else
		write_handlers()
}

function mistake(f, line, text)
{
	printf "%s:%d: %s\n", f, line, text | "cat 1>&2"
	bad = 1
}

# ---- reading: lines to tokens ----

function file_begin()
{
	tokens = 0
	split("", token)
	doc = ""
	broken = 0
	file = FILENAME
	texts[++interfaces] = ""
}

# Comment lines gather in doc, which goes to the next token; anything else ends it.
function scan(line,	rest, word)
{
	if (line ~ /^[ \t]*#/) {
		sub(/^[ \t]*# ?/, "", line)
		doc = doc line "\n"
		return
	}
	rest = line
	sub(/#.*/, "", rest)
	sub(/^[ \t\r]+/, "", rest)
	if (rest == "")
		doc = ""
	while (rest != "") {
		if (!match(rest, /^(->|\[string\]|\[\]|[A-Za-z0-9_][A-Za-z0-9_.-]*|[():,?])/)) {
			if (!broken)
				mistake(file, FNR, "'" substr(rest, 1, 1) "' has no business here")
			broken = 1
			return
		}
		word = substr(rest, 1, RLENGTH)
		rest = substr(rest, RLENGTH + 1)
		sub(/^[ \t\r]+/, "", rest)
		token[++tokens] = word
		token_line[tokens] = FNR
		token_doc[tokens] = doc
		doc = ""
	}
}

# ---- parsing: tokens to lists of fields ----

function file_end()
{
	at = 1
	first_list = lists + 1
	if (!broken && interface_parse())
		references_check()
}

function line_here()
{
	return tokens == 0 ? 1 : token_line[at <= tokens ? at : tokens]
}

function wrong(text)
{
	mistake(file, line_here(), text)
	return 0
}

function expect(word)
{
	if (at > tokens)
		return wrong("the file ends where '" word "' should be")
	if (token[at] != word)
		return wrong("'" word "' is expected, not '" token[at] "'")
	at++
	return 1
}

function interface_parse(	base)
{
	if (!expect("interface"))
		return 0
	name = token[at]
	if (at > tokens || name !~ /^[A-Za-z]([-]*[A-Za-z0-9])*(\.[A-Za-z0-9]([-]*[A-Za-z0-9])*)+$/)
		return wrong("bad name of an interface: '" (at > tokens ? "" : name) "'")
	if (name in seen)
		wrong("interface " name " was there before, in " seen[name])
	seen[name] = file
	base = file
	sub(/.*\//, "", base)
	if (base != name ".varlink")
		wrong("interface " name " belongs into a file named " name ".varlink")
	names[interfaces] = name
	at++
	while (at <= tokens)
		if (!member_parse())
			return 0
	return 1
}

function member_parse(	what, line, text, member, ok)
{
	what = token[at]
	line = line_here()
	text = token_doc[at]
	if (what != "type" && what != "method" && what != "error")
		return wrong("'type', 'method' or 'error' is expected, not '" what "'")
	at++
	member = token[at]
	if (at > tokens || member !~ /^[A-Z][A-Za-z0-9]*$/)
		return wrong("bad name of a " what ": '" (at > tokens ? "" : member) "'")
	member = name "." member
	if (member in seen)
		mistake(file, line, token[at] " was there before, in line " seen[member])
	seen[member] = line
	at++
	if (what == "method")
		return method_parse(member, line, text)
	ok = list_parse((what == "type" ? "type " : "error ") member)
	if (what == "type") {
		type_list[member] = lists
		type_names[++types] = member
		type_line[member] = line
	} else {
		error_names[++errors] = member
		error_list[errors] = lists
	}
	return ok
}

function method_parse(member, line, text,	n, i, parts, access, handler)
{
	n = split(text, parts, "\n")
	for (i = 1; i < n; i++) {
		if (parts[i] !~ /^Access:/)
			continue
		if (access != "")
			mistake(file, line, "method " member " has two Access: lines")
		access = parts[i]
		sub(/^Access:[ \t]*/, "", access)
		sub(/[ \t\r]+$/, "", access)
		if (!(access in rights))
			mistake(file, line, "Access: is any, submit, owner, admin or root, not '" access "'")
	}
	if (access == "")
		mistake(file, line, "method " member " has no Access: line in the comment above it")

	handler = handler_name(member)
	if (handler in handlers)
		mistake(file, line, "methods " member " and " handlers[handler] \
		    " would have the same handler, " handler)
	handlers[handler] = member

	method_names[++methods] = member
	method_access[methods] = access
	method_handler[methods] = handler
	method_in[methods] = lists + 1
	if (!list_parse("in of " member) || !expect("->"))
		return 0
	method_out[methods] = lists + 1
	return list_parse("out of " member)
}

# org.jobd.Job.SetPriority: api_job_set_priority
function handler_name(member,	n, parts, s, i, c, was, next_c, r)
{
	n = split(member, parts, ".")
	s = parts[n - 1] "_" parts[n]
	r = "api_"
	for (i = 1; i <= length(s); i++) {
		c = substr(s, i, 1)
		was = i > 1 ? substr(s, i - 1, 1) : "_"
		next_c = substr(s, i + 1, 1)
		if (c ~ /[A-Z]/ && (was ~ /[a-z0-9]/ || (was ~ /[A-Z]/ && next_c ~ /[a-z]/)))
			r = r "_"
		r = r (c == "-" ? "_" : tolower(c))
	}
	return r
}

function list_parse(what,	l, n)
{
	l = ++lists
	list_of[l] = what
	list_size[l] = n = 0
	if (!expect("("))
		return 0
	if (token[at] == ")" && at <= tokens) {
		at++
		return 1
	}
	for (;;) {
		if (!field_parse(l, ++n))
			return 0
		list_size[l] = n
		if (token[at] != "," || at > tokens)
			break
		at++
	}
	return expect(")")
}

function field_parse(l, n,	field)
{
	field = token[at]
	if (at > tokens || field !~ /^[A-Za-z](_?[A-Za-z0-9])*$/)
		return wrong("bad name of a field: '" (at > tokens ? "" : field) "'")
	if ((l, field) in field_seen)
		wrong("field " field " was there before")
	field_seen[l, field] = 1
	field_name[l, n] = field
	field_line[l, n] = line_here()
	at++
	if (token[at] == "," || token[at] == ")")
		return wrong("enums are not supported: use string")
	if (!expect(":"))
		return 0
	if (token[at] == "?") {
		field_null[l, n] = 1
		at++
	}
	if (token[at] == "[]" || token[at] == "[string]") {
		if (token[at] == "[]")
			field_array[l, n] = 1
		else
			field_map[l, n] = 1
		at++
		if (token[at] == "[]" || token[at] == "[string]" || token[at] == "?")
			return wrong("arrays and maps of arrays, maps or nullables are not supported")
	}
	return element_parse(l, n)
}

function element_parse(l, n,	what)
{
	what = at <= tokens ? token[at] : ""
	if (what == "(")
		return wrong("structs and enums without a name are not supported: make it a type")
	if (what == "float")
		return wrong("float is not supported: integers only")
	if (!(what in kinds) && what !~ /^[A-Z][A-Za-z0-9]*$/)
		return wrong("bad type: '" what "'")
	field_type[l, n] = what
	at++
	return 1
}

# ---- checks that need the whole file ----

function references_check(	l, n, t)
{
	for (l = first_list; l <= lists; l++)
		for (n = 1; n <= list_size[l]; n++)
			if (!(field_type[l, n] in kinds) && !((name "." field_type[l, n]) in type_list))
				mistake(file, field_line[l, n], "unknown type '" field_type[l, n] "'")
			else
				field_ref[l, n] = type_list[name "." field_type[l, n]]
	for (t = 1; t <= types; t++)
		if (type_list[type_names[t]] >= first_list && endless(type_list[type_names[t]], 0))
			mistake(file, type_line[type_names[t]], "type " type_names[t] \
			    " needs itself: no value can be of it")
}

# Whether a value of these fields would have to hold another without an end.
function endless(l, depth,	n)
{
	if (depth > types)
		return 1
	for (n = 1; n <= list_size[l]; n++)
		if (field_ref[l, n] && !field_null[l, n] && !field_array[l, n] && !field_map[l, n])
			if (endless(field_ref[l, n], depth + 1))
				return 1
	return 0
}

# ---- writing ----

function literal(s,	i, c, r)
{
	r = ""
	for (i = 1; i <= length(s); i++) {
		c = substr(s, i, 1)
		if (c == "\\" || c == "\"" || c == "?")
			r = r "\\" c
		else if (c == "\t")
			r = r "\\t"
		else if (c == "\r")
			r = r "\\r"
		else
			r = r c
	}
	return r
}

function truth(x)
{
	return x ? "true" : "false"
}

function write_list(l,	n, kind, ref)
{
	printf "/* %s */\nstatic const struct varlink_field fields_%d[%d] = {\n", \
	    list_of[l], l, list_size[l] + 1
	for (n = 1; n <= list_size[l]; n++) {
		ref = field_ref[l, n] ? "fields_" field_ref[l, n] : "NULL"
		kind = field_ref[l, n] ? "VARLINK_STRUCT" : kinds[field_type[l, n]]
		printf "\t{ \"%s\", %s, %s, %s, %s, %s },\n", field_name[l, n], kind, \
		    truth(field_null[l, n]), truth(field_array[l, n]), truth(field_map[l, n]), ref
	}
	print "\t{ NULL, VARLINK_BOOL, false, false, false, NULL },\n};\n"
}

# The methods' numbers in the order of their names.
function sort_methods(	i, j, k)
{
	for (i = 1; i <= methods; i++) {
		for (j = i; j > 1 && ("" method_names[i]) < ("" method_names[order[j - 1]]); j--)
			order[j] = order[j - 1]
		order[j] = i
	}
}

function write_tables(	i, l)
{
	print "/* SPDX-License-Identifier: ISC */"
	print "/* Made from the .varlink files by varlink-gen.awk. */"
	print "#include \"lib/varlink.h\"\n"
	print "#ifdef __GNUC__"
	print "#pragma GCC diagnostic ignored \"-Woverlength-strings\"\n#endif\n"
	print "const struct varlink_interface varlink_interfaces[] = {"
	for (i = 1; i <= interfaces; i++)
		printf "\t{ \"%s\",%s },\n", names[i], texts[i]
	print "\t{ NULL, NULL },\n};\n"
	for (l = 1; l <= lists; l++)
		printf "static const struct varlink_field fields_%d[%d];\n", l, list_size[l] + 1
	print ""
	for (l = 1; l <= lists; l++)
		write_list(l)
	print "const struct varlink_method varlink_methods[] = {"
	for (i = 1; i <= methods; i++)
		printf "\t{ \"%s\", \"%s\", fields_%d, fields_%d },\n", method_names[i], \
		    method_access[i], method_in[i], method_out[i]
	print "\t{ NULL, NULL, NULL, NULL },\n};\n"
	printf "const size_t varlink_methods_count = %d;\n\n", methods
	sort_methods()
	print "const unsigned short varlink_methods_by_name[] = {"
	for (i = 1; i <= methods; i++)
		printf "\t%d, /* %s */\n", order[i] - 1, method_names[order[i]]
	print "\t0,\n};\n"
	print "const struct varlink_error varlink_errors[] = {"
	for (i = 1; i <= errors; i++)
		printf "\t{ \"%s\", fields_%d },\n", error_names[i], error_list[i]
	print "\t{ NULL, NULL },\n};"
}

function write_handlers(	i)
{
	print "/* SPDX-License-Identifier: ISC */"
	print "/* Made from the .varlink files by varlink-gen.awk: every method's handler. */"
	print "#ifndef LIB_VARLINK_HANDLERS_H\n#define LIB_VARLINK_HANDLERS_H\n"
	print "struct call;\n"
	for (i = 1; i <= methods; i++)
		printf "void %s(void *ctx, struct call *c);\n", method_handler[i]
	print "\n/* Their names, in the order of varlink_methods. */"
	printf "#define VARLINK_HANDLERS"
	for (i = 1; i <= methods; i++)
		printf "%s \\\n\t%s", (i > 1 ? "," : ""), method_handler[i]
	print "\n\n#endif"
}
