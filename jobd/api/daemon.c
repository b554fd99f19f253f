/* SPDX-License-Identifier: ISC */
/* org.jobd.Daemon.Stop, org.jobd.Monitor.Health and org.varlink.service: the daemon itself. */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "jobd/api/common.h"
#include "lib/strv.h"
#include "lib/varlink_handlers.h"

#define LOST_LATELY_US UINT64_C(600000000)

void api_daemon_stop(void *ctx, struct call *c)
{
	struct api *a = ctx;
	struct actor who = call_actor(c);
	const char *word = param_str(c, "on_stop");
	enum on_stop how = word ? on_stop_parse(word) : 0;
	struct engine_stopping s;
	json_t *reply = json_object();

	if (word && !how) {
		error_invalid(c, "on_stop", "it is keep, pause or cancel");
		json_decref(reply);
		return;
	}
	a->o.stop(a->o.ctx, &who, how, NULL);
	engine_stopping(a->o.engine, &s);
	json_put(reply, "on_stop", json_text(on_stop_name(s.how)));
	json_put(reply, "jobs", json_integer(s.jobs));
	json_put(reply, "within_ms", json_integer((json_int_t)s.within_ms));
	call_reply(c, reply);
}

/* Resident memory of this process, 0 where it can't be read. */
static json_int_t resident_kb(void)
{
	unsigned long long size, resident;
	FILE *f = fopen("/proc/self/statm", "re");

	if (!f)
		return 0;
	int n = fscanf(f, "%llu %llu", &size, &resident);
	fclose(f);
	return n == 2 ? (json_int_t)(resident * (unsigned long long)sysconf(_SC_PAGESIZE) / 1024) : 0;
}

static json_t *counts_json(const struct engine_health *h)
{
	json_t *o = json_object();

	for (int s = JOB_QUEUED; s < JOB_STATES; s++)
		json_put(o, job_state_name((enum job_state)s), json_integer((json_int_t)h->counts[s]));
	return o;
}

/* Those of a while ago are counted, and no trouble any more. */
static void lost_lines_problem(json_t *problems, const struct api_lost_lines *l)
{
	char text[120];

	if (!l->all || (!l->unsaid && l->ago_us >= LOST_LATELY_US))
		return;
	snprintf(text, sizeof text, "%llu log line%s dropped, %s", (unsigned long long)l->all,
	    l->all == 1 ? " was" : "s were",
	    l->unsaid ? "and the log does not tell of it yet" : "the last one less than 10 minutes ago");
	json_array_append_new(problems, json_string(text));
}

static json_t *problems_json(
    struct engine *e, const struct engine_health *h, const struct api_lost_lines *lost)
{
	json_t *a = json_array();
	struct engine_stopping s;
	char text[120];

	if (engine_stopping(e, &s)) {
		snprintf(text, sizeof text, "it is stopping, and waits for %u job%s; none is started", s.jobs,
		    s.jobs == 1 ? "" : "s");
		json_array_append_new(a, json_string(text));
	}
	if (h->free_bytes < h->low_disk_bytes) {
		snprintf(text, sizeof text, "only %llu MB free where the state is: no new work is taken",
		    (unsigned long long)(h->free_bytes >> 20));
		json_array_append_new(a, json_string(text));
	}
	if (h->silent_keepers) {
		snprintf(text, sizeof text, "%u keepers do not answer", h->silent_keepers);
		json_array_append_new(a, json_string(text));
	}
	if (h->backing_off)
		json_array_append_new(a, json_string("no process could be started lately"));
	lost_lines_problem(a, lost);
	return a;
}

void api_monitor_health(void *ctx, struct call *c)
{
	struct api *a = ctx;
	struct engine_health h;
	struct api_lost_lines lost = a->o.lost_lines(a->o.ctx);
	json_t *o = json_object();

	engine_health(a->o.engine, &h);
	json_t *problems = problems_json(a->o.engine, &h, &lost);
	json_put(o, "status", json_string(json_array_size(problems) ? "degraded" : "ok"));
	json_put(o, "problems", problems);
	json_put(o, "version", json_string(a->o.version));
	json_put(o, "pid", json_integer(getpid()));
	json_put(o, "uid", json_integer(geteuid()));
	json_put(o, "instance", json_text(h.instance));
	json_put(o, "started_at_us", json_integer((json_int_t)a->o.started_at_us));
	json_put(o, "jobs", counts_json(&h));
	json_put(o, "max_running", json_integer(h.max_running));
	if (h.user_max_running)
		json_put(o, "user_max_running", json_integer(h.user_max_running));
	json_put(o, "journal", json_integer((json_int_t)h.journal));
	json_put(o, "free_mb", json_integer((json_int_t)(h.free_bytes >> 20)));
	json_put(o, "rss_kb", json_integer(resident_kb()));
	json_put(o, "tree", json_text(h.tree));
	json_put(o, "silent_keepers", json_integer(h.silent_keepers));
	json_put(o, "dropped_log_lines", json_integer((json_int_t)lost.all));
	json_put(o, "limits_met", limits_json(a));
	json_put(o, "connections", json_integer((json_int_t)server_connections(a->server)));
	call_reply(c, o);
}

void api_service_get_info(void *ctx, struct call *c)
{
	struct api *a = ctx;
	json_t *names = json_array();

	for (const struct varlink_interface *i = varlink_interfaces; i->name; i++)
		json_array_append_new(names, json_string(i->name));
	call_reply(c, json_pack("{s:s, s:s, s:s, s:s, s:o}", "vendor", "jobd", "product", "jobd",
	    "version", a->o.version, "url", "", "interfaces", names));
}

void api_service_get_interface_description(void *ctx, struct call *c)
{
	const char *name = param_str(c, "interface");

	(void)ctx;
	for (const struct varlink_interface *i = varlink_interfaces; i->name; i++) {
		if (strcmp(i->name, name) == 0) {
			call_reply(c, json_pack("{s:s}", "description", i->text));
			return;
		}
	}
	call_error(c, "org.varlink.service.InterfaceNotFound", json_pack("{s:s}", "interface", name));
}
