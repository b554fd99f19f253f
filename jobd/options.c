/* SPDX-License-Identifier: ISC */
/* See options.h. */
#include "config.h"

#include "jobd/options.h"

#include <getopt.h>
#include <stdio.h>

#include "lib/strv.h"

static const char usage[] =
    "Usage: jobd [-f] [-c FILE] [-t] [OPTION]...\n"
    "Supervises long-running commands; jobctl(1) talks to it.\n"
    "\n"
    "  -f, --foreground       stay in the foreground, log to standard error\n"
    "  -c, --config FILE      read FILE instead of the usual jobd.conf\n"
    "  -t, --test             check the configuration, say what it found, and exit\n"
    "      --state-dir DIR    keep jobs, journal and logs in DIR\n"
    "      --runtime-dir DIR  keep sockets in DIR\n"
    "      --socket PATH      listen at PATH\n"
    "      --accept-older-store\n"
    "                         start although the store is older than it was: a restored backup\n"
    "      --version          print the version and exit\n"
    "  -h, --help             print this and exit\n";

enum { OPT_STATE_DIR = 256, OPT_RUNTIME_DIR, OPT_SOCKET, OPT_ACCEPT, OPT_VERSION };

static const struct option longs[] = {
	{ "foreground", no_argument, NULL, 'f' },
	{ "config", required_argument, NULL, 'c' },
	{ "test", no_argument, NULL, 't' },
	{ "state-dir", required_argument, NULL, OPT_STATE_DIR },
	{ "runtime-dir", required_argument, NULL, OPT_RUNTIME_DIR },
	{ "socket", required_argument, NULL, OPT_SOCKET },
	{ "accept-older-store", no_argument, NULL, OPT_ACCEPT },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static const char *name_of(int c)
{
	const struct option *o = longs;

	while (o->name && o->val != c)
		o++;
	return o->name ? o->name : "?";
}

static int complain(void)
{
	fputs("Try 'jobd --help'.\n", stderr);
	return 2;
}

int options_parse(int argc, char **argv, struct options *o)
{
	int c;

	*o = (struct options){ 0 };
	while ((c = getopt_long(argc, argv, "fc:th", longs, NULL)) != -1) {
		if (optarg && !*optarg) { /* as of "$UNSET": it would be the present directory */
			fprintf(stderr, "jobd: --%s: an empty name\n", name_of(c));
			return complain();
		}
		switch (c) {
		case 'f':
			o->foreground = true;
			break;
		case 'c':
			o->paths.config = optarg;
			break;
		case 't':
			o->test = true;
			break;
		case OPT_STATE_DIR:
			o->paths.state_dir = optarg;
			break;
		case OPT_RUNTIME_DIR:
			o->paths.runtime_dir = optarg;
			break;
		case OPT_SOCKET:
			o->paths.socket = optarg;
			break;
		case OPT_ACCEPT:
			o->accept_older = true;
			break;
		case OPT_VERSION:
			puts("jobd " PACKAGE_VERSION);
			return 0;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			return complain();
		}
	}
	if (optind < argc) {
		fprintf(stderr, "jobd: unexpected argument '%s'\n", argv[optind]);
		return complain();
	}
	return -1;
}

char **options_again(const struct options *o, const struct paths *p, const char *program, bool test)
{
	const struct {
		bool given;
		const char *option, *value;
	} rows[] = {
		{ test, "-t", NULL },
		{ o->foreground, "-f", NULL },
		{ o->paths.config != NULL, "-c", p->config },
		{ o->paths.state_dir != NULL, "--state-dir", p->state_dir },
		{ o->paths.runtime_dir != NULL, "--runtime-dir", p->runtime_dir },
		{ o->paths.socket != NULL, "--socket", p->socket },
		{ o->accept_older, "--accept-older-store", NULL },
	};
	char **argv = NULL;
	int rc = strv_add(&argv, program);

	for (size_t i = 0; rc == 0 && i < sizeof rows / sizeof rows[0]; i++) {
		if (rows[i].given)
			rc = strv_add(&argv, rows[i].option);
		if (rc == 0 && rows[i].given && rows[i].value)
			rc = strv_add(&argv, rows[i].value);
	}
	if (rc == 0)
		return argv;
	strv_free(argv);
	return NULL;
}
